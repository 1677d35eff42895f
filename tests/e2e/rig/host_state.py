# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host's network, as an update has to bring it back, told by the image's own ip(8), bridge(8), tc(8) and nft(8), with
sysctls; and what of it is about some interfaces alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from typing import Any

from . import snapshot
from .base import wait_for
from .machine import Machine

LISTS = {"link": "ip -d link", "address": "ip -d addr", "route": "ip -4 -d route show table all",
         "route6": "ip -6 -d route show table all", "rule": "ip -4 rule", "rule6": "ip -6 rule",
         "neighbour": "ip -d neigh show nud permanent", "proxy": "ip -d neigh show proxy",
         "vlan": "bridge -d vlan show", "fdb": "bridge -d fdb show", "mdb": "bridge -d mdb show",
         "qdisc": "tc -d qdisc show"}
HARDWARE = {"features": "-k", "rings": "-g", "queues": "-l", "coalescing": "-c", "pause": "-a"}  # ethtool(8)
# What comes and goes by itself, beside snapshot.VOLATILE.
VOLATILE = {"topology_change", "topology_change_detected", "offload", "rt_offload", "index", "timer", "numqueues",
            "fdb_n_learned", "numdisabled", "designated_cost", "lastuse", "mcast_querier_state_ipv4",
            "mcast_querier_state_ipv6"}
# Of a bridge's port, where the kernel takes it from the speed of the link at the moment (net/bridge/br_if.c:port_cost()).
COSTS_OF_SPEEDS = {1, 2, 3, 4, 5, 19, 100}
# Settings of a dozen kinds, none of which is what the image's own services set.
SYSCTLS = {"vm/swappiness": "10", "vm/dirty_ratio": "33", "vm/dirty_background_ratio": "7", "vm/overcommit_memory": "1",
           "vm/max_map_count": "100000", "kernel/pid_max": "100000", "kernel/panic_on_warn": "0",
           "kernel/sysrq": "5", "net/core/somaxconn": "8192", "net/core/rmem_max": "999424", "net/ipv4/ip_forward": "1",
           "net/ipv4/tcp_keepalive_time": "600", "net/ipv4/ip_local_port_range": "20000\t50000",
           "net/ipv4/neigh/default/gc_thresh3": "4096", "net/ipv6/conf/all/forwarding": "1",
           "fs/inotify/max_user_watches": "65536"}


def change_sysctls(machine: Machine) -> None:
    """What is changed by hand is what differs from the boot, which the daemon looks at once that had its time."""
    wait_for("the daemon's look at the settings", 60, lambda: "baseline" in machine.run(
        "systemd-analyze --no-legend fdstore liveupdated.service").out)
    machine.run("\n".join(f"printf '{value}' >/proc/sys/{name} || exit 1" for name, value in SYSCTLS.items()),
                check=True)


def take(machine: Machine, cards: Collection[str] = ()) -> dict[str, Any]:
    """Nested dictionaries, with keys that are the same for the same thing. `cards` are those for ethtool(8)."""
    lists = " ".join(f"echo '@{name}'; {words.replace(' ', ' -j ', 1)};" for name, words in LISTS.items())
    settings = " ".join(f"echo \"@{name} {card}\"; /rig/tools/ethtool {option} {card};"
                        for card in cards for name, option in HARDWARE.items())
    text = machine.run(f"{{ {lists} {settings} echo @firewall; nft -s list ruleset; echo @sysctl; cd /proc/sys; "
                       f"grep -r . net/ipv4/conf net/ipv6/conf; grep . {' '.join(SYSCTLS)} /dev/null; }} 2>/dev/null",
                       60).out
    state: dict[str, Any] = {}
    for part in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        name, _, interface = title.partition(" ")
        if interface:
            state.setdefault(name, {})[interface] = snapshot.lines(body)
        else:
            state[name] = _parse(name, body)
    return state


def _parse(name: str, body: str) -> Any:
    if name == "firewall":
        return firewall(body)
    if name == "sysctl":
        return {path: value for path, value in snapshot.files(body).items() if "/stable_secret" not in path}
    entries = [one for line in body.splitlines() if line.strip() for one in json.loads(line) if one]
    if name == "mdb":
        entries = [one for part in entries for one in part.get("mdb", [])]
    entries = [_without(snapshot.stable(entry)) for entry in entries if _stays(name, entry)]
    return {_key(name, entry): entry for entry in entries}


def _stays(name: str, entry: dict[str, Any]) -> bool:
    """What was learnt is no setting, nor are the groups that the kernel itself listens to."""
    if name == "fdb":
        is_group = int(entry["mac"][:2], 16) & 1 and "dst" not in entry and "self" in entry.get("flags", [])
        return entry.get("state") in ("static", "permanent") and not is_group
    return name != "mdb" or entry.get("state") == "permanent"


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items()
                if key not in VOLATILE and not (key == "cost" and one in COSTS_OF_SPEEDS)}
    return [_without(one) for one in value] if isinstance(value, list) else value


def _key(name: str, entry: dict[str, Any]) -> str:
    if name in ("link", "address", "vlan"):
        return str(entry["ifname"])
    names = {"fdb": ("ifname", "mac", "vlan", "dst", "master"), "mdb": ("dev", "port", "grp", "src", "vid"),
             "qdisc": ("dev", "parent", "handle", "root")}.get(name)
    if not names:
        return snapshot.key(entry)
    return " ".join(f"{one}={entry[one]}" for one in names if one in entry)


def firewall(text: str) -> dict[str, str]:
    """Each line by where it stands: "table inet filter/chain input/2"."""
    found: dict[str, str] = {}
    place: list[str] = []
    for number, line in enumerate(line.strip() for line in text.splitlines()):
        if line == "}":
            place.pop()
        elif line.endswith("{"):
            place.append(line[:-1].strip())
        elif line:
            found["/".join([*place, line])] = ""
    return found


def only(state: dict[str, Any], interfaces: Collection[str]) -> dict[str, Any]:
    """What of it is about these interfaces and no others."""
    wanted: dict[str, Any] = {}
    for name, part in state.items():
        if name in ("link", "address", "vlan", *HARDWARE):
            wanted[name] = {key: value for key, value in part.items() if key in interfaces}
        elif name == "sysctl":
            wanted[name] = {key: value for key, value in part.items() if _is_about(key, interfaces)}
        elif isinstance(part, dict) and name in LISTS:
            wanted[name] = {key: value for key, value in part.items() if _devices(value) <= set(interfaces)}
        else:
            wanted[name] = part
    return wanted


def _is_about(path: str, interfaces: Collection[str]) -> bool:
    found = re.match(r"(?:/proc/sys/)?net/ipv[46]/conf/([^/]+)/", path)
    return not found or found[1] in interfaces or found[1] in ("all", "default")


def _devices(entry: dict[str, Any]) -> set[str]:
    """Those that an entry names. A rule is about all of them, unless it says otherwise."""
    named = {entry.get(name) for name in ("dev", "ifname", "port", "iif", "oif")}
    named |= {hop.get("dev") for hop in entry.get("nexthops", [])}
    return {name for name in named if name}


def names(state: dict[str, Any]) -> set[str]:
    return set(state["link"])


def settled(machine: Machine, cards: Collection[str] = (), timeout: float = 60) -> dict[str, Any]:
    """One that stays the same for a while."""
    deadline = time.monotonic() + timeout
    before = take(machine, cards)
    while time.monotonic() < deadline:
        time.sleep(2)
        after = take(machine, cards)
        if not snapshot.differences(before, after):
            break
        before = after
    return after
