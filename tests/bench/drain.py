# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each policy for a device costs in the blackout, and what draining takes off the kernel's own shutdown.

Each update drains an e1000e, an igb and an NVMe disk by one policy, in use where the policy allows that: the e1000e
receives, the disk has a file system that is written to.

drain-DEVICE-POLICY: what it takes to drain the device and what the kernel's shutdown still does with it. That is its share
of the blackout when a workload needs it, but devices are drained beside each other, and before the blackout when nobody
does. Against the shutdown alone where the device is kept.

shutdown-POLICY: that phase as a whole, against the one with everything kept. By turns, medians.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from figure import Figure
from rig import hardware, small
from rig.base import Progress
from rig.kernel import kernel
from rig.scenario import Scenario
from rig.small import Small

ROUNDS = 3
POLICIES = ("keep", "quiet", "unbind", "master-off", "reset")
DEVICES = {"e1000e": hardware.E1000E, "igb": hardware.IGB, "nvme": hardware.NVME}
PEER = "keep"
CONFIGURATION = "/etc/liveupdate/liveupdated.conf"


def bench(s: Scenario) -> dict[str, Figure]:
    initrd = small.root(s.directory)
    devices = hardware.Hardware(s.directory, *DEVICES)
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s, initrd)), **devices.plan())
    devices.wires["e1000e"].flood()
    took: dict[str, list[float]] = {}
    with Progress(f"updates by turns, {ROUNDS} of each policy"):
        for _ in range(ROUNDS):
            for policy in POLICIES:
                for name, milliseconds in measure(host, policy).items():
                    took.setdefault(name, []).append(milliseconds)
    figures = {}
    for name, values in took.items():
        kind, policy = name.split(" ")
        if policy != PEER:
            figures[f"{kind}-{policy}"] = Figure(median(values), "ms", {PEER: median(took[f"{kind} {PEER}"])})
    return figures


def make_boot(s: Scenario, initrd: Path) -> Path:
    boot = s.directory / "boot"
    boot.mkdir()
    (boot / "vmlinuz").write_bytes(kernel("b").read_bytes())
    (boot / "initrd").write_bytes(initrd.read_bytes())
    return boot


def measure(host: Small, policy: str) -> dict[str, float]:
    """Milliseconds of one update, by what and policy."""
    # An interface that is up makes of master-off the policy quiet, a file system of unbind and reset keep.
    if policy != "master-off":
        bring_up(host)
    if policy == "keep":
        host.machine.run("mkdir -p /data && mount -t ext4 /dev/nvme0n1 /data && dd if=/dev/zero of=/data/x bs=1M count=8",
                         check=True)
    rules = " ".join(f"address:{address}={policy}" for address in DEVICES.values())
    host.machine.run("mkdir -p /etc/liveupdate", check=True)
    host.machine.put_file(f"[Drain]\nDevicePolicy={rules}\n".encode(), CONFIGURATION)
    host.machine.run("kill -HUP $(pidof liveupdated)", check=True)
    host.update("--initrd=/boot/initrd", "/boot/vmlinuz")
    return read(host.report(), policy)


def bring_up(host: Small) -> None:
    links = " ".join(f"/sys/bus/pci/devices/{DEVICES[name]}/net/*" for name in ("e1000e", "igb"))
    host.machine.run(f"for link in {links}; do ip link set ${{link##*/}} up || exit 1; done; sleep 1", check=True)


def read(report: Any, policy: str) -> dict[str, float]:
    phases = {phase["name"]: phase["durationUSec"] / 1000 for phase in report["phases"]}
    devices = {device["address"]: device for device in report["devices"]}
    times = {f"shutdown {policy}": phases["shutdown"]}
    for name, address in DEVICES.items():
        device = devices[address]
        if device["policy"] == policy:  # not every device takes every policy
            times[f"drain-{name} {policy}"] = (device.get("drainUSec", 0) + device["shutdownUSec"]) / 1000
    return times
