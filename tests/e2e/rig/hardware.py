# SPDX-License-Identifier: LGPL-2.1-or-later
"""Emulated hardware with an IOMMU, of every kind that can write to memory by itself.

Addresses are fixed, so that a scenario can name them; the two root ports are the first, so their buses are 1 and 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .accel import accel
from .base import command
from .flood import Wire

E1000E, E1000E_TWIN, E1000E_SPARE = "0000:00:08.0", "0000:00:09.0", "0000:00:0a.0"
VIRTIO_NET, VIRTIO_BLK = "0000:00:0b.0", "0000:00:0c.0"
IDLE, IDLE_TOO = "0000:00:0d.0", "0000:00:0e.0"  # edu, pci-testdev: no driver has them
IGB, IGB_VIRTUAL = "0000:01:00.0", ("0000:01:10.0", "0000:01:10.2")
NVME = "0000:02:00.0"

CARDS = {"e1000e": ("e1000e", E1000E), "twin": ("e1000e", E1000E_TWIN), "spare": ("e1000e", E1000E_SPARE),
         "virtio-net": ("virtio-net-pci", VIRTIO_NET), "igb": ("igb", IGB)}
DISKS = {"nvme": ("nvme,serial=rig,drive=nvme", NVME), "virtio-blk": ("virtio-blk-pci,drive=virtio-blk", VIRTIO_BLK)}
IDLERS = {"edu": IDLE, "testdev": IDLE_TOO}
PORTS = {1: "0x10", 2: "0x11"}  # bus: slot of its root port
ALL = (*CARDS, *DISKS, *IDLERS)


class Hardware:
    """Some of CARDS, DISKS and IDLERS, each with its own wire or image. plan() is for the machine's Plan; the wires are
    for the scenario."""

    def __init__(self, directory: Path, *names: str, iommu: str = "iommu=nopt") -> None:
        self.names = names
        self.wires = {name: Wire() for name in names if name in CARDS}
        self._iommu = iommu
        self._images = {name: _file_system(directory / f"{name}.ext4", name) for name in names if name in DISKS}

    def plan(self) -> dict[str, Any]:
        """More options of Plan."""
        devices = ["-device", "intel-iommu,intremap=on"]
        if accel() == "kvm":
            devices += ["-machine", "kernel-irqchip=split"]
        for bus, slot in PORTS.items():
            devices += ["-device", f"pcie-root-port,id=port{bus},bus=pcie.0,addr={slot},chassis={bus}"]
        for name in self.names:
            devices += self._device(name)
        return {"devices": devices, "append": f"intel_iommu=on {self._iommu}",
                "inherited": tuple(wire.inner.fileno() for wire in self.wires.values())}

    def _device(self, name: str) -> list[str]:
        if name in CARDS:
            model, address = CARDS[name]
            return [*self.wires[name].backend(name),
                    "-device", f"{model},netdev={name},mac={mac(name).hex(':')},romfile=,{_place(address)}"]
        if name in DISKS:
            model, address = DISKS[name]
            return ["-drive", f"file={self._images[name]},format=raw,if=none,id={name},snapshot=on,cache=unsafe",
                    "-device", f"{model},{_place(address)}"]
        return ["-device", f"{'pci-testdev' if name == 'testdev' else name},{_place(IDLERS[name])}"]


def mac(name: str) -> bytes:
    return b"\x52\x54\x00ri" + bytes([list(CARDS).index(name) + 1])


def _place(address: str) -> str:
    bus, slot = int(address[5:7], 16), address[8:10]
    return f"bus=pcie.0,addr=0x{slot}" if bus == 0 else f"bus=port{bus},addr=0x{slot}"


def _file_system(image: Path, label: str, size_mib: int = 256) -> Path:
    image.parent.mkdir(parents=True, exist_ok=True)
    image.unlink(missing_ok=True)
    command(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", label, "-E", "root_owner=0:0,lazy_itable_init=1", image,
             f"{size_mib}M"], what=f"mke2fs of {label}")
    return image
