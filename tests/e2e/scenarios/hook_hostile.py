# SPDX-License-Identifier: LGPL-2.1-or-later
"""A package manager installs a kernel, and something is wrong on our side: it is told, and nobody else is held up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rig import assemble, journal, kernel_package
from rig.base import wait_for
from rig.channel import Result
from rig.checks import check_undisturbed
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

from .hook import configure, staged_release, start_with_packages, wait_idle


@dataclass(frozen=True)
class Trouble:
    what: str
    begin: str  # shell
    end: str
    in_journal: str
    in_status: str
    fails: bool = False  # the unit, which is told after the trouble, too


HOOKS = "/etc/kernel/postinst.d"
CORRUPT = f"printf '#!/bin/sh\\ntruncate -s 1M /boot/vmlinuz-$1\\n' >{HOOKS}/aa-corrupt; chmod +x {HOOKS}/aa-corrupt"
# Room is left for what dpkg itself writes.
FILL = (f"printf '#!/bin/sh\\nfallocate -l $(($(stat -f -c %%a*%%S /) - 2000000)) /fill\\n' >{HOOKS}/aa-fill; "
        f"chmod +x {HOOKS}/aa-fill")
TROUBLES = [
    Trouble("daemon stopped", "systemctl stop liveupdated.service", "true", "Staged", "/boot/vmlinuz-"),
    Trouble("socket missing", "systemctl stop liveupdated.socket liveupdated.service",
            "systemctl start liveupdated.socket liveupdated.service",
            "Cannot reach liveupdated", "Cannot reach liveupdated", fails=True),
    Trouble("unit masked", "systemctl mask liveupdate-stage@.service", "systemctl unmask liveupdate-stage@.service",
            "is masked", "masked"),
    Trouble("disk full", FILL, f"rm {HOOKS}/aa-fill /fill", "Staged", "/boot/vmlinuz-"),
    Trouble("image corrupt", CORRUPT, f"rm {HOOKS}/aa-corrupt", "ends before", "ends before", fails=True),
]


@scenario("hook-hostile", flavour="full", limit=420)
def hostile(s: Scenario) -> None:
    """Whatever is wrong on our side, apt's transaction ends with 0, and the journal and status say what it was."""
    host = start_with_packages(s)
    configure(host)
    for trouble in TROUBLES:
        install_in_trouble(s, host, trouble)
    check_remembered(s, host)
    refuse_commit(s, host)
    guest = host.start_guest("steady", memory_mib=192)
    install_while_committing(s, host, guest)
    check_undisturbed(s, host, guest)


def install_in_trouble(s: Scenario, host: Host, trouble: Trouble) -> None:
    machine = host.machine
    machine.run(trouble.begin, check=True)
    since = machine.run("date +@%s.%6N", check=True).out.strip()
    result = host.apt("install", "--reinstall", kernel_package.path_inside("real"))
    s.check.equal(f"{trouble.what}: apt's exit status\n{result}", result.status, 0)
    journal.wait_text(machine, trouble.in_journal, f"--since={since}", timeout=30)
    wait_idle(host)
    status = machine.run("SYSTEMD_COLORS=0 liveupdatectl status")
    s.check.contains(f"{trouble.what}: what status says", status.out + status.err, trouble.in_status)
    if trouble.in_journal == "Staged":
        s.check.at_least(f"{trouble.what}: time of the stage", host.ctl("status")["staged"]["stagedUSec"],
                         float(since[1:]) * 1_000_000)
    machine.run(trouble.end, check=True)
    host.wait_ready()
    check_failed(s, host, trouble)


def check_failed(s: Scenario, host: Host, trouble: Trouble) -> None:
    """What the status says of the unit afterwards, until somebody resets it."""
    unit = f"liveupdate-stage@{kernel_package.releases()['real']}.service"
    findings = host.ctl("status")["findings"]
    found = [one["text"] for one in findings if one["id"] == "unit-failed" and unit in one["text"]]
    s.check.equal(f"{trouble.what}: findings of the failed unit, {found}", len(found), int(trouble.fails))
    host.machine.run("systemctl reset-failed", check=True)


def check_remembered(s: Scenario, host: Host) -> None:
    """The image that was refused last is told by its id, and a restart of the daemon forgets nothing of it."""
    (entry,) = journal.told(host.machine, "STAGE_FAILED")
    s.check.contains("reason in the journal", entry["LIVEUPDATE_REASON"], "ends before")
    s.check.contains("origin in the journal", entry["LIVEUPDATE_ORIGIN"], kernel_package.releases()["real"])
    restart_and_compare(s, host)


def restart_and_compare(s: Scenario, host: Host) -> Any:
    before = host.ctl("status")["automation"]
    s.check.that("there is a problem", before.get("problem"), before)
    host.machine.run("systemctl restart liveupdated.service", check=True)
    host.wait_ready()
    s.check.equal("automation after a restart of the daemon", host.ctl("status")["automation"], before)
    return before["problem"]


def refuse_commit(s: Scenario, host: Host) -> None:
    """A commit by itself that is not even asked for, and one that cannot begin, for the kernel was unloaded behind the
    daemon's back."""
    machine = host.machine
    host.stage(assemble.KERNEL_B)
    s.check.equal("problem after a stage", host.ctl("status")["automation"].get("problem"), None)
    s.check.contains("a failure to commit with AutoCommit=no", tell_failure(host).err, "NotWanted")
    configure(host, auto_commit="window")
    told = tell_failure(host)
    s.check.equal(f"exit status of varlinkctl\n{told}", told.status, 0)
    problem = host.ctl("status")["automation"]["problem"]
    s.check.equal("problem that was told", [problem[key] for key in ("action", "release", "message")],
                  ["commit", kernel_package.releases()["real"], "It is late."])
    machine.put_file(assemble.kexec_program(), "/run/kexec", 0o755)
    machine.run("/run/kexec --unload", check=True)
    machine.run("systemctl start liveupdate-commit.service")
    *_, entry = journal.wait_told(machine, "COMMIT_REFUSED", 2)
    s.check.contains("reason in the journal", entry["LIVEUPDATE_REASON"], "unloaded it")
    problem = restart_and_compare(s, host)
    s.check.equal("problem", [problem["action"], problem["message"]], ["commit", entry["LIVEUPDATE_REASON"]])
    configure(host)
    machine.run("systemctl reset-failed", check=True)


def tell_failure(host: Host) -> Result:
    """As liveupdatectl does, an hour later."""
    parameters = json.dumps({"message": "It is late.", "remedy": "Be early."})
    return host.machine.run(f"varlinkctl call /run/liveupdate/io.liveupdate io.liveupdate.CommitFailed '{parameters}'")


def install_while_committing(s: Scenario, host: Host, guest: Guest) -> None:
    """A stopped QEMU process holds up the commit, which rolls back for want of an answer. Then the kernel is staged."""
    machine = host.machine
    host.stage(assemble.KERNEL_B)
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    machine.run(f"kill -STOP {pid}", check=True)
    machine.run("liveupdatectl commit >/run/commit.out 2>/run/commit.err &")
    machine.run("for i in $(seq 50); do grep -q prepare /run/commit.out && exit 0; sleep 0.1; done; exit 1", check=True)
    # apt takes its time to think; the transaction itself is dpkg's.
    result = machine.run(f"dpkg -i {kernel_package.path_inside('real')}")
    s.check.equal(f"during a commit: dpkg's exit status\n{result}", result.status, 0)
    problem = wait_for("problem in the status", 30, lambda: host.ctl("status")["automation"].get("problem"))
    s.check.equal("during a commit: status", [problem["action"], problem["release"]],
                  ["stage", kernel_package.releases()["real"]])
    s.check.contains("during a commit: what status says", problem["message"], "under way")
    unit = f"liveupdate-stage@{kernel_package.releases()['real']}.service"
    journal.wait_text(machine, "under way", f"--unit={unit}", timeout=30)
    machine.run("for i in $(seq 150); do [ -s /run/commit.err ] && exit 0; sleep 0.2; done; exit 1", 60, check=True)
    machine.run(f"kill -CONT {pid}", check=True)
    s.check.contains("what the commit says", machine.run("cat /run/commit.err").out, guest.name)
    wait_for("stage after the rollback", 60, lambda: staged_release(host) == kernel_package.releases()["real"]
             and host.ctl("status")["staged"]["automatic"])
    wait_idle(host)
    s.check.equal("problem after the stage", host.ctl("status")["automation"].get("problem"), None)
    s.check.equal("result of the stage's unit", host.property(unit, "Result"), "success")
