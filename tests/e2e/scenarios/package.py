# SPDX-License-Identifier: LGPL-2.1-or-later
"""The product as a Debian package: installed, upgraded between stage and commit and in a commit, removed."""

from __future__ import annotations

from pathlib import Path

from rig import journal, kernel_package
from rig.base import wait_for
from rig.checks import check_guest, check_report, check_undisturbed
from rig.deb import product_package
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

from .hook import set_window

OLD, NEW, NEWEST = "0.1.1", "0.1.2", "0.1.3"
FAR_OFF = 30 * 86400  # seconds
TIMER = "liveupdate-commit.timer"
# Of systemd's generator: what the running kernel's command line wants since the update, until the next boot.
OF_COMMAND_LINE = "/run/systemd/generator.early/default.target.wants/liveupdate-privileged.socket"
# What deb-systemd-invoke asks before it does something.
POLICY = b"""#!/bin/sh
case $* in *liveupdated.service*) ;; *) exit 0 ;; esac
touch /run/policy.asked
while [ ! -e /run/policy.answered ]; do sleep 0.1; done
"""
# What dpkg, apt, the guest and the services of the host leave behind, and what a change of groups keeps.
NOT_OURS = ("/dev", "/proc", "/sys", "/root", "/tmp", "/boot", "/etc/group-", "/etc/gshadow-", "/run/agetty.reload",
            "/run/credentials", "/run/lock", "/run/log", "/run/rig", "/run/systemd", "/run/udev", "/run/user",
            "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/pstore", "/var/log", "/var/tmp")


def product_packages() -> dict[str, Path]:
    return {f"/rig/packages/liveupdated_{version}.deb": product_package(version) for version in (OLD, NEW, NEWEST)}


@scenario("hook-package", flavour="full", limit=600, needs=product_packages)
def package(s: Scenario) -> None:
    """The daemon's own package is upgraded after a stage, upgraded in a commit, and in the end purged without a trace."""
    machine = s.machine(product=False, files=product_packages() | kernel_package.packages())
    host = Host(machine)
    machine.run("systemctl is-system-running --wait", 120)
    before = paths(host)
    install(s, host, OLD)
    check_enabled(s, host)
    host.configure("[Automation]\nAutoStage=yes\nAutoCommit=window\n")
    set_window(host, FAR_OFF)
    guest = host.start_guest("steady", memory_mib=192)
    install_kernel(s, host)

    upgrade(s, host, guest)
    upgrade_in_commit(s, host, guest)
    host.commit()
    check_report(s, host)
    s.facts.update(check_guest(s, host, guest))
    s.check.equal("failed units", host.failed_units(), "")
    install_kernel(s, host)
    purge(s, host, guest, before)


def install_kernel(s: Scenario, host: Host) -> None:
    """It is staged, and waits for the window."""
    installed = host.apt("install", "--reinstall", kernel_package.path_inside("real"))
    s.check.equal(f"apt's exit status\n{installed}", installed.status, 0)
    journal.wait_told(host.machine, "STAGED")
    wait_for("timer for the window", 20, lambda: host.property(TIMER, "ActiveState") == "active")


def install(s: Scenario, host: Host, version: str) -> None:
    result = host.apt("install", f"/rig/packages/liveupdated_{version}.deb")
    s.check.equal(f"apt's exit status\n{result}", result.status, 0)
    host.wait_ready()
    s.check.equal("version that runs", host.ctl("status")["version"], version)


def check_enabled(s: Scenario, host: Host) -> None:
    enabled = host.machine.run("systemctl is-enabled liveupdated.service liveupdated.socket").out.split()
    s.check.equal("enabled", enabled, ["enabled", "enabled"])
    owner = host.machine.run("stat -c '%U %G %a' /run/liveupdate", check=True).out.strip()
    s.check.equal("owner of the socket's directory", owner, "root liveupdate 750")
    nobody = "setpriv --reuid=nobody --regid=nogroup --groups"
    for groups, command, status in (("nogroup", "status", 3), ("liveupdate", "status", 0), ("liveupdate", "unstage", 1)):
        result = host.machine.run(f"{nobody}={groups} liveupdatectl {command}")
        s.check.equal(f"exit status of `{command}` for {groups}\n{result}", result.status, status)


def upgrade(s: Scenario, host: Host, guest: Guest) -> None:
    staged, before = host.staged(), host.ctl("status")  # with its digest, which takes a while
    process = host.property("liveupdated.service", "MainPID")
    install(s, host, NEW)
    s.check.differ("process of the daemon", host.property("liveupdated.service", "MainPID"), process)
    after = host.ctl("status")
    s.check.equal("staged", after["staged"], staged)
    s.check.equal("automation", after["automation"], before["automation"])
    s.check.equal("workloads", after["workloads"], before["workloads"])
    s.check.that("there is a window", before["automation"].get("nextWindowUSec"), before["automation"])
    s.check.equal("timer for the window", host.property(TIMER, "ActiveState"), "active")
    check_undisturbed(s, host, guest)


def upgrade_in_commit(s: Scenario, host: Host, guest: Guest) -> None:
    """A stopped QEMU process holds the commit in its first phase for some seconds, in which the package manager wants the
    daemon to end. The package's script asks first whether it may, and is not answered before the commit has begun."""
    machine = host.machine
    staged, process = host.staged(), host.property("liveupdated.service", "MainPID")
    machine.put_file(POLICY, "/usr/sbin/policy-rc.d", 0o755)
    machine.run(f"(dpkg -i /rig/packages/liveupdated_{NEWEST}.deb >/run/dpkg.out 2>&1; echo $? >/run/dpkg.status) &")
    wait_for("package's script", 120, lambda: bool(machine.run("test -e /run/policy.asked")))
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    machine.run(f"kill -STOP {pid}", check=True)
    machine.run("rm -f /run/commit.*; liveupdatectl commit >/run/commit.out 2>/run/commit.err &")
    machine.run("for i in $(seq 100); do grep -q prepare /run/commit.out && exit 0; sleep 0.05; done; exit 1",
                check=True)
    machine.run("touch /run/policy.answered", check=True)
    wait_for("end of the daemon", 30, lambda: host.property("liveupdated.service", "ActiveState") == "deactivating"
             or host.property("liveupdated.service", "MainPID") != process)
    machine.run(f"kill -CONT {pid}", check=True)
    wait_for("end of the upgrade", 120, lambda: bool(machine.run("test -s /run/dpkg.status")))
    machine.run("rm /usr/sbin/policy-rc.d", check=True)
    said = machine.run("cat /run/dpkg.out /run/dpkg.status").out
    s.check.equal(f"dpkg's exit status in a commit\n{said}", said.split()[-1], "0")
    host.wait_ready()
    s.check.equal("version that runs", host.ctl("status")["version"], NEWEST)
    journal.wait_told(machine, "ROLLED_BACK")
    report = check_report(s, host, "rolled-back")
    s.check.equal("where the upgrade met the commit", report["failure"]["phase"], "prepare")
    s.check.contains("why it was rolled back", report["failure"]["message"], "told to end")
    s.check.equal("staged after an upgrade in a commit", host.staged(), staged)
    check_undisturbed(s, host, guest)


def purge(s: Scenario, host: Host, guest: Guest, before: set[str]) -> None:
    host.machine.run(f"systemctl disable --now {guest.name}.service; rm -f /etc/systemd/system/{guest.name}.service; "
                     "rm /etc/liveupdate/liveupdated.conf.d/50-rig.conf; rmdir /etc/liveupdate/liveupdated.conf.d", check=True)
    s.check.equal("timer before the purge", host.property(TIMER, "ActiveState"), "active")
    for name in ("liveupdated", f"linux-image-{kernel_package.releases()['real']}"):  # whose removal unstages, too
        result = host.apt("purge", name)
        s.check.equal(f"apt's exit status\n{result}", result.status, 0)
        s.check.equal("timer after the purge", host.property(TIMER, "ActiveState"), "inactive")
    host.machine.run(f"rm -r /etc/systemd/system/{TIMER}.d && systemctl daemon-reload", check=True)
    links = host.machine.run("find /run/systemd -name '*liveupdate*'", check=True)
    s.check.equal("left below /run/systemd", links.out.splitlines(), [OF_COMMAND_LINE])
    s.check.equal("left behind", sorted(paths(host) - before), [])
    left = host.machine.run("systemctl list-units --all --state=loaded --plain --no-legend 'liveupdate*'", check=True)
    s.check.equal("units left", left.out, "")
    s.check.that("no process is left", not host.machine.run("pidof liveupdated"))
    s.check.equal("kernel still loaded", host.machine.run("cat /sys/kernel/kexec_loaded").out.strip(), "0")


def paths(host: Host) -> set[str]:
    unseen = " -o ".join(f"-path {path}" for path in NOT_OURS)
    found = host.machine.run(f"find / \\( {unseen} \\) -prune -o -print", 120, check=True).out
    return set(found.splitlines())
