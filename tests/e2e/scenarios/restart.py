# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon ends at bad moments, services are stopped for a commit: nothing is lost, and all of it comes back."""

from __future__ import annotations

from typing import Any

from rig import assemble, journal
from rig.base import wait_for
from rig.checks import check_guest, check_report, check_undisturbed, start
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

UNIT = "liveupdated.service"
HOLD = "/root/hold"


@scenario("hook-restart", flavour="full", limit=420)
def restart(s: Scenario) -> None:
    """The daemon is restarted, killed, stuck: with a guest, in prepare, and while a preserved guest is not claimed yet."""
    host = start(s)
    guest = host.start_guest("steady", memory_mib=192)
    host.stage(assemble.KERNEL_B)
    staged = host.staged()
    for how in ("systemctl restart", "systemctl kill --signal=KILL"):
        end_daemon(s, host, how)
        s.check.equal(f"staged after `{how}`", host.ctl("status").get("staged"), staged)
        check_undisturbed(s, host, guest)
    get_stuck(s, host, guest)
    s.check.equal("staged after the watchdog", host.ctl("status").get("staged"), staged)
    end_in_prepare(s, host, guest, "systemctl restart --no-block", "ROLLED_BACK")
    end_in_prepare(s, host, guest, "systemctl kill --signal=KILL", "INTERRUPTED")
    kill_in_pause(s, host, guest)
    s.check.equal("staged after all that", host.ctl("status").get("staged"), staged)

    hold_back(host, guest)
    boot = host.machine.jump("liveupdatectl commit")
    host.wait_ready()
    for how in ("systemctl restart", "systemctl kill --signal=KILL"):
        check_preserved(s, host, guest)
        end_daemon(s, host, how)
    check_preserved(s, host, guest)
    host.machine.run(f"rm {HOLD} && systemctl start {guest.name}.service", check=True)
    host.wait_report(boot)
    s.check.contains("release after", boot.release, "-rig-b")
    report = check_report(s, host)
    s.check.equal("workloads", [(w["name"], w["outcome"]) for w in report["workloads"]], [(guest.name, "running")])
    s.facts.update(check_guest(s, host, guest))
    check_finished(s, host)


def end_daemon(s: Scenario, host: Host, how: str) -> None:
    before = host.property(UNIT, "MainPID")
    host.machine.run(f"{how} {UNIT}", check=True)
    wait_for("new process of the daemon", 60, lambda: host.property(UNIT, "SubState") == "running"
                     and host.property(UNIT, "MainPID") != before)
    host.wait_ready()


def get_stuck(s: Scenario, host: Host, guest: Guest) -> None:
    """A daemon that does not answer is ended by the watchdog."""
    machine, drop_in = host.machine, f"/run/systemd/system/{UNIT}.d/watchdog.conf"
    machine.put_file(b"[Service]\nWatchdogSec=3\n", drop_in)
    machine.run("systemctl daemon-reload", check=True)
    end_daemon(s, host, "systemctl restart")
    answering = host.property(UNIT, "MainPID")
    machine.run("sleep 5")
    before, restarts = host.property(UNIT, "MainPID"), int(host.property(UNIT, "NRestarts"))
    s.check.equal("process of a daemon that answers", before, answering)
    machine.run(f"kill -STOP {before}", check=True)
    wait_for("end of the stuck daemon", 60, lambda: host.property(UNIT, "SubState") == "running"
             and host.property(UNIT, "MainPID") != before)
    host.wait_ready()
    s.check.equal("restarts of a daemon that was stuck", int(host.property(UNIT, "NRestarts")), restarts + 1)
    journal.wait_text(machine, "Watchdog timeout", f"--unit={UNIT}")
    check_undisturbed(s, host, guest)
    machine.run(f"rm {drop_in} && systemctl daemon-reload", check=True)
    end_daemon(s, host, "systemctl restart")


def end_in_prepare(s: Scenario, host: Host, guest: Guest, how: str, told: str) -> None:
    """A stopped QEMU process holds the commit in that phase."""
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    host.machine.run(f"kill -STOP {pid}", check=True)
    begin_commit(host)
    wait_phase(host, "prepare")
    report = end_in_update(s, host, guest, pid, how, told)
    s.check.equal(f"where `{how}` met it", report["failure"]["phase"], "prepare")


def kill_in_pause(s: Scenario, host: Host, guest: Guest) -> None:
    """Stopped one phase later, QEMU has the order to pause the guest still before it when the daemon dies. The order is
    obeyed, and the daemon's successor has the guest go on, and starts the services that were stopped."""
    machine = host.machine
    machine.run("systemctl is-system-running --wait", 120)
    active = host.active_units()
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    begin_commit(host)
    wait_phase(host, "quiesce")
    machine.run(f"kill -STOP {pid}", check=True)
    wait_phase(host, "pause")
    end_in_update(s, host, guest, pid, "systemctl kill --signal=KILL", "INTERRUPTED")
    wait_for("rest of the services", 60, lambda: not active - host.active_units(),
             lambda: f"missing: {active - host.active_units()}")


def begin_commit(host: Host) -> None:
    host.machine.run("rm -f /run/commit.*; liveupdatectl commit >/run/commit.out 2>/run/commit.err &")


def wait_phase(host: Host, phase: str) -> None:
    host.machine.run(f"for i in $(seq 600); do grep -q {phase} /run/commit.out && exit 0; sleep 0.05; done; "
                     "cat /run/commit.*; exit 1", check=True)


def end_in_update(s: Scenario, host: Host, guest: Guest, pid: int, how: str, told: str) -> Any:
    machine = host.machine
    count = len(journal.told(machine, told))
    before = host.property(UNIT, "MainPID")
    machine.run(f"{how} {UNIT}; sleep 1; kill -CONT {pid}", check=True)
    wait_for("new process of the daemon", 60, lambda: host.property(UNIT, "SubState") == "running"
                     and host.property(UNIT, "MainPID") != before)
    host.wait_ready()
    journal.wait_told(machine, told, count + 1)
    wait_for("end of the update", 30, lambda: host.ctl("status")["progress"]["state"] in ("idle", "rolled_back"))
    report = check_report(s, host, "rolled-back")
    check_undisturbed(s, host, guest)
    return report


def hold_back(host: Host, guest: Guest) -> None:
    """Its unit does not start while there is a certain file."""
    host.machine.put_file(f"[Unit]\nConditionPathExists=!{HOLD}\n".encode(),
                          f"/etc/systemd/system/{guest.name}.service.d/hold.conf")
    host.machine.run(f"systemctl daemon-reload && touch {HOLD}", check=True)


def check_preserved(s: Scenario, host: Host, guest: Guest) -> None:
    s.check.equal("workloads", [(w["name"], w["state"]) for w in host.ctl("workloads")["workloads"]],
                  [(guest.name, "preserved")])
    s.check.equal("state of the update", host.ctl("status")["progress"]["state"], "restoring")


def check_finished(s: Scenario, host: Host) -> None:
    """No session is kept any longer, neither by the daemon nor for its next process."""
    open_files = host.machine.run(f"ls -l /proc/$(systemctl show -P MainPID {UNIT})/fd", check=True).out
    s.check.that("the daemon has no session", "luo_session" not in open_files, open_files)
    kept = host.machine.run(f"systemd-analyze --no-legend fdstore {UNIT}").out
    s.check.that("none is stored", "session" not in kept, kept)


@scenario("hook-services", flavour="full", limit=360)
def services(s: Scenario) -> None:
    """An ordinary service is stopped in order, what a guest needs goes on, a rollback starts all; no wait for a network."""
    host = start(s)
    machine = host.machine
    machine.run("systemctl is-system-running --wait", 120)
    for name, section in (("ordinary", "[Install]\nWantedBy=multi-user.target\n"), ("needed", "")):
        machine.put_file(service(name, section).encode(), f"/etc/systemd/system/{name}.service")
    machine.put_file(b"[Unit]\nRequires=needed.service\nAfter=needed.service\n",
                     "/etc/systemd/system/steady.service.d/needed.conf")
    machine.put_file(LATE_NETWORK.encode(), "/etc/systemd/system/late-network.service")
    machine.run("systemctl daemon-reload && systemctl enable --now ordinary.service late-network.service", check=True)
    guest = host.start_guest("steady", memory_mib=192)

    roll_back(s, host)
    check_undisturbed(s, host, guest)
    host.stage(assemble.KERNEL_B)
    machine.run(f"touch {HOLD}", check=True)
    host.commit()
    check_report(s, host)
    s.facts.update(check_guest(s, host, guest))
    check_held(s, host)
    s.check.equal("stops of the ordinary service", lines(host, "/root/ordinary.stopped"), 2)
    s.check.equal("stops of what the guest needs", lines(host, "/root/needed.stopped"), 0)
    wait_for("ordinary service under the new kernel", 60,
                     lambda: host.property("ordinary.service", "ActiveState") == "active")


LATE_NETWORK = f"""[Unit]
Description=A network that is long in coming
Wants=network.target
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'while [ -e {HOLD} ]; do sleep 0.2; done'
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
"""


def check_held(s: Scenario, host: Host) -> None:
    """The guest runs, and the boot still waits for the network."""
    units = ("late-network.service", "network.target", "multi-user.target")
    states = [host.property(unit, "ActiveState") for unit in units]
    s.check.equal("state of the network, of network.target and of multi-user.target", states,
                  ["activating", "inactive", "inactive"])
    host.machine.run(f"rm {HOLD}", check=True)
    wait_for("the network", 60, lambda: host.property("network.target", "ActiveState") == "active")


def service(name: str, install: str) -> str:
    defaults = "" if install else "DefaultDependencies=no\n"
    return (f"[Unit]\nDescription=A service, {name}\n{defaults}\n[Service]\nExecStart=/bin/sleep infinity\n"
            f"ExecStop=/bin/sh -c 'echo stopped >>/root/{name}.stopped'\n{install}")


def lines(host: Host, path: str) -> int:
    return int(host.machine.run(f"cat {path} 2>/dev/null | wc -l", check=True).out)


def roll_back(s: Scenario, host: Host) -> None:
    """The kernel is unloaded behind the daemon's back, so that the very last step fails."""
    machine = host.machine
    machine.put_file(assemble.kexec_program(), "/run/kexec", 0o755)
    host.stage(assemble.KERNEL_B)
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    active = host.active_units()
    pids = {name: host.property(f"{name}.service", "MainPID") for name in ("ordinary", "needed", "dbus")}
    machine.run(f"kill -STOP {pid}", check=True)
    machine.run("liveupdatectl commit >/run/commit.out 2>/run/commit.err &")
    machine.run("for i in $(seq 50); do grep -q prepare /run/commit.out && exit 0; sleep 0.1; done; exit 1", check=True)
    machine.run(f"/run/kexec --unload && kill -CONT {pid}", check=True)
    machine.run("for i in $(seq 300); do [ -s /run/commit.err ] && exit 0; sleep 0.2; done; exit 1", 90, check=True)
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "shutdown")
    check_running_again(s, host, active, pids)


def check_running_again(s: Scenario, host: Host, active: set[str], pids: dict[str, Any]) -> None:
    wait_for("rest of the services", 60, lambda: not active - host.active_units(),
                     lambda: f"missing: {active - host.active_units()}")
    s.check.equal("stops of the ordinary service", lines(host, "/root/ordinary.stopped"), 1)
    s.check.differ("process of the ordinary service", host.property("ordinary.service", "MainPID"), pids["ordinary"])
    s.check.equal("stops of what the guest needs", lines(host, "/root/needed.stopped"), 0)
    s.check.equal("process of what the guest needs", host.property("needed.service", "MainPID"), pids["needed"])
    s.check.equal("failed units", host.failed_units(), "")
