# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates while devices are busy: nothing is written to memory that is the next kernel's."""

from __future__ import annotations

from rig import canary, drain
from rig.checks import check_guest, check_report, start
from rig.drain import Stand
from rig.hardware import E1000E, IGB, NVME, Hardware, mac
from rig.host import Host
from rig.scenario import Scenario, scenario

ROUNDS = 20
FLOODED = ("e1000e", "igb")


@scenario("drain-twenty", limit=600)
def twenty(s: Scenario) -> None:
    """Twenty updates in a row under a flood of packets and writes to a disk: the canary is intact after each."""
    stand = drain.small_stand(s, *FLOODED, "nvme", kernels=("a", "b"))
    machine = stand.machine
    canary.keep(machine)
    for name in FLOODED:
        stand.wire(name).flood()
    drained = []
    for number in range(1, ROUNDS + 1):
        load(s, stand)
        next_kernel = "ab"[number % 2]
        stand.host.ctl("stage", drain.INITRD, f"/boot/kernel-{next_kernel}")
        boot = stand.host.jump()
        s.check.contains(f"release after update {number}", boot.release, f"-rig-{next_kernel}")
        s.check.equal(f"intact bytes after update {number}", canary.check(machine), canary.MIB << 20)
        report = check_report(s, stand.host)
        told = drain.reported(report)
        s.check.equal(f"outcomes of update {number}", [told[a]["outcome"] for a in (E1000E, IGB, NVME)],
                      ["quiet", "quiet", "kept"])
        drained.append(max(told[a]["drainUSec"] for a in (E1000E, IGB)))
    s.check.fact("updates", ROUNDS)
    s.check.fact("framesSent", {name: stand.wire(name).sent for name in FLOODED})
    s.check.fact("slowestDrainUSec", drained)
    s.check.equal("what the kernels complained of", machine.console.suspects, [])


def load(s: Scenario, stand: Stand) -> None:
    """Frames arrive and the disk is written to, from here to the jump."""
    machine = stand.machine
    names = [drain.interface(machine, address) for address in (E1000E, IGB)]
    machine.run("".join(f"/rig/tools/ip link set {name} up; " for name in names), check=True)
    drain.write_on(machine)
    drain.check_flooded(s, machine, *names)


@scenario("drain-guest", flavour="image", limit=420)
def guest(s: Scenario) -> None:
    """A guest whose tap is bridged to a flooded card, with a canary beside it: both are intact after two updates."""
    equipment = Hardware(s.directory, *FLOODED, "nvme")
    host = start(s, files=drain.files(), **equipment.plan())
    stand = Stand(host, equipment)
    machine = host.machine
    for name in FLOODED:  # not what the bridge would pass on to the guest, which is slow
        stand.wire(name).flood(800, target=mac(name))
    drain.bridge(machine, E1000E, IGB)
    steady = host.start_guest("steady", memory_mib=192, tap="tap0")
    canary.keep(machine)
    for kernel in ("b", "a"):
        check_needed(s, host)
        drain.write_on(machine)
        drain.check_flooded(s, machine, drain.interface(machine, E1000E))
        host.stage(f"/rig/kernel-{kernel}")
        boot = host.machine.jump("liveupdatectl commit")
        host.wait_report(boot)
        s.check.equal("ports of the bridge, which is back by itself", drain.ports(machine, "br0"),
                      sorted([drain.interface(machine, E1000E), "tap0"]))
        machine.run(f"/rig/tools/ip link set {drain.interface(machine, IGB)} up", check=True)  # nobody's
        s.check.equal("intact bytes", canary.check(machine), canary.MIB << 20)
        told = drain.reported(check_report(s, host))
        s.check.equal("outcomes", [told[a]["outcome"] for a in (E1000E, IGB, NVME)], ["quiet", "quiet", "kept"])
        s.check.equal("when the guest's card was drained, and the other", [told[a]["phase"] for a in (E1000E, IGB)],
                      ["drain", "quiesce"])
        s.facts[kernel] = check_guest(s, host, steady)
    s.check.fact("framesSent", {name: stand.wire(name).sent for name in FLOODED})


def check_needed(s: Scenario, host: Host) -> None:
    """The card is the guest's way out, the others are nobody's."""
    listed = drain.devices(host)
    for address, users in ((E1000E, ["steady"]), (IGB, [])):
        s.check.equal(f"who uses {address}: {listed[address]['users']}",
                      sorted({one["workload"] for one in listed[address]["users"]}), users)
    s.check.equal("phases", [listed[a]["phase"] for a in (E1000E, IGB)], ["drain", "quiesce"])
    s.check.equal("the root's device", [one["policy"] for one in listed.values() if one["root"]], ["keep"])
