# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who vouches for command line and initrd: VerifyImage= against images that a kexec by hand would take."""

from __future__ import annotations

from pathlib import Path

from rig import broken, small, ukify
from rig.kernel import kernel
from rig.pe import Portable
from rig.scenario import Scenario, scenario
from rig.small import Small

LINE = "console=ttyS0 quiet uki-whole"
FORGED = b"console=ttyS0 init=/bin/sh"


def make_images(s: Scenario) -> tuple[Path, ukify.Signer]:
    boot = s.directory / "boot"
    boot.mkdir()
    signer, stranger = ukify.Signer.make(s.directory, "signer"), ukify.Signer.make(s.directory, "stranger")
    initrd = ukify.further_initrd(boot / "initrd.img", "file", b"as it was signed\n")
    common = {"kernel": kernel("b"), "initrds": [initrd]}
    whole = ukify.build(boot / "whole.efi", command_line=LINE, signer=signer, **common).read_bytes()
    ukify.build(boot / "unsigned.efi", command_line=LINE, **common)
    ukify.build(boot / "stranger.efi", command_line=LINE, signer=stranger, **common)
    ukify.build(boot / "bare-line.efi", signer=signer, **common)
    ukify.build(boot / "added.addon.efi", command_line="by-addon", signer=signer)
    ukify.build(boot / "forged.addon.efi", command_line="by-addon")
    forge(boot, "line", whole, ".cmdline", LINE.encode(), FORGED.ljust(len(LINE)))
    forge(boot, "initrd", whole, ".initrd", b"as it was signed", b"as somebody else")
    return boot, signer


def forge(boot: Path, name: str, whole: bytes, section: str, before: bytes, after: bytes) -> None:
    """The image with other words in a section, and its parts as `kexec -s` takes them out of it."""
    pe = Portable(bytearray(whole))
    offset, size = pe.content(section)
    content = bytes(pe.data[offset:offset + size])
    assert before in content and len(before) == len(after)
    pe.poke(offset, content.replace(before, after))
    (boot / f"forged-{name}.efi").write_bytes(pe.data)
    for part in ("linux", "initrd", "cmdline"):
        offset, size = pe.content(f".{part}")
        (boot / f"forged-{name}.{part}").write_bytes(pe.data[offset:offset + size])


@scenario("stage-verify", limit=180, needs=ukify.tools)
def verify(s: Scenario) -> None:
    """Command line or initrd changed after signing: refused, but kexec -s loads them. So is what no signature covers."""
    boot, signer = make_images(s)
    host = small.start(s, small.root(s.directory), small.disk(s.directory, boot))
    host.trust(signer)
    for policy in ("require", "prefer"):
        host.configure(f"[Update]\nVerifyImage={policy}\n")
        for name in ("forged-line", "forged-initrd"):
            check_refused(s, host, policy, f"{name}.efi", broken.messages()["signature-broken"])
    for name in ("forged-line", "forged-initrd"):
        load_by_hand(s, host, f"/boot/{name}")

    host.configure("[Update]\nVerifyImage=require\n")
    check_refused(s, host, "require", "unsigned.efi", broken.messages()["signature-absent"])
    check_refused(s, host, "require", "stranger.efi", broken.messages()["signature-unknown"])
    for options, part in (("--cmdline=x whole.efi", "command line"), ("--reuse-cmdline whole.efi", "command line"),
                          ("--initrd=/boot/initrd.img whole.efi", "initrd"), ("bare-line.efi", "command line"),
                          ("--addon=/boot/forged.addon.efi whole.efi", "forged.addon.efi")):
        check_refused(s, host, "require", options, part)
    check_taken(s, host, "whole.efi", "verified", "ok")
    check_taken(s, host, "--addon=/boot/added.addon.efi whole.efi", "verified", "ok")

    host.configure("[Update]\nVerifyImage=prefer\n")
    check_taken(s, host, "unsigned.efi", "absent", "warn")
    check_taken(s, host, "stranger.efi", "unknown", "warn")
    check_taken(s, host, "--cmdline=x whole.efi", "verified", "ok")
    host.configure("[Update]\nVerifyImage=off\n")
    check_taken(s, host, "forged-line.efi", "unchecked", "warn")


def check_refused(s: Scenario, host: Small, policy: str, arguments: str, part: str) -> None:
    *options, name = arguments.split()
    result = host.machine.run(f"liveupdatectl stage {' '.join(options)} /boot/{name}")
    s.check.equal(f"exit status of stage {arguments} under {policy}\n{result}", result.status, 1)
    s.check.contains(f"what is said of {arguments} under {policy}", result.err, part)
    s.check.equal(f"staged after {arguments}", host.ctl("status").get("staged"), None)


def check_taken(s: Scenario, host: Small, arguments: str, state: str, finding: str) -> None:
    *options, name = arguments.split()
    answer = host.ctl("stage", *options, f"/boot/{name}")
    s.check.equal(f"signature of {arguments}", answer["staged"]["signature"]["state"], state)
    states = {one["state"] for one in answer["findings"] if one["id"] == "signature"}
    s.check.that(f"a finding says {finding} of {arguments}: {answer['findings']}", finding in states)
    host.ctl("unstage")


def load_by_hand(s: Scenario, host: Small, base: str) -> None:
    """The kernel looks at .linux alone, and that is whole."""
    result = host.machine.run(f"/rig/kexec --load {base}.linux {base}.initrd \"$(cat {base}.cmdline)\"")
    s.check.equal(f"kexec_file_load of the parts of {base}\n{result}", result.status, 0)
    s.check.equal("loaded, says the kernel", host.machine.run("cat /sys/kernel/kexec_loaded").out.strip(), "1")
    host.machine.run("/rig/kexec --unload", check=True)
