# SPDX-License-Identifier: LGPL-2.1-or-later
"""The product as a Debian package: installed, upgraded between stage and commit, removed."""

from __future__ import annotations

from pathlib import Path

from rig import journal, kernel_package
from rig.checks import check_guest, check_report, check_undisturbed
from rig.deb import product_package
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

OLD, NEW = "0.1.1", "0.1.2"
# What dpkg, apt, the guest and the services of the host leave behind, and what a change of groups keeps.
NOT_OURS = ("/dev", "/proc", "/sys", "/root", "/tmp", "/boot", "/etc/group-", "/etc/gshadow-", "/run/agetty.reload",
            "/run/credentials", "/run/lock", "/run/log", "/run/rig", "/run/systemd", "/run/udev", "/run/user",
            "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/pstore", "/var/log", "/var/tmp")


def product_packages() -> dict[str, Path]:
    return {f"/rig/packages/liveupdated_{version}.deb": product_package(version) for version in (OLD, NEW)}


@scenario("hook-package", flavour="full", limit=420, needs=product_packages)
def package(s: Scenario) -> None:
    """The daemon's own package is upgraded between stage and commit; in the end it is purged without a trace."""
    machine = s.machine(product=False, files=product_packages() | kernel_package.packages())
    host = Host(machine)
    machine.run("systemctl is-system-running --wait", 120)
    before = paths(host)
    install(s, host, OLD)
    check_enabled(s, host)
    host.configure("[Automation]\nAutoStage=yes\n")
    guest = host.start_guest("steady", memory_mib=192)
    installed = host.apt("install", kernel_package.path_inside("real"))
    s.check.equal(f"apt's exit status\n{installed}", installed.status, 0)
    journal.wait_told(machine, "STAGED")

    upgrade(s, host, guest)
    host.commit()
    check_report(s, host)
    s.facts.update(check_guest(s, host, guest))
    s.check.equal("failed units", host.failed_units(), "")
    purge(s, host, guest, before)


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
    check_undisturbed(s, host, guest)


def purge(s: Scenario, host: Host, guest: Guest, before: set[str]) -> None:
    host.machine.run(f"systemctl disable --now {guest.name}.service; rm -f /etc/systemd/system/{guest.name}.service; "
                     "rm /etc/liveupdate/liveupdated.conf.d/50-rig.conf; rmdir /etc/liveupdate/liveupdated.conf.d", check=True)
    release = kernel_package.releases()["real"]
    result = host.apt("purge", "liveupdated", f"linux-image-{release}")
    s.check.equal(f"apt's exit status\n{result}", result.status, 0)
    s.check.equal("left behind", sorted(paths(host) - before), [])
    left = host.machine.run("systemctl list-units --all --state=loaded --plain --no-legend 'liveupdate*'", check=True)
    s.check.equal("units left", left.out, "")
    s.check.that("no process is left", not host.machine.run("pidof liveupdated"))
    s.check.equal("kernel still loaded", host.machine.run("cat /sys/kernel/kexec_loaded").out.strip(), "0")


def paths(host: Host) -> set[str]:
    unseen = " -o ".join(f"-path {path}" for path in NOT_OURS)
    found = host.machine.run(f"find / \\( {unseen} \\) -prune -o -print", 120, check=True).out
    return set(found.splitlines())
