# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings, modules, interrupts, file systems in memory, and where a guest's threads run: after one update and another."""

from __future__ import annotations

from typing import Any

from rig import assemble, host_settings, journal, placement, snapshot
from rig.checks import check_guest, check_host, check_report, start
from rig.hardware import Hardware
from rig.host import Host
from rig.scenario import Scenario, scenario

CONFIGURATION = f"[Host]\nReconcileNetwork=all\nPreserveTmpfs={host_settings.BY_FSTAB} {host_settings.BY_HAND}\n"


@scenario("host-settings", flavour="full", limit=420)
def settings(s: Scenario) -> None:
    """Sysctls, THP, KSM, huge pages, interrupts, modules, tmpfs and the guest's placement, through two updates in a row."""
    equipment = Hardware(s.directory, "igb")
    host = start(s, **equipment.plan())
    machine = host.machine
    machine.run("systemctl is-system-running --wait", 120)
    host.configure(CONFIGURATION)
    host_settings.change(machine)
    guest = host.start_guest("one", memory_mib=192, network=False)
    placement.change(machine, pid(host))
    before = state(host)
    s.check.equal("roles of the guest's threads", sorted(before["placement"]), ["CPU0", "main", "process"])
    s.check.at_least("fields that are compared", s.check.fact("fieldsCompared", snapshot.count(before)), 80)
    for kernel in (assemble.KERNEL_B, assemble.KERNEL_A):
        host.stage(kernel)
        boot = host.commit()
        check_report(s, host)
        check_host(s, host)
        found = snapshot.differences(before, state(host))
        s.check.that(f"all is as it was before the update to {boot.release}", not found, "\n".join(found[:60]))
        s.facts[boot.release] = check_guest(s, host, guest)
        check_entropy(s, host)


def pid(host: Host) -> int:
    (workload,) = host.ctl("workloads")["workloads"]
    return int(workload["pid"])


def state(host: Host) -> dict[str, Any]:
    return {**host_settings.take(host.machine), "placement": placement.look(host.machine, pid(host))}


def check_entropy(s: Scenario, host: Host) -> None:
    """Given to the kernel once."""
    told = [line for line in journal.text(host.machine, "--unit=liveupdated.service").splitlines() if "seed" in line]
    s.check.equal(f"lines about the seed: {told}", len(told), 1)
