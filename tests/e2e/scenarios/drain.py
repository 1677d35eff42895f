# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can write to memory by itself, and what a commit does with it."""

from __future__ import annotations

from typing import Any

from rig import drain, hardware, lspci
from rig.checks import check_report
from rig.drain import Stand
from rig.hardware import (E1000E, E1000E_SPARE, E1000E_TWIN, IDLE, IDLE_TOO, IGB, IGB_VIRTUAL, NVME, VIRTIO_BLK,
                          VIRTIO_NET)
from rig.machine import Machine
from rig.scenario import Scenario, scenario

BRIDGES = "06"


@scenario("drain-inventory", limit=150)
def inventory(s: Scenario) -> None:
    """Every PCI function is listed as lspci -vv and sysfs have it, with what sits on it and who uses it."""
    stand = drain.small_stand(s, *hardware.ALL)
    machine = stand.machine
    sit_on(machine)
    listed = drain.devices(stand.host)
    expected = lspci.read(machine)
    s.check.equal("functions", sorted(a for a, one in listed.items() if one["bus"] == "pci"), sorted(expected))
    for address, function in expected.items():
        s.check.equal(address, lspci.ours(listed[address]), function)
    s.check.fact("functions", len(expected))
    check_sitting(s, listed)
    check_users(s, stand, listed)
    check_defaults(s, listed)
    text = machine.run("liveupdatectl devices --all", check=True).out
    for address in expected:
        s.check.contains("what is listed as text", text, address)


def sit_on(machine: Machine) -> None:
    """A bond with a VLAN, a bridge, virtual functions, a file system, swap, and a device in a process's hands."""
    drain.make_virtual(machine)
    names = {"a": drain.interface(machine, E1000E), "b": drain.interface(machine, E1000E_TWIN),
             "igb": drain.interface(machine, IGB)}
    machine.run("ip() { /rig/tools/ip \"$@\"; }; set -e; ip link add bond0 type bond mode active-backup; "
                "ip link set $a master bond0; ip link set $b master bond0; ip link set bond0 up; "
                "ip link add link bond0 name bond0.7 type vlan id 7; "
                "ip link add br0 type bridge; ip link set $igb master br0; ip link set $igb up; ip link set br0 up",
                check=True, env=names)
    drain.mount_nvme(machine)
    machine.run("disk=$(ls /sys/bus/pci/devices/%s/virtio*/block | tail -1); mkswap /dev/$disk && swapon /dev/$disk"
                % VIRTIO_BLK, check=True)
    drain.bind_vfio(machine, E1000E_SPARE)
    drain.hold_vfio(machine, E1000E_SPARE)


def check_sitting(s: Scenario, listed: dict[str, Any]) -> None:
    for address in (E1000E, E1000E_TWIN):
        (one,) = listed[address]["interfaces"]
        s.check.equal(f"uppers of {address}", one["uppers"], ["bond0", "bond0.7"])
        s.check.that(f"{address} is up", one["up"])
    s.check.equal("uppers of the igb", [one["uppers"] for one in listed[IGB]["interfaces"]], [["br0"]])
    s.check.that("the virtio-net is down", not listed[VIRTIO_NET]["interfaces"][0]["up"])
    s.check.equal("mounts of the NVMe", listed[NVME]["mounts"], [drain.NVME_MOUNT])
    s.check.equal("who has swap", [a for a, one in listed.items() if one["swap"]], [VIRTIO_BLK])
    s.check.equal("who has the root", [a for a, one in listed.items() if one["root"]], [])


def check_users(s: Scenario, stand: Stand, listed: dict[str, Any]) -> None:
    pid = int(stand.machine.run("pidof vfio-hold", check=True).out)
    users = [(one["pid"], one["comm"], one["use"]) for one in listed[E1000E_SPARE]["users"]]
    s.check.equal("who holds the device bound to vfio-pci", users, [(pid, "vfio-hold", "vfio")])
    s.check.equal("its driver", listed[E1000E_SPARE]["driver"], "vfio-pci")
    s.check.that("it is bus master", listed[E1000E_SPARE]["busMaster"])


def check_defaults(s: Scenario, listed: dict[str, Any]) -> None:
    expected = {E1000E: "quiet", E1000E_TWIN: "quiet", IGB: "quiet", IGB_VIRTUAL[0]: "quiet", IGB_VIRTUAL[1]: "quiet",
                NVME: "keep", VIRTIO_NET: "keep", VIRTIO_BLK: "keep", IDLE: "master_off", IDLE_TOO: "master_off",
                E1000E_SPARE: "preserve"}
    s.check.equal("policies", {address: listed[address]["policy"] for address in expected}, expected)
    for address, one in listed.items():
        s.check.equal(f"where the policy of {address} is from", one["policyOrigin"], "default")
        if (one.get("class") or "").startswith(BRIDGES):
            s.check.equal(f"policy of bridge {address}", one["policy"], "keep")


RULES = (f"[Drain]\nDevicePolicy=class:02=unbind driver:e1000e=quiet address:{VIRTIO_NET}=unbind "
         f"address:{IGB_VIRTUAL[0]}=quiet address:{E1000E_SPARE}=reset\nDrainTimeoutSec=3s\n")
POLICIES = {E1000E: "quiet", E1000E_TWIN: "quiet", E1000E_SPARE: "reset", IGB: "quiet", IGB_VIRTUAL[0]: "quiet",
            IGB_VIRTUAL[1]: "unbind", NVME: "unbind", VIRTIO_NET: "unbind", VIRTIO_BLK: "keep", IDLE: "master-off",
            IDLE_TOO: "master-off"}
DRAINED = [address for address, policy in POLICIES.items() if policy != "keep"]


@scenario("drain-order", limit=240, kernels=("a", "b", "stubborn"))
def order(s: Scenario) -> None:
    """Each device by its policy, virtual functions before their parent and back after it; then the same for a jump."""
    stand = drain.small_stand(s, *hardware.ALL, variant="stubborn")
    host, machine = stand.host, stand.machine
    prepare(machine)
    host.configure(RULES)
    listed = drain.devices(host)
    s.check.equal("policies", {a: listed[a]["policy"].replace("_", "-") for a in POLICIES}, POLICIES)
    s.check.contains("why the igb is not unbound", listed[IGB].get("note") or "", "virtual functions")
    s.check.contains("rule of the igb", listed[IGB]["policyOrigin"], "class:02=unbind")

    roll_back(s, stand)
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    host.jump()
    report = check_report(s, host)
    check_devices(s, drain.reported(report), "quiet")
    check_problems(s, drain.reported(report))


def prepare(machine: Machine) -> None:
    """A bond of both e1000e, the way to the world over the third, virtual functions with interfaces up, a disk that
    nobody uses, and an idle device that somebody left on."""
    drain.make_virtual(machine)
    names = {"a": drain.interface(machine, E1000E), "b": drain.interface(machine, E1000E_TWIN),
             "management": drain.interface(machine, E1000E_SPARE), "igb": drain.interface(machine, IGB),
             "v0": drain.interface(machine, IGB_VIRTUAL[0]), "v1": drain.interface(machine, IGB_VIRTUAL[1]),
             "virtio": drain.interface(machine, VIRTIO_NET)}
    machine.run("ip() { /rig/tools/ip \"$@\"; }; set -e; ip link add bond0 type bond mode active-backup miimon 100; "
                "ip link set $a master bond0; ip link set $b master bond0; ip link set bond0 up; "
                "for i in $igb $v0 $v1 $virtio $management; do ip link set $i up; done; "
                "ip addr add 10.3.0.1/24 dev $management; ip route add default via 10.3.0.254", check=True, env=names)
    drain.be_bus_master(machine, IDLE)
    drain.trace(machine)


def roll_back(s: Scenario, stand: Stand) -> None:
    """One that stays pending is why the commit fails, when all others are quiet."""
    host, machine = stand.host, stand.machine
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    was_on = {address: drain.is_bus_master(machine, address) for address in DRAINED}
    drain.misbehave(machine, "pending", NVME)
    drain.begin_commit(machine)
    s.check.contains("what commit says", drain.wait_refused(machine), NVME)
    drain.misbehave(machine, "pending")
    report = check_report(s, host, "rolled-back")
    s.check.contains("why", report["failure"]["message"], NVME)
    told = drain.reported(report)
    s.check.equal("policies in the report", {a: told[a]["policy"] for a in POLICIES}, POLICIES)
    s.check.that("no bridges in the report", not any(one["class"].startswith(BRIDGES) for one in told.values()))
    check_order(s, drain.traced(machine), [a for a, on in was_on.items() if on])
    s.check.equal("bus masters afterwards", {a: drain.is_bus_master(machine, a) for a in DRAINED}, was_on)


def check_order(s: Scenario, changes: list[tuple[str, bool]], masters: list[str]) -> None:
    """As the kernel saw it: off for all, virtual functions first; then on again, their parent first."""
    off = {address: position for position, (address, on) in reversed(list(enumerate(changes))) if not on}
    back = {address: position for position, (address, on) in enumerate(changes) if on}
    s.check.equal(f"those that were bus masters have been off: {changes}", [a for a in masters if a not in off], [])
    for address in IGB_VIRTUAL:
        s.check.that(f"{address} was off before its parent: {changes}", off[address] < off[IGB])
        s.check.that(f"{address} was back after its parent: {changes}", back[address] > back[IGB])
    for address in (VIRTIO_BLK,):
        s.check.that(f"{address} was left alone: {changes}", address not in off)


def check_devices(s: Scenario, told: dict[str, Any], outcome: str) -> None:
    s.check.equal("policies in the report", {a: told[a]["policy"] for a in POLICIES}, POLICIES)
    s.check.equal("outcomes", {a: told[a]["outcome"] for a in POLICIES},
                  {a: "kept" if policy == "keep" else outcome for a, policy in POLICIES.items()})
    s.check.equal("drained in", {told[a].get("phase") for a in DRAINED}, {"quiesce"})
    s.check.at_most("the kernel's shutdown of what was drained", max(told[a].get("shutdownUSec", 0) for a in DRAINED),
                    1_000_000)
    s.check.fact("drainUSec", {a: told[a].get("drainUSec") for a in DRAINED})


def check_problems(s: Scenario, told: dict[str, Any]) -> None:
    """Under the next kernel nobody has made the virtual functions or set links up; the drivers are all bound."""
    problems = {address: " ".join(one.get("problems", [])) for address, one in told.items()}
    for address in IGB_VIRTUAL:
        s.check.contains(f"what is told of {address}", problems[address], "missing")
    s.check.equal("problems of the NVMe and those without a driver", [problems[a] for a in (NVME, IDLE, IDLE_TOO)],
                  [""] * 3)
    for address in (E1000E, E1000E_TWIN, E1000E_SPARE, VIRTIO_NET):
        s.check.that(f"link of {address}: {problems[address]}", problems[address])
