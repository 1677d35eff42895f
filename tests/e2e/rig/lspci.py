# SPDX-License-Identifier: LGPL-2.1-or-later
"""What lspci(8) and sysfs say of every PCI function, in the words of `liveupdatectl devices`."""

from __future__ import annotations

import re
from typing import Any

from .machine import Machine

IOMMU = {"DMA": "translated", "DMA-FQ": "translated", "identity": "identity", "blocked": "blocked"}
SYSFS = r"""
cd /sys/bus/pci/devices
for d in *; do
        echo "@$d"
        echo "class=$(cat $d/class)"
        [ ! -e $d/iommu_group ] || echo "iommu=$(cat $d/iommu_group/type)"
        [ ! -e $d/physfn ] || echo "physicalFunction=$(basename $(readlink $d/physfn))"
        [ ! -e $d/sriov_numvfs ] || echo "virtualFunctions=$(cat $d/sriov_numvfs)"
        for i in $d/net/* $d/virtio*/net/*; do [ ! -e $i ] || echo "interface=${i##*/}"; done
        for i in $d/nvme/nvme*/nvme*n* $d/virtio*/block/*; do [ ! -e $i ] || echo "disk=${i##*/}"; done
done
"""


def read(machine: Machine) -> dict[str, dict[str, Any]]:
    """Members that a Device of io.liveupdate has as well, absent where it leaves them out."""
    text = machine.run("/rig/tools/lspci -vv -nn -D 2>/dev/null", check=True).out
    functions = {block.split(" ", 1)[0]: _function(block) for block in text.split("\n\n") if block.strip()}
    for block in machine.run(SYSFS, check=True).out.split("@")[1:]:
        address, *lines = block.splitlines()
        _add_sysfs(functions[address], [line.partition("=") for line in lines])
    return functions


def _function(block: str) -> dict[str, Any]:
    head = block.splitlines()[0]
    function: dict[str, Any] = {"id": re.findall(r"\[([0-9a-f]{4}:[0-9a-f]{4})\]", head)[-1],
                                "busMaster": "BusMaster+" in block, "interfaces": set(), "disks": set(),
                                "virtualFunctions": 0}
    for name, pattern in (("driver", r"Kernel driver in use: (\S+)"), ("iommuGroup", r"IOMMU group: (\d+)")):
        found = re.search(pattern, block)
        if found:
            function[name] = int(found[1]) if found[1].isdigit() else found[1]
    # Of a capability; lspci says the same word of a slot's and a port's own.
    pending = re.search(r"DevSta:.*TransPend([+-])", block)
    if pending:
        function["transactionsPending"] = pending[1] == "+"
    enabled = dict(re.findall(r"Capabilities: \[\w+\] (MSI|MSI-X): Enable([+-])", block))
    function["msi"] = "msix" if enabled.get("MSI-X") == "+" else "msi" if enabled.get("MSI") == "+" else "off"
    return function


def _add_sysfs(function: dict[str, Any], lines: list[tuple[str, str, str]]) -> None:
    for name, _, value in lines:
        if name == "class":
            function["class"] = value.removeprefix("0x")
        elif name == "iommu":
            function["iommu"] = IOMMU.get(value, value)
        elif name in ("interface", "disk"):
            function[f"{name}s"].add(value)
        elif name == "virtualFunctions":
            function[name] = int(value)
        else:
            function[name] = value
    function.setdefault("iommu", "none")


def ours(device: dict[str, Any]) -> dict[str, Any]:
    """The same members of a Device."""
    names = ("id", "busMaster", "driver", "iommuGroup", "transactionsPending", "class", "iommu", "physicalFunction",
             "virtualFunctions")
    return {**{name: device[name] for name in names if device.get(name) is not None},
            "msi": device.get("msi") or "off",
            "interfaces": {one["name"] for one in device["interfaces"]}, "disks": set(device["disks"])}
