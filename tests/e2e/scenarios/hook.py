# SPDX-License-Identifier: LGPL-2.1-or-later
"""A package manager installs a kernel: staged by the hook, committed by the window, and nothing of it in apt's way."""

from __future__ import annotations

from typing import Any

from rig import journal, kernel_package
from rig.base import wait_for
from rig.channel import Result
from rig.checks import check_guest, check_report, start
from rig.host import Host
from rig.scenario import Scenario, scenario

HOOK = "/etc/kernel/postinst.d/zz-liveupdate"
HOLD = "/run/hold"
SMALL = """Package: small
Version: 1
Architecture: all
Maintainer: The rig <rig@localhost>
Description: A package of no importance
"""
ADDED_SECONDS = 0.3
PAIRS_MIN, PAIRS_MAX = 2, 8


def start_with_packages(s: Scenario) -> Host:
    host = start(s, files=kernel_package.packages())
    state = host.machine.run("systemctl is-system-running --wait", 120).out.strip()
    s.check.equal("state of systemd", state, "running")
    return host


def configure(host: Host, auto_stage: str = "yes", auto_commit: str = "no") -> None:
    host.configure(f"[Automation]\nAutoStage={auto_stage}\nAutoCommit={auto_commit}\n")


def install(s: Scenario, host: Host, *which: str) -> float:
    """apt's seconds."""
    result = host.apt("install", "--reinstall", *map(kernel_package.path_inside, which))
    s.check.equal(f"apt's exit status\n{result}", result.status, 0)
    return seconds(result)


def purge(s: Scenario, host: Host, which: str) -> None:
    result = host.apt("purge", f"linux-image-{kernel_package.releases()[which]}")
    s.check.equal(f"apt's exit status\n{result}", result.status, 0)


def seconds(result: Result) -> float:
    began, ended = result.out.split()[-2:]
    return float(ended) - float(began)


def staged_release(host: Host) -> str | None:
    staged = host.ctl("status").get("staged")
    return staged["release"] if staged else None


@scenario("hook-upgrade", flavour="full", limit=420, exclusive=True)
def upgrade(s: Scenario) -> None:
    """apt installs a kernel, the hook has it staged, the window opens, apt's work ends, the guest goes on under it."""
    host = start_with_packages(s)
    make_initrds(host)
    configure(host)
    compare_times(s, host)

    guest = host.start_guest("one", memory_mib=192)
    configure(host, auto_commit="window")
    opens = set_window(host, 60)
    s.check.equal("failed units on the old side", host.failed_units(), "")
    count = len(journal.told(host.machine, "STAGED"))
    install(s, host, "real")
    (*_, entry) = journal.wait_told(host.machine, "STAGED", count + 1, 30)
    check_waiting(s, host, entry, opens)

    before = host.machine.boot
    begin_transaction(host)
    check_held_up(s, host)
    host.machine.run(f"rm {HOLD}", check=True)
    after = host.machine.wait_boot(240)
    status = host.machine.run("cat /root/apt.status").out.strip()
    s.check.equal("exit status of apt, which was not stopped", status, "0")
    host.wait_report(after)
    s.check.contains("release before", before.release, "-rig-a")
    s.check.contains("release after", after.release, "-rig-b")
    report = check_report(s, host)
    s.facts.update(check_guest(s, host, guest))
    state = host.machine.run("systemctl is-system-running --wait", 120).out.strip()
    s.check.equal("state of systemd on the new side", state, "running")
    s.check.equal("failed units on the new side", host.failed_units(), "")
    check_helper(s, host)
    check_story(s, host, report)


def check_helper(s: Scenario, host: Host) -> None:
    """Guests wait for what it does: systemd had its socket before it started the daemon, and was not asked for it."""
    listens, starts = (int(host.property(unit, f"{stamp}TimestampMonotonic")) for unit, stamp in
                       (("liveupdate-privileged.socket", "ActiveEnter"), ("liveupdated.service", "InactiveExit")))
    s.check.at_least("us after the boot at which the helper's socket was there", listens, 1)
    s.check.at_most("us after the boot at which the helper's socket was there", listens, starts)


def make_initrds(host: Host) -> None:
    """One for each kernel, as initramfs-tools does. It holds no init, so the kernel mounts the root by itself."""
    host.machine.put_file(b"#!/bin/sh\ncd /etc && echo hostname | busybox cpio -o -H newc >/boot/initrd.img-$1\n",
                          "/etc/kernel/postinst.d/initramfs-tools", 0o755)


def compare_times(s: Scenario, host: Host) -> None:
    """With and without the hook by turns, the best of each: until those are near enough, or there were many."""
    took: dict[str, list[float]] = {"+x": [], "-x": []}
    install(s, host, "real")  # warm
    while len(took["-x"]) < PAIRS_MAX and (len(took["-x"]) < PAIRS_MIN or added(took) > ADDED_SECONDS):
        for mode in took:
            host.machine.run(f"chmod {mode} {HOOK}", check=True)
            took[mode].append(install(s, host, "real"))
            wait_idle(host)
    host.machine.run(f"chmod +x {HOOK}", check=True)
    s.check.equal("times staged", len(journal.told(host.machine, "STAGED")), 1 + len(took["+x"]))
    s.check.fact("aptSecondsWithHook", took["+x"])
    s.check.fact("aptSecondsWithoutHook", took["-x"])
    s.check.at_most(f"seconds that the hook adds, {took}", added(took), ADDED_SECONDS)
    s.check.at_most("seconds of the hook itself", s.check.fact("hookSeconds", hook_seconds(host)), ADDED_SECONDS)
    wait_idle(host)
    purge(s, host, "real")
    journal.wait_told(host.machine, "UNSTAGED", 1, 30)


def added(took: dict[str, list[float]]) -> float:
    return min(took["+x"]) - min(took["-x"])


def hook_seconds(host: Host) -> float:
    """The best of some runs, as the kernel's package has it run."""
    release = kernel_package.releases()["real"]
    now = "cut -d' ' -f1 /proc/uptime"
    times = host.machine.run(f"for i in 1 2 3 4 5; do {now}; {HOOK} {release} /boot/vmlinuz-{release}; {now}; done",
                             check=True).out.split()
    return min(float(ended) - float(began) for began, ended in zip(times[::2], times[1::2]))


def set_window(host: Host, from_now: int) -> int:
    """Opens once, in so many seconds. When, as CLOCK_REALTIME."""
    opens = int(host.machine.run("date +%s", check=True).out) + from_now
    when = host.machine.run(f"date -u -d @{opens} '+%F %T UTC'", check=True).out.strip()
    drop_in = f"[Timer]\nOnCalendar=\nOnCalendar={when}\nRandomizedDelaySec=0\n"
    host.machine.put_file(drop_in.encode(), "/etc/systemd/system/liveupdate-commit.timer.d/50-rig.conf")
    host.machine.run("systemctl daemon-reload", check=True)
    return opens


def begin_transaction(host: Host) -> None:
    """apt is at work on a package of no importance, with its lock held, as long as there is a certain file."""
    host.machine.put_file(SMALL.encode(), "/root/small/DEBIAN/control")
    host.machine.run(f"dpkg-deb --build /root/small /root/small.deb && touch {HOLD}", check=True)
    options = f"-q -y -o Dpkg::Use-Pty=0 -o 'DPkg::Pre-Invoke::=while test -e {HOLD}; do sleep 0.2; done'"
    host.machine.run(f"(apt-get {options} install /root/small.deb >/root/apt.out 2>&1 </dev/null; "
                     "echo $? >/root/apt.status; sync) &", env={"DEBIAN_FRONTEND": "noninteractive"})
    wait_for("apt's lock", 30, lambda: bool(host.machine.run(
        "grep -q \":$(stat -c %i /var/lib/dpkg/lock-frontend) \" /proc/locks")),
        lambda: host.machine.run("cat /root/apt.out").out)


def check_held_up(s: Scenario, host: Host) -> None:
    """The window has opened, and nothing happens."""
    unit = "liveupdate-commit.service"
    s.check.equal("the commit before the window opens", host.property(unit, "ActiveState"), "inactive")
    wait_for("opening of the window", 90, lambda: host.property(unit, "ActiveState") == "activating")
    for _ in range(3):
        host.machine.run("sleep 2")
        s.check.equal("the commit while apt is at work", host.property(unit, "ActiveState"), "activating")
    s.check.equal("commits begun while apt is at work", journal.told(host.machine, "COMMITTED"), [])
    s.check.that("apt is still at work", not host.machine.run("test -e /root/apt.status"))


def check_waiting(s: Scenario, host: Host, entry: dict[str, Any], opens: int) -> None:
    release = kernel_package.releases()["real"]
    s.check.equal("release in the journal", entry.get("LIVEUPDATE_KERNEL_TO"), release)
    wait_for("timer for the window", 20, lambda: host.property("liveupdate-commit.timer", "ActiveState") == "active")
    status = host.ctl("status")
    staged = status["staged"]
    s.check.equal("staged", [staged[key] for key in ("release", "origin", "automatic")],
                  [release, f"/boot/vmlinuz-{release}", True])
    s.check.at_least("bytes of its initrd", staged["initrdBytes"], 100)
    automation = status["automation"]
    s.check.equal("automation", [automation["autoStage"], automation["autoCommit"], automation.get("problem")],
                  [True, "window", None])
    s.check.at_most("us between the window and what status says", abs(automation["nextWindowUSec"] - opens * 1_000_000),
                    1_000_000)
    s.check.equal("staged by the unit", host.property(f"liveupdate-stage@{release}.service", "Result"), "success")
    s.check.equal("failed units after the stage", host.failed_units(), "")


def check_story(s: Scenario, host: Host, report: Any) -> None:
    """What happened, in the journal of the new side: ids and fields."""
    (committed,) = journal.told(host.machine, "COMMITTED", boot="-1")
    identity = committed["LIVEUPDATE_ID"]
    for name in [phase["name"] for phase in report["phases"]]:
        (entry,) = journal.told(host.machine, f"PHASE_{name.upper()}")
        s.check.equal(f"fields of {name}", [entry["LIVEUPDATE_ID"], entry["LIVEUPDATE_PHASE"]], [identity, name])
    s.check.equal("phases told", [phase["name"] for phase in report["phases"]], list(journal.PHASES))
    (updated,) = journal.told(host.machine, "UPDATED")
    s.check.equal("fields of the update",
                  [updated[f"LIVEUPDATE_{key}"] for key in ("ID", "KERNEL_FROM", "KERNEL_TO", "BLACKOUT_USEC")],
                  [identity, report["kernel"]["from"], report["kernel"]["to"], str(report["blackoutUSec"])])
    (restored,) = journal.told(host.machine, "WORKLOAD_RESTORED")
    s.check.equal("fields of the workload", [restored["LIVEUPDATE_WORKLOAD"], restored["LIVEUPDATE_BLACKOUT_USEC"]],
                  ["one", str(report["workloads"][0]["blackoutUSec"])])
    s.check.equal("lost workloads told", journal.told(host.machine, "WORKLOAD_LOST"), [])
    s.check.at_least("kernels staged, told before", len(journal.told(host.machine, "STAGED", boot="-1")), 1)


@scenario("hook-several", flavour="full", limit=420)
def several(s: Scenario) -> None:
    """Of two kernels the newest is staged, once. Removed: unstaged. kernel-install. AutoStage=no, AutoCommit=no, =now."""
    host = start_with_packages(s)
    machine = host.machine
    releases = kernel_package.releases()
    configure(host)
    install(s, host, "real", "newer")
    journal.wait_told(machine, "STAGED")
    wait_idle(host)
    s.check.equal("staged, and how often", [entry["LIVEUPDATE_KERNEL_TO"] for entry in journal.told(machine, "STAGED")],
                  [releases["newer"]])
    s.check.equal("staged of two", staged_release(host), releases["newer"])

    purge(s, host, "newer")
    journal.wait_told(machine, "UNSTAGED")
    s.check.equal("staged after its package is gone", staged_release(host), None)

    install(s, host, "older")
    journal.wait_text(machine, f"{releases['older']} is not staged")
    configure(host, auto_stage="no")
    install(s, host, "newer")
    journal.wait_text(machine, "AutoStage=no")
    wait_idle(host)
    s.check.equal("kernels staged", len(journal.told(machine, "STAGED")), 1)
    s.check.equal("staged of what is not wanted", staged_release(host), None)
    s.check.equal("failed units", host.failed_units(), "")

    configure(host)
    escaped = machine.run(f"systemd-escape /boot/vmlinuz-{releases['newer']}", check=True).out.strip()
    machine.run(f"systemctl start 'liveupdate-stage@{escaped}.service'", check=True)
    s.check.equal("staged by the path of its file", staged_release(host), releases["newer"])
    machine.run("liveupdatectl unstage", check=True)

    check_kernel_install(s, host, releases["newer"])
    check_change_of_mind(s, host)
    configure(host, auto_commit="now")
    install(s, host, "newer")
    boot = machine.wait_boot(240)
    host.wait_report(boot)
    check_report(s, host)
    s.check.contains("release after", boot.release, "-rig-b")


def check_kernel_install(s: Scenario, host: Host, release: str) -> None:
    """The real one, with our plugin among its own."""
    staged, unstaged = (len(journal.told(host.machine, name)) for name in ("STAGED", "UNSTAGED"))
    added = host.machine.run(f"kernel-install add {release} /boot/vmlinuz-{release}")
    s.check.equal(f"exit status of kernel-install add\n{added}", added.status, 0)
    journal.wait_told(host.machine, "STAGED", staged + 1, 30)
    s.check.equal("staged by kernel-install", staged_release(host), release)
    wait_idle(host)
    removed = host.machine.run(f"kernel-install remove {release}")
    s.check.equal(f"exit status of kernel-install remove\n{removed}", removed.status, 0)
    journal.wait_told(host.machine, "UNSTAGED", unstaged + 1, 30)
    s.check.equal("staged after kernel-install remove", staged_release(host), None)
    wait_idle(host)


def check_change_of_mind(s: Scenario, host: Host) -> None:
    """AutoCommit=no while the timer runs: the window opens, and that is no failure."""
    unit = "liveupdate-commit.service"
    configure(host, auto_commit="window")
    set_window(host, 86400)
    install(s, host, "newer")
    wait_for("timer for the window", 30, lambda: host.property("liveupdate-commit.timer", "ActiveState") == "active")
    configure(host, auto_commit="no")
    set_window(host, 15)
    journal.wait_text(host.machine, "AutoCommit=no", f"--unit={unit}", timeout=60)
    wait_idle(host)
    s.check.equal("result of the commit that is not wanted", host.property(unit, "Result"), "success")
    s.check.equal("commits begun, and refused", [journal.told(host.machine, name)
                                                 for name in ("COMMITTED", "COMMIT_REFUSED")], [[], []])
    s.check.equal("problem of the automation", host.ctl("status")["automation"].get("problem"), None)
    s.check.equal("failed units", host.failed_units(), "")


def wait_idle(host: Host) -> None:
    """Until no unit of a hook runs or waits."""
    wait_for("end of the hooks' units", 30, lambda: not host.machine.run(
        "systemctl list-units --all --plain --no-legend --state=activating 'liveupdate-*'; "
        "systemctl list-jobs --plain --no-legend 'liveupdate-*'").out.strip())
