# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that are broken, forged or revoked: each refused for the right reason, nothing staged, nothing left."""

from __future__ import annotations

import json
from pathlib import Path

from rig import broken, small, ukify
from rig.kernel import kernel
from rig.pe import authenticode
from rig.scenario import Scenario, scenario
from rig.small import Small

LINE = "console=ttyS0 uki-whole"
SBAT = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nrig,2,The rig,rig,1,none\n"


def make_images(s: Scenario) -> tuple[Path, dict[str, str], ukify.Signer]:
    """The directory, {path in it: reason}, and who signed the good ones: fine.efi, revoked.efi."""
    boot = s.directory / "boot"
    boot.mkdir()
    signer = ukify.Signer.make(s.directory, "signer")
    initrd = ukify.further_initrd(s.directory / "initrd", "file", b"content\n" * 4096)
    common = {"kernel": kernel("b"), "initrds": [initrd], "sbat": SBAT}
    plain = ukify.build(s.directory / "plain.efi", command_line=LINE, **common).read_bytes()
    signed = ukify.build(boot / "fine.efi", command_line=LINE, signer=signer, **common).read_bytes()
    ukify.build(boot / "revoked.efi", command_line=f"{LINE} revoked", signer=signer, **common)
    reasons = {}
    for name, content, reason in broken.corpus(plain, signed):
        (boot / f"{name}.efi").write_bytes(content)
        reasons[f"{name}.efi"] = reason
    return boot, reasons, signer


@scenario("stage-broken", limit=180, needs=ukify.tools)
def broken_images(s: Scenario) -> None:
    """Truncated, overlapping, huge, foreign, forged, revoked by dbx and by SBAT: refused with the reason."""
    boot, reasons, signer = make_images(s)
    host = small.start(s, small.root(s.directory), small.disk(s.directory, boot))
    host.trust(signer)
    before = host.left_behind()
    pids = host.pids()
    for name, reason in reasons.items():
        check_refused(s, host, name, reason)
    refuse_revoked(s, host, boot)
    s.check.equal("what is left in directories for temporary files", host.left_behind(), before)
    s.check.equal("processes of the daemon", host.pids(), pids)
    s.check.equal("images refused", s.check.fact("refused", len(reasons) + 2), 16)
    staged = host.ctl("stage", "/boot/fine.efi")["staged"]
    s.check.equal("a whole one is staged", staged["signature"]["state"], "verified")


def check_refused(s: Scenario, host: Small, name: str, reason: str) -> None:
    result = host.machine.run(f"liveupdatectl stage /boot/{name}")
    s.check.equal(f"exit status for {name}\n{result}", result.status, 1)
    s.check.contains(f"what is said of {name}", result.err, broken.messages()[reason])
    s.check.at_least(f"lines about {name}: the matter and the remedy", len(result.err.strip().splitlines()), 2)
    check = host.machine.run(f"liveupdatectl --json=short check /boot/{name}")
    s.check.that(f"check does not pass for {name}\n{check}", not check or not json.loads(check.out)["passed"])
    s.check.equal(f"staged after {name}", host.ctl("status").get("staged"), None)


def refuse_revoked(s: Scenario, host: Small, boot: Path) -> None:
    """The firmware's variables are played: this machine boots without UEFI."""
    host.machine.run("mount -t tmpfs tmpfs /sys/firmware && mkdir -p /sys/firmware/efi/efivars", check=True)
    revoked = authenticode((boot / "revoked.efi").read_bytes())
    put_variables(host, broken.dbx(bytes(32), revoked))
    check_refused(s, host, "revoked.efi", "signature-revoked")
    s.check.equal("one that dbx does not have", host.ctl("stage", "/boot/fine.efi")["staged"]["signature"]["state"],
                  "verified")
    host.ctl("unstage")
    put_variables(host, broken.sbat_level("sbat,1,2026010100\nrig,3\n"))
    check_refused(s, host, "fine.efi", "signature-revoked")
    host.machine.run("umount /sys/firmware", check=True)


def put_variables(host: Small, variables: dict[str, bytes]) -> None:
    for name, content in variables.items():
        host.machine.put_file(content, f"/sys/firmware/efi/efivars/{name}")
