# SPDX-License-Identifier: LGPL-2.1-or-later
"""All of a machine's network and PCI that a rolled back update has to leave as it was, told by ip(8), ethtool(8),
lspci(8) and sysfs; and two of them compared, field by field."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from .base import RigError
from .machine import Machine

TOOLS = ("ip", "ethtool", "lspci")
LISTS = {"link": "-d link", "address": "-d addr", "route": "-4 -d route show table all",
         "route6": "-6 -d route show table all", "neighbour": "-d neigh", "rule": "-4 rule", "rule6": "-6 rule"}
ETHTOOL = {"features": "-k", "rings": "-g", "queues": "-l", "coalescing": "-c", "pause": "-a"}
# What is another number each time, or counts. An interface that was unbound has a new index when it is back.
VOLATILE = {"ifindex", "link_index", "used", "confirmed", "updated", "probes", "refcnt", "expires", "cache",
            "valid_life_time", "preferred_life_time", "mii_status", "link_failure_count", "age", "bridge_id",
            "root_id", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "stats", "stats64", "linkmode",
            "message_age_timer", "forward_delay_timer", "hold_timer"}
USABLE, UNUSABLE = {"REACHABLE", "STALE", "DELAY", "PROBE"}, {"FAILED", "INCOMPLETE"}
CONTROL = re.compile(r"^\s+(Control:.*|Capabilities: .*MSI(?:-X)?: Enable[+-]|Kernel driver in use:.*)$", re.MULTILINE)


def tools() -> dict[str, Path]:
    """For a machine's `files`: this host's own."""
    found = {}
    for name in TOOLS:
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not path:
            raise RigError(f"{name} is not installed", "tests/e2e/run --setup")
        found[f"/rig/tools/{name}"] = Path(path)
    return found


def take(machine: Machine) -> dict[str, Any]:
    """Nested dictionaries, with keys that are the same for the same thing."""
    lists = " ".join(f"echo '@{name}'; /rig/tools/ip -j {words};" for name, words in LISTS.items())
    settings = " ".join(f"echo \"@{name} $i\"; /rig/tools/ethtool {option} $i 2>/dev/null;"
                        for name, option in ETHTOOL.items())
    text = machine.run(
        f"{lists} for i in $(ls /sys/class/net | grep -v bonding_masters); do {settings} done; "
        "echo @functions; /rig/tools/lspci -D -n -vv 2>/dev/null; echo @mounts; cat /proc/mounts; "
        "echo @sysctl; cd /proc/sys/net && grep -r . ipv4/conf ipv6/conf 2>/dev/null; "
        "echo @sriov; grep . /sys/bus/pci/devices/*/sriov_numvfs", 60).out
    state: dict[str, Any] = {}
    for part in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        name, _, interface = title.partition(" ")
        if interface:
            state.setdefault(name, {})[interface] = lines(body)
        else:
            state[name] = _parse(name, body)
    return state


def _parse(name: str, body: str) -> Any:
    if name == "functions":
        return {block.split(" ", 1)[0]: CONTROL.findall(block) for block in body.split("\n\n") if block.strip()}
    if name == "mounts":
        return {line.split()[1]: line for line in body.splitlines()}
    if name not in LISTS:
        return files(body)
    entries = [stable(entry) for line in body.splitlines() if line.strip() for entry in json.loads(line) if entry]
    if name == "neighbour":
        entries = [_neighbour(entry) for entry in entries if UNUSABLE.isdisjoint(entry.get("state", []))]
    if name in ("link", "address"):
        return {entry["ifname"]: entry for entry in entries}
    return {key(entry): entry for entry in entries}


def key(entry: dict[str, Any]) -> str:
    names = ("family", "type", "dst", "table", "dev", "metric", "priority", "src", "fwmark", "lladdr")
    return " ".join(f"{name}={entry[name]}" for name in names if name in entry) or json.dumps(entry, sort_keys=True)


def stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: stable(one) for key, one in value.items() if key not in VOLATILE}
    if isinstance(value, list) and all(isinstance(one, dict) and "local" in one for one in value):
        return {f"{one['local']}/{one['prefixlen']}": stable(one) for one in value}
    if isinstance(value, list):
        return sorted((stable(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _neighbour(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "state": ["usable" if one in USABLE else one for one in entry.get("state", [])]}


def lines(body: str) -> dict[str, str]:
    """Each by what stands before its value."""
    found = {}
    section = ""
    for line in body.splitlines():
        if line.endswith(":"):
            section = line
        key, _, value = line.partition(":")
        found[f"{section} {key.strip()}"] = value.strip()
    return found


def files(body: str) -> dict[str, str]:
    """grep's: FILE:VALUE, where either may have colons, but a path's last part has none."""
    return {found[1]: found[2] for found in re.finditer(r"^(.*/[^/:]+):(.*)$", body, re.MULTILINE)}


def count(value: Any) -> int:
    """How many fields there are to compare."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if children is None else sum(map(count, children))


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """A line for each field that is otherwise, missing or new."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [line for key in sorted(before.keys() | after.keys(), key=str)
                for line in differences(before.get(key), after.get(key), f"{path}/{key}")]
    return [] if before == after else [f"{path}: {_short(before)} -> {_short(after)}"]


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)[:200]


def wait_same(machine: Machine, before: dict[str, Any], timeout: float = 40) -> list[str]:
    """What stays different: carriers, duplicate address detection and a bond's choice take their time."""
    deadline = time.monotonic() + timeout
    while True:
        found = differences(before, take(machine))
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(1)
