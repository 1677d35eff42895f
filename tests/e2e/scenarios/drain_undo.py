# SPDX-License-Identifier: LGPL-2.1-or-later
"""A commit that ends after its devices were drained: all of them are as they were, field by field."""

from __future__ import annotations

from rig import assemble, drain, hardware, network
from rig.base import wait_for
from rig.checks import check_report, check_undisturbed, start
from rig.drain import Stand
from rig.host import Host
from rig.hardware import E1000E, E1000E_SPARE, E1000E_TWIN, IDLE, IGB, IGB_VIRTUAL, NVME, VIRTIO_NET, Hardware
from rig.scenario import Scenario, scenario

UNIT = "liveupdated.service"
# quiet for the bond and the igb, keep for the disk; the others one each.
RULES = (f"[Drain]\nDrainTimeoutSec=1min\nDevicePolicy=address:{VIRTIO_NET}=unbind address:{E1000E_SPARE}=reset "
         f"address:{IDLE}=master-off address:{IGB_VIRTUAL[1]}=unbind\n")
POLICIES = {E1000E: "quiet", E1000E_TWIN: "quiet", IGB: "quiet", NVME: "keep", VIRTIO_NET: "unbind",
            E1000E_SPARE: "reset", IDLE: "master-off", IGB_VIRTUAL[0]: "quiet", IGB_VIRTUAL[1]: "unbind"}
FLOODED = ("e1000e", "igb")


@scenario("drain-undo", limit=300, kernels=("a", "b", "stubborn"))
def undo(s: Scenario) -> None:
    """The jump fails after the drain: links, addresses, routes, settings, bindings, bits and mounts are as before."""
    stand = drain.small_stand(s, *hardware.ALL, variant="stubborn")
    host, machine = stand.host, stand.machine
    drain.make_virtual(machine)
    names = network.configure(stand)
    network.configure_singles(machine, E1000E_SPARE, VIRTIO_NET, *IGB_VIRTUAL)
    drain.be_bus_master(machine, IDLE)
    drain.mount_nvme(machine)
    flood(s, stand, names)
    host.configure(RULES)
    before = drain.settled(machine)
    for attempt in (1, 2):
        fail_after_drain(s, stand)
        drain.check_same(s, machine, before)
        check_working(s, stand, names)
        s.check.fact(f"restored, attempt {attempt}", len(POLICIES))


def flood(s: Scenario, stand: Stand, names: dict[str, str]) -> None:
    for name in FLOODED:
        stand.wire(name).flood(800)
    drain.check_flooded(s, stand.machine, names["a"], names["igb"])


def fail_after_drain(s: Scenario, stand: Stand) -> None:
    """One that stays pending holds the commit up until the staged kernel is unloaded behind the daemon's back."""
    host, machine = stand.host, stand.machine
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    hold_up(stand)
    machine.run("/rig/kexec --unload", check=True)
    drain.misbehave(machine, "pending")
    drain.wait_refused(machine)
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "shutdown")
    told = drain.reported(report)
    s.check.equal("policies", {a: told[a]["policy"] for a in POLICIES}, POLICIES)
    s.check.equal("outcomes", {a: told[a]["outcome"] for a in POLICIES},
                  {a: "kept" if policy == "keep" else "restored" for a, policy in POLICIES.items()})
    s.check.equal("problems", [one["problems"] for one in told.values() if one.get("problems")], [])


def hold_up(stand: Stand) -> None:
    """A commit that has drained all devices but one, and waits for that."""
    drain.misbehave(stand.machine, "pending", IGB)
    drain.begin_commit(stand.machine)
    drain.wait_quiet(stand.machine, E1000E, E1000E_TWIN, IGB)


def check_working(s: Scenario, stand: Stand, names: dict[str, str]) -> None:
    """Not only by its settings."""
    machine = stand.machine
    drain.check_flooded(s, machine, names["a"], names["igb"])
    machine.run(f"/bin/busybox ping -c 2 -W 5 {network.NEIGHBOUR}; /rig/tools/ip neigh show {network.NEIGHBOUR} | "
                "grep -qE 'REACHABLE|STALE|DELAY'", check=True)
    machine.run(f"dd if=/dev/zero of={drain.NVME_MOUNT}/written bs=64k count=16 oflag=direct && sync", 30, check=True)


@scenario("drain-killed", flavour="full", limit=360, kernels=("a", "b", "stubborn"))
def killed(s: Scenario) -> None:
    """The daemon is killed while its devices are drained: its successor makes them as they were."""
    equipment = Hardware(s.directory, "e1000e", "twin", "igb", "nvme")
    host = start(s, kernel_variant="stubborn", files=drain.files(), **equipment.plan())
    stand, machine = Stand(host, equipment), host.machine
    machine.run("systemctl is-system-running --wait", 120)
    names = network.configure(stand)
    drain.mount_nvme(machine)
    flood(s, stand, names)
    host.configure("[Drain]\nDrainTimeoutSec=1min\n")
    before = drain.settled(machine)
    host.stage(assemble.KERNEL_B)
    hold_up(stand)
    kill_daemon(s, host, "quiesce")
    drain.check_same(s, machine, before)
    check_working(s, stand, names)
    stored = machine.run(f"systemd-analyze --no-legend fdstore {UNIT}").out
    s.check.that("nothing of the devices is stored any longer", "devices" not in stored, stored)


def kill_daemon(s: Scenario, host: Host, phase: str) -> None:
    """In this phase of an update, and wait until its successor is through with it."""
    machine = host.machine
    pid = host.property(UNIT, "MainPID")
    machine.run(f"systemctl kill --signal=KILL {UNIT}", check=True)
    drain.misbehave(machine, "pending")
    wait_for("new process of the daemon", 60, lambda: host.property(UNIT, "SubState") == "running"
             and host.property(UNIT, "MainPID") != pid)
    host.wait_ready()
    wait_for("end of the update", 60, lambda: host.ctl("status")["progress"]["state"] in ("idle", "rolled_back"))
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it was", report["failure"]["phase"], phase)


@scenario("drain-killed-late", flavour="full", limit=420, kernels=("a", "b", "stubborn"))
def killed_late(s: Scenario) -> None:
    """The daemon is killed in the blackout, a guest paused and its card drained: both go on as they were."""
    equipment = Hardware(s.directory, "e1000e")
    host = start(s, kernel_variant="stubborn", files=drain.files(), **equipment.plan())
    machine = host.machine
    machine.run("systemctl is-system-running --wait", 120)
    drain.bridge(machine, E1000E)
    guest = host.start_guest("steady", memory_mib=192, tap="tap0")
    host.configure("[Update]\nMaxBlackoutSec=2min\n[Drain]\nDrainTimeoutSec=1min\n")
    before = drain.settled(machine)
    host.stage(assemble.KERNEL_B)
    drain.misbehave(machine, "pending", E1000E)
    drain.begin_commit(machine)
    drain.wait_phase(machine, "drain")
    drain.wait_quiet(machine, E1000E)
    kill_daemon(s, host, "drain")
    check_undisturbed(s, host, guest)
    drain.check_same(s, machine, before)
