# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is staged stays what it is: through the daemon's end, a package upgrade, somebody else's kexec."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rig import small
from rig.base import wait_for
from rig.kernel import kernel
from rig.machine import COMMAND_LINE
from rig.scenario import Scenario, scenario
from rig.small import Small

SEED = ("--initrd=/boot/initrd", "/boot/vmlinuz")


def make_boot(s: Scenario, initrd: Path) -> Path:
    boot = s.directory / "boot"
    boot.mkdir()
    (boot / "vmlinuz").write_bytes(kernel("b").read_bytes())
    (boot / "other").write_bytes(kernel("a").read_bytes())
    (boot / "initrd").write_bytes(initrd.read_bytes())
    return boot


@scenario("stage-lifecycle", limit=240)
def lifecycle(s: Scenario) -> None:
    """Staged, replaced, unstaged, kept by the daemon's next process; another's load is told; the file may go."""
    initrd = small.root(s.directory)
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s, initrd)))
    staged = stage(s, host)
    survive_daemon(s, host, staged)
    notice_others(s, host)
    replace_and_unstage(s, host)
    boot_what_was_staged(s, host)


def stage(s: Scenario, host: Small) -> Any:
    """As status has it when all of it is known."""
    host.ctl("stage", *SEED)
    staged = host.staged()
    s.check.equal("digest", staged["sha256"], hashlib.sha256(kernel("b").read_bytes()).hexdigest())
    s.check.equal("origin and initrds", [staged["origin"], staged["initrds"]], ["/boot/vmlinuz", ["/boot/initrd"]])
    s.check.contains("release", staged["release"], "-rig-b")
    s.check.equal("cost of a checksum that is skipped", [staged["checksumSkip"], staged.get("checksumUSec")],
                  ["proven", None])
    s.check.equal("loaded, says the kernel", is_loaded(host), "1")
    return staged


def is_loaded(host: Small) -> str:
    return host.machine.run("cat /sys/kernel/kexec_loaded", check=True).out.strip()


def survive_daemon(s: Scenario, host: Small, staged: Any) -> None:
    before = host.pids()
    for signal in ("KILL", "TERM"):
        host.machine.run(f"kill -{signal} $(pidof liveupdated)", check=True)
        if signal == "TERM":  # an end that was asked for is not followed by another start
            wait_for("end of the daemon", 20, lambda: not host.pids())
            host.machine.run("setsid /rig/start.d/start-liveupdated >/dev/null 2>&1 &", check=True)
        wait_for("another process of the daemon", 20, lambda: set(host.pids()) - set(before))
        host.wait_ready()
        s.check.equal(f"staged after SIG{signal}", host.ctl("status").get("staged"), staged)
        before = host.pids()
    passed, found = host.findings()
    s.check.that(f"check still passes: {found}", passed)


def notice_others(s: Scenario, host: Small) -> None:
    """Whoever loads or unloads a kernel, it is told in status and check, and commit refuses to jump into it."""
    for what, part in (("--unload", "unloaded"), ("--load /boot/other /boot/initrd", "Somebody else"),
                       ("--load-segment", "Somebody else")):
        host.ctl("stage", *SEED)
        s.check.that(f"check passes before kexec {what}", host.findings()[0])
        host.machine.run(f"/rig/kexec {what}", check=True)
        passed, found = host.findings()
        s.check.that(f"check fails after kexec {what}: {found}", not passed)
        said = host.machine.run("liveupdatectl status").out
        s.check.contains(f"status after kexec {what}", said, part)
        result = host.machine.run("liveupdatectl commit", 60)
        s.check.equal(f"exit status of commit after kexec {what}\n{result}", result.status, 1)
        s.check.contains(f"what commit says after kexec {what}", result.err, part)
    host.machine.run("/rig/kexec --unload", check=True)


def replace_and_unstage(s: Scenario, host: Small) -> None:
    host.ctl("stage", "/boot/other")
    s.check.equal("staged first", host.ctl("status")["staged"]["origin"], "/boot/other")
    refused = host.machine.run("liveupdatectl stage /boot/initrd")
    s.check.equal(f"exit status for what is no kernel\n{refused}", refused.status, 1)
    s.check.equal("staged still", host.ctl("status")["staged"]["origin"], "/boot/other")
    host.ctl("stage", *SEED)
    s.check.equal("staged anew", host.ctl("status")["staged"]["origin"], "/boot/vmlinuz")
    host.ctl("unstage")
    s.check.equal("staged after unstage", [host.ctl("status").get("staged"), is_loaded(host)], [None, "0"])


def boot_what_was_staged(s: Scenario, host: Small) -> None:
    """The file is replaced, as by a package upgrade, the initrd is overwritten in place, and the daemon is restarted."""
    staged = stage(s, host)
    host.machine.run("cp /boot/other /boot/.new && mv /boot/.new /boot/vmlinuz && echo nothing >/boot/initrd && sync",
                     check=True)
    host.machine.run("kill -KILL $(pidof liveupdated)", check=True)
    host.wait_ready()
    s.check.equal("staged after its file was replaced", host.ctl("status").get("staged"), staged)
    boot = host.jump()
    s.check.contains("release after", boot.release, "-rig-b")
    s.check.equal("command line after", host.command_line(), staged["commandLine"])


@scenario("stage-checksum", limit=120)
def checksum(s: Scenario) -> None:
    """With kho=off the checksum is not skipped: what it costs is told in milliseconds, ChecksumSkip=require refuses."""
    initrd = small.root(s.directory)
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s, initrd)),
                       command_line=COMMAND_LINE.replace("kho=on", "kho=off"))
    staged = host.ctl("stage", *SEED)["staged"]
    s.check.equal("checksum skip", staged["checksumSkip"], "absent")
    s.check.at_least("us that the checksum takes", s.check.fact("checksumUSec", staged["checksumUSec"]), 1000)
    text = host.machine.run("liveupdatectl status; liveupdatectl check").out
    s.check.contains("what is said of it", text, f"{staged['checksumUSec'] // 1000} ms")
    s.check.equal("state under prefer", host.findings()[1]["checksum"]["state"], "warn")
    host.configure("[Update]\nChecksumSkip=require\n")
    s.check.equal("state under require", host.findings()[1]["checksum"]["state"], "fail")
    s.check.that("check does not pass under require", not host.findings()[0])
