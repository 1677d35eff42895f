# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that do not become quiet, by a fault in the kernel "stubborn": they are named, and nothing is jumped with."""

from __future__ import annotations

from typing import Any

from rig import drain, snapshot
from rig.checks import check_report
from rig.drain import Stand
from rig.hardware import E1000E, E1000E_SPARE, E1000E_TWIN, IGB, NVME
from rig.machine import MachineFailed
from rig.scenario import Scenario, scenario

LIMIT = "[Drain]\nDrainTimeoutSec={}\n"


@scenario("drain-unsafe", limit=300, kernels=("a", "b", "stubborn"))
def unsafe(s: Scenario) -> None:
    """Bus mastering that cannot be cleared, transactions that stay pending, a device that disappears meanwhile."""
    stand = drain.small_stand(s, "e1000e", "twin", "spare", "igb", "nvme", variant="stubborn")
    host, machine = stand.host, stand.machine
    for address in (E1000E, E1000E_TWIN, E1000E_SPARE, IGB):
        machine.run(f"/rig/tools/ip link set {drain.interface(machine, address)} up", check=True)
    drain.mount_nvme(machine)
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    before = drain.settled(machine)
    stay_bus_master(s, stand)
    drain.check_same(s, machine, before)
    stay_pending(s, stand)
    drain.check_same(s, machine, before)
    relapse(s, stand)
    drain.check_same(s, machine, before)
    disappear(s, stand, before)
    go_on(s, stand)


def stay_bus_master(s: Scenario, stand: Stand) -> None:
    drain.misbehave(stand.machine, "stubborn", E1000E)
    drain.begin_commit(stand.machine)
    said = drain.wait_refused(stand.machine)
    s.check.contains("what commit says", said, E1000E)
    s.check.contains("what commit says", said, "bus master")
    check_unsafe(s, stand, "quiesce", E1000E)
    drain.misbehave(stand.machine, "stubborn")


def check_unsafe(s: Scenario, stand: Stand, phase: str, address: str) -> dict[str, Any]:
    """Rolled back because of this one, which is named; what is told of it otherwise."""
    report = check_report(s, stand.host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], phase)
    s.check.contains("why", report["failure"]["message"], address)
    told = drain.reported(report)
    s.check.equal("outcomes", {told[a]["outcome"] for a in (E1000E, E1000E_TWIN, IGB)}, {"restored"})
    return told[address]


def relapse(s: Scenario, stand: Stand) -> None:
    """Quiet when it was drained, bus master again when configuration space is read at the end."""
    machine = stand.machine
    stand.host.configure(LIMIT.format("1min"))
    drain.misbehave(machine, "pending", E1000E_SPARE)
    drain.begin_commit(machine)
    drain.wait_quiet(machine, E1000E, IGB)
    drain.be_bus_master(machine, E1000E)
    drain.misbehave(machine, "pending")
    s.check.contains("what commit says", drain.wait_refused(machine), E1000E)
    check_unsafe(s, stand, "drain", E1000E)


def stay_pending(s: Scenario, stand: Stand) -> None:
    stand.host.configure(LIMIT.format("3s"))
    drain.misbehave(stand.machine, "pending", IGB)
    drain.begin_commit(stand.machine)
    said = drain.wait_refused(stand.machine)
    s.check.contains("what commit says", said, IGB)
    s.check.contains("what commit says", said, "pending")
    slow = check_unsafe(s, stand, "quiesce", IGB)
    s.check.at_least("the time it was given", slow["drainUSec"], 3_000_000)
    drain.misbehave(stand.machine, "pending")


def disappear(s: Scenario, stand: Stand, before: dict[str, Any]) -> None:
    """It is waited for, for a long time, and then there is nothing to wait for: the commit goes on."""
    machine = stand.machine
    stand.host.configure(LIMIT.format("1min"))
    drain.misbehave(machine, "pending", E1000E_TWIN, E1000E_SPARE)
    drain.begin_commit(machine)
    drain.wait_quiet(machine, E1000E, IGB)
    machine.run(f"/rig/kexec --unload; echo 1 >/sys/bus/pci/devices/{E1000E_TWIN}/remove", check=True)
    drain.misbehave(machine, "pending")
    drain.wait_refused(machine)
    report = check_report(s, stand.host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "shutdown")
    told = drain.reported(report)
    s.check.equal("outcome of the one that is gone", told[E1000E_TWIN]["outcome"], "gone")
    s.check.equal("outcomes of the others", {told[a]["outcome"] for a in (E1000E, E1000E_SPARE, IGB)}, {"restored"})
    lost = snapshot.wait_same(machine, before, 10)
    s.check.that("only the one that is gone is otherwise", lost)
    name = next(line.split("/")[2].split(":")[0] for line in lost if line.startswith("/link/"))
    s.check.equal("what else is otherwise", [line for line in lost if name not in line and E1000E_TWIN not in line], [])


def go_on(s: Scenario, stand: Stand) -> None:
    """Told to, the commit goes on with what is unsafe, and says so before and after."""
    host, machine = stand.host, stand.machine
    host.configure(LIMIT.format("3s") + "UnsafeDevices=warn\n")
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    drain.misbehave(machine, "stubborn", E1000E)
    drain.misbehave(machine, "pending", IGB)
    machine.run("tail -n 0 -f /run/liveupdated.log >/dev/ttyS0 &")
    line = machine.console.count
    try:
        host.jump()
    except MachineFailed as error:
        raise MachineFailed(f"{error}\nIt was to go on with devices that are unsafe.") from error
    # The last lines before the jump may not have got to the console.
    s.check.that("it was named on the way", machine.console.wait_for(f"{E1000E}.*did not become quiet", 1, line))
    told = drain.reported(check_report(s, host))
    s.check.equal("outcomes", {a: told[a]["outcome"] for a in (E1000E, IGB, NVME)},
                  {E1000E: "unsafe", IGB: "unsafe", NVME: "kept"})
