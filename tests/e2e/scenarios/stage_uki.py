# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unified kernel images by systemd's ukify, staged and booted: what is in effect afterwards is what the image says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rig import small, ukify
from rig.channel import Boot
from rig.kernel import kernel
from rig.machine import COMMAND_LINE
from rig.pe import Portable
from rig.scenario import Scenario, scenario
from rig.small import Small

# The initrd as the kernel got it is then to be read in /sys/firmware/initrd.
LINE = f"{COMMAND_LINE} retain_initrd"
# Nothing of what a live update needs.
SHORT_LINE = "console=ttyS0 panic=-1 printk.devkmsg=on tsc=nowatchdog retain_initrd uki-signed"
PROFILES = [ukify.Profile("main", "As always", ""), ukify.Profile("debug", "Debug", f"{LINE} uki-debug"),
            ukify.Profile("rescue", "Rescue", f"{LINE} uki-rescue")]
UCODE, OTHER_UCODE = b"microcode of the image", b"microcode of another initrd"


def make_images(s: Scenario, initrd: Path) -> tuple[Path, ukify.Signer]:
    boot = s.directory / "boot"
    boot.mkdir()
    signer = ukify.Signer.make(s.directory, "signer")
    ukify.build(boot / "plain.efi", kernel=kernel("b"), initrds=[initrd], command_line=f"{LINE} uki-plain",
                release="7.3-by-uname", sections={".rig": "a section nobody knows"})
    ukify.build(boot / "signed.efi", kernel=kernel("a"), initrds=[initrd], command_line=SHORT_LINE,
                signer=signer)
    ukify.build(boot / "multi.efi", kernel=kernel("b"), initrds=[initrd], command_line=f"{LINE} uki-main",
                profiles=PROFILES, microcode=ukify.microcode(s.directory / "ucode", UCODE), signer=signer)
    addons = boot / "multi.efi.extra.d"
    addons.mkdir()
    ukify.build(addons / "20-line.addon.efi", command_line="by-addon-20", signer=signer)
    ukify.build(addons / "10-initrd.addon.efi", command_line="by-addon-10", signer=signer,
                initrds=[ukify.further_initrd(s.directory / "of-addon", "of-addon", b"of an addon\n")])
    ukify.further_initrd(boot / "second.img", "second", b"of a second initrd\n", is_compressed=True)
    ukify.microcode(boot / "ucode.img", OTHER_UCODE)
    return boot, signer


@scenario("stage-uki", limit=360, needs=ukify.tools)
def uki(s: Scenario) -> None:
    """Plain, signed, multi-profile with addons, with further initrds: command line, initramfs and /.extra are theirs."""
    initrd = small.root(s.directory)
    images, signer = make_images(s, initrd)
    host = small.start(s, initrd, small.disk(s.directory, images), append="retain_initrd")
    boot_plain(s, host, images)
    boot_signed(s, host, signer)
    boot_multi(s, host, signer)
    boot_with_initrds(s, host)


def check_boot(s: Scenario, host: Small, boot: Boot, staged: Any, release: str, mark: str) -> None:
    s.check.contains(f"release after {mark}", boot.release, release)
    s.check.equal(f"command line of {mark}", host.command_line(), staged["commandLine"])
    words = staged["commandLine"].split()
    s.check.equal(f"whose line it is: {mark}", [word for word in words if word.startswith("uki-")], [mark])
    s.check.equal(f"outcome of {mark}", host.report()["outcome"], "updated")


def boot_plain(s: Scenario, host: Small, images: Path) -> None:
    staged = host.ctl("stage", "/boot/plain.efi")["staged"]
    s.check.equal("kind, origin", [staged[key] for key in ("kind", "origin")], ["uki", "/boot/plain.efi"])
    s.check.contains("release: the kernel's own word counts, not .uname", staged["release"], "-rig-b")
    s.check.equal("release of the system", staged["osRelease"], "The rig")
    s.check.equal("signature", staged["signature"]["state"], "absent")
    s.check.equal("origin of the command line", staged["commandLineOrigin"], "image")
    s.check.equal("added to it", staged.get("commandLineAdded"), None)
    s.check.equal("bytes of the kernel", staged["kernelBytes"], Portable.read(images / "plain.efi").content(".linux")[1])
    s.check.equal("digest", host.staged()["sha256"], hashlib.sha256((images / "plain.efi").read_bytes()).hexdigest())
    boot = host.jump()
    check_boot(s, host, boot, staged, "-rig-b", "uki-plain")
    s.check.contains("/.extra/os-release", host.machine.run("cat /.extra/os-release").out, 'PRETTY_NAME="The rig"')


def boot_signed(s: Scenario, host: Small, signer: ukify.Signer) -> None:
    host.trust(signer)
    host.configure("[Update]\nVerifyImage=require\n")
    staged, boot = host.update("/boot/signed.efi")
    s.check.equal("signature", staged["signature"]["state"], "verified")
    s.check.contains("signer", staged["signature"]["signer"], "The rig's signer")
    for word in ("kho=on", "liveupdate=on", "ramoops.mem_name=oops"):
        s.check.contains("added to the command line", staged["commandLineAdded"], word)
    check_boot(s, host, boot, staged, "-rig-a", "uki-signed")
    s.check.equal("staged after the jump", host.ctl("status").get("staged"), None)


def boot_multi(s: Scenario, host: Small, signer: ukify.Signer) -> None:
    host.trust(signer)
    host.configure("[Update]\nVerifyImage=require\n")
    for profile, identity, mark in ((None, "main", "uki-main"), ("2", "rescue", "uki-rescue"),
                                    ("debug", "debug", "uki-debug")):
        staged = host.ctl("stage", "/boot/multi.efi", *([f"--profile={profile}"] if profile else []))["staged"]
        s.check.equal(f"profile of {profile}", staged["profile"], identity)
        s.check.contains(f"command line of profile {profile}", staged["commandLine"], mark)
    s.check.equal("addons, in the order of their names", [Path(path).name for path in staged["addons"]],
                  ["10-initrd.addon.efi", "20-line.addon.efi"])
    boot = host.jump()
    check_boot(s, host, boot, staged, "-rig-b", "uki-debug")
    s.check.contains("what the addons say", staged["commandLine"], "uki-debug by-addon-10 by-addon-20")
    s.check.equal("file of the addon's initrd", host.machine.run("cat /of-addon").out, "of an addon\n")
    s.check.contains("/.extra/profile", host.machine.run("cat /.extra/profile").out, "ID=debug")
    check_microcode_first(s, host, UCODE)


def boot_with_initrds(s: Scenario, host: Small) -> None:
    """Microcode that was named last is what the kernel finds first."""
    staged, boot = host.update("/boot/plain.efi", "--initrd=/boot/second.img", "--initrd=/boot/ucode.img")
    s.check.equal("initrds", staged["initrds"], ["/boot/second.img", "/boot/ucode.img"])
    check_boot(s, host, boot, staged, "-rig-b", "uki-plain")
    s.check.equal("file of the second initrd", host.machine.run("cat /second").out, "of a second initrd\n")
    check_microcode_first(s, host, OTHER_UCODE)


def check_microcode_first(s: Scenario, host: Small, marker: bytes) -> None:
    head = host.machine.run("head -c 4096 /sys/firmware/initrd", check=True).out_bytes
    s.check.that("the initrd begins with a cpio", head.startswith(b"070701"), head[:64])
    s.check.that("microcode is in it, ahead of all else", head.find(marker) < head.find(b"TRAILER!!!"), head[:512])
    s.check.that("it is that microcode", marker in head, head[:512])
