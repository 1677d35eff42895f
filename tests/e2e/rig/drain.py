# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the scenarios about devices do in the same way: a machine with hardware, its network, faults, and who writes."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import assemble, build, canary, hardware, small, snapshot
from .base import E2E, RigError, wait_for
from .flood import Wire
from .hardware import Hardware
from .host import Host
from .kernel import kernel
from .machine import Machine
from .scenario import Scenario

INITRD = "--initrd=/boot/initrd"
KERNEL = "/boot/kernel-b"
HOLDER = "/rig/vfio-hold"
PARAMETERS = "/sys/module/rig/parameters"
NVME_MOUNT = "/mnt/nvme"


@dataclass
class Stand:
    host: Host
    hardware: Hardware

    @property
    def machine(self) -> Machine:
        return self.host.machine

    def wire(self, name: str) -> Wire:
        return self.hardware.wires[name]


def files() -> dict[str, Path]:
    holder = build.static_program("vfio-hold", [E2E / "guest/vfio-hold.c"])
    return {**snapshot.tools(), **canary.files(), HOLDER: holder, "/rig/kexec": assemble.kexec_program()}


def small_stand(s: Scenario, *names: str, variant: str = "a", kernels: tuple[str, ...] = ("b",),
                **options: Any) -> Stand:
    """The small machine, with kernels and its own initramfs in /boot."""
    initrd = small.root(s.directory, files())
    boot = s.directory / "boot"
    boot.mkdir()
    (boot / "initrd").hardlink_to(initrd)
    for name in kernels:
        (boot / f"kernel-{name}").write_bytes(kernel(name).read_bytes())
    equipment = Hardware(s.directory, *names)
    plan = equipment.plan()
    plan["append"] += f" {options.pop('append', '')}"
    return Stand(small.start(s, initrd, small.disk(s.directory, boot), variant=variant, **plan, **options), equipment)


def interface(machine: Machine, address: str) -> str:
    """The name of a function's interface."""
    place = f"/sys/bus/pci/devices/{address}"
    names = machine.run(f"ls {place}/net {place}/virtio*/net 2>/dev/null | grep -v : | head -1").out.split()
    if not names:
        raise RigError(f"{address} has no interface: {machine.run('ls -l /sys/class/net').out}")
    return names[0]


def bridge(machine: Machine, card: str, *others: str) -> None:
    """What an operator makes once. The guest's QEMU opens the tap by its name."""
    names = " ".join(interface(machine, address) for address in others)
    machine.run("ip() { /rig/tools/ip \"$@\"; }; set -e; ip link add br0 type bridge; ip link set $card master br0; "
                "ip tuntap add dev tap0 mode tap 2>/dev/null || :; ip link set tap0 master br0; "
                f"for i in $card {names} tap0 br0; do ip link set $i up; done", check=True,
                env={"card": interface(machine, card)})


def ports(machine: Machine, name: str) -> list[str]:
    return sorted(machine.run(f"ls /sys/class/net/{name}/brif").out.split())


def make_virtual(machine: Machine, count: int = 2) -> None:
    """Virtual functions of the igb, with a driver."""
    machine.run(f"echo {count} >/sys/bus/pci/devices/{hardware.IGB}/sriov_numvfs", check=True)


def be_bus_master(machine: Machine, address: str) -> None:
    """Behind the kernel's back, as somebody who left it on."""
    machine.run(rf"printf '\{_command(machine, address) | 4:03o}' | "
                f"dd of=/sys/bus/pci/devices/{address}/config bs=1 seek=4 conv=notrunc", check=True)


def is_bus_master(machine: Machine, address: str) -> bool:
    return bool(_command(machine, address) & 4)


def _command(machine: Machine, address: str) -> int:
    """The low byte of the function's command register."""
    return int(machine.run(f"dd if=/sys/bus/pci/devices/{address}/config bs=1 skip=4 count=1 2>/dev/null | od -An -tu1",
                           check=True).out)


def misbehave(machine: Machine, fault: str, *addresses: str) -> None:
    """Of the kernel "stubborn": `fault` is stubborn or pending; without addresses none does any longer."""
    machine.run(f"echo {','.join(addresses) or 'none'} >{PARAMETERS}/{fault}", check=True)


def trace(machine: Machine) -> None:
    machine.run(f"echo 1 >{PARAMETERS}/trace", check=True)


def traced(machine: Machine) -> list[tuple[str, bool]]:
    """Changes of bus mastering, in their order, as the kernel "stubborn" saw them."""
    text = machine.run("dmesg", check=True).out
    return [(address, to == "on") for address, to in re.findall(r"rig: (\S+): bus mastering (on|off)", text)]


def wait_quiet(machine: Machine, *addresses: str) -> None:
    """Until these are no bus masters any longer: a drain has come to them."""
    wait_for(f"{', '.join(addresses)} without bus mastering", 30,
             lambda: not any(is_bus_master(machine, address) for address in addresses),
             lambda: machine.run("cat /run/commit.*; tail -n 20 /run/liveupdated.log").out)


def mount_nvme(machine: Machine) -> None:
    machine.run(f"mkdir -p {NVME_MOUNT}; mountpoint -q {NVME_MOUNT} || mount -t ext4 /dev/nvme0n1 {NVME_MOUNT}",
                check=True)


def write_on(machine: Machine) -> None:
    """A load on the NVMe, past the page cache, for as long as the machine runs this kernel."""
    mount_nvme(machine)
    machine.run(f"while :; do dd if=/dev/urandom of={NVME_MOUNT}/load bs=256k count=64 oflag=direct conv=notrunc || "
                "sleep 0.2; done >/run/load.log 2>&1 &", check=True)


def received(machine: Machine, name: str) -> int:
    return int(machine.run(f"cat /sys/class/net/{name}/statistics/rx_packets", check=True).out)


def check_flooded(s: Scenario, machine: Machine, *names: str, least: int = 100) -> None:
    """Frames arrive at these interfaces, all the time."""
    for name in names:
        first = received(machine, name)
        wait_for(f"{least} frames at {name}", 30, lambda: received(machine, name) - first >= least,
                 lambda: machine.run("/rig/tools/ip -s link").out)


def begin_commit(machine: Machine, *options: str) -> None:
    machine.run(f"rm -f /run/commit.*; (liveupdatectl commit {' '.join(options)} >/run/commit.out 2>/run/commit.err; "
                "echo $? >/run/commit.status) &")


def wait_phase(machine: Machine, phase: str) -> None:
    machine.run(f"for i in $(seq 600); do grep -q {phase} /run/commit.out && exit 0; sleep 0.05; done; "
                "cat /run/commit.*; exit 1", check=True)


def wait_refused(machine: Machine, timeout: float = 90) -> str:
    """The end of a commit that must not get to its jump: what it says."""
    machine.run(f"for i in $(seq {int(timeout * 5)}); do [ -s /run/commit.status ] && exit 0; sleep 0.2; done; exit 1",
                timeout + 10, check=True)
    result = machine.run("cat /run/commit.err; exit $(cat /run/commit.status)")
    if result:
        raise RigError("a commit that had to fail did not")
    return result.out


def devices(host: Host) -> dict[str, dict[str, Any]]:
    return {device["address"]: device for device in host.ctl("devices")["devices"]}


def reported(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {device["address"]: device for device in report["devices"]}


def settled(machine: Machine, timeout: float = 60) -> dict[str, Any]:
    """A snapshot that stays the same for a while."""
    deadline = time.monotonic() + timeout
    before = snapshot.take(machine)
    while time.monotonic() < deadline:
        time.sleep(3)
        after = snapshot.take(machine)
        found = snapshot.differences(before, after)
        if not found:
            return after
        before = after
    raise RigError("the machine does not come to rest:\n" + "\n".join(found))


def check_same(s: Scenario, machine: Machine, before: dict[str, Any]) -> None:
    s.check.at_least("fields that are compared", s.check.fact("fieldsCompared", snapshot.count(before)), 1000)
    found = snapshot.wait_same(machine, before)
    s.check.that("all is as it was before the commit", not found, "\n".join(found[:60]))


def bind_vfio(machine: Machine, address: str) -> None:
    """Away from its own driver, whatever that is."""
    place = f"/sys/bus/pci/devices/{address}"
    machine.run(f"echo vfio-pci >{place}/driver_override && "
                f"{{ [ ! -e {place}/driver ] || echo {address} >{place}/driver/unbind; }} && "
                f"echo {address} >/sys/bus/pci/drivers_probe && readlink {place}/driver | grep -q vfio-pci", check=True)


def hold_vfio(machine: Machine, address: str) -> int:
    """A process that has it as a VMM would, as bus master; its pid."""
    machine.run(f"{HOLDER} {address}", check=True)
    return int(machine.run("pidof vfio-hold", check=True).out.split()[0])
