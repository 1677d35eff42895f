# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs to carry a host's network over, with 10,000 routes and 1,000 FDB entries.

Ours: all between the kernel and the bytes of a manifest, and the way back, where nothing is left of routes and entries
(network-state.c); both together are host-network. The peer: ip(8) and bridge(8) make the same of batch files, which
somebody had to write before. By turns, medians.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

from figure import Figure
from rig import build, small
from rig.base import E2E, Progress, RigError
from rig.scenario import Scenario
from rig.small import Small

ROUTES, ENTRIES = 10_000, 1_000
ROUNDS = 5
LIMIT = 1.5
PEER = "ip -batch and bridge -batch"
PROGRAM = "/rig/network-state"
# busybox has an ip of its own, which it prefers.
SHELL = "cd /run; ip() { /rig/tools/ip \"$@\"; }; bridge() { /rig/tools/bridge \"$@\"; }\n"
BASE = """
ip link add dummy1 type dummy 2>/dev/null || :
ip link add br0 type bridge vlan_default_pvid 0 2>/dev/null || :
ip link set dummy1 master br0
ip link set dummy1 up
ip addr add 10.1.0.1/16 dev br0 2>/dev/null || :
ip link set br0 up
"""
# As an operator would write them.
BATCHES = f"""
for i in $(seq {ROUTES}); do
        echo "route add 172.16.$((i / 256)).$((i % 256))/32 via 10.1.0.254 dev br0"
done >routes
for i in $(seq {ENTRIES}); do
        printf 'fdb add 02:00:00:00:%02x:%02x dev dummy1 master static\\n' $((i / 256)) $((i % 256))
done >entries
"""


def bench(s: Scenario) -> dict[str, Figure]:
    tools = {f"/rig/tools/{name}": tool(name) for name in ("ip", "bridge")}
    stopwatch = build.static_program("stopwatch", [E2E / "guest/stopwatch.c"])
    host = small.start(s, small.root(s.directory, {**tools, "/rig/stopwatch": stopwatch,
                                                   PROGRAM: build.target("tests/bench/network-state")}))
    host.machine.run(SHELL + BASE + BATCHES, check=True)
    took: dict[str, list[float]] = {"capture": [], "restore": [], "batch": []}
    put_back(host)
    with Progress(f"capture and restore by turns, {ROUNDS} rounds"):
        for _ in range(ROUNDS):
            took["capture"].append(carry(host, "capture", 0))
            forget(host)
            took["restore"].append(carry(host, "restore", ROUTES + ENTRIES))
            check_there(host)
            forget(host)
            took["batch"].append(put_back(host))
            check_there(host)
    own = {name: median(values) for name, values in took.items()}
    peer = {PEER: own.pop("batch")}
    figures = {f"host-{name}": Figure(value, "ms", peer) for name, value in own.items()}
    return figures | {"host-network": Figure(sum(own.values()), "ms", peer, {PEER: LIMIT})}


def tool(name: str) -> Path:
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise RigError(f"{name} is not installed", "tests/e2e/run --setup")
    return Path(path)


def put_back(host: Small) -> float:
    """Milliseconds."""
    words = "/rig/stopwatch /rig/tools/ip -batch routes && /rig/stopwatch /rig/tools/bridge -batch entries"
    return sum(map(int, host.machine.run(SHELL + words, check=True).out.split())) / 1000


def carry(host: Small, verb: str, changes: int) -> float:
    """Milliseconds."""
    words = host.machine.run(f"{PROGRAM} {verb} /run/state", check=True).out.split()
    usec, n_changes, n_problems = map(int, words)
    if n_problems or n_changes < changes:
        raise RigError(f"{verb}: {n_changes} changes, {n_problems} problems")
    return usec / 1000


def forget(host: Small) -> None:
    """The bridge with all that is on it, and of it."""
    host.machine.run(SHELL + "ip link del br0 && ip link del dummy1\n" + BASE, check=True)


def check_there(host: Small) -> None:
    counted = host.machine.run(SHELL + "ip route | grep -c ^172.; bridge fdb | grep -c 'dummy1.*static'").out.split()
    if counted != [str(ROUTES), str(ENTRIES)]:
        raise RigError(f"routes and FDB entries that are there: {counted}")
