#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-liveupdate-run.py LIVEUPDATE_RUN

What liveupdate-run becomes, with a daemon that is played here and a script in the place of QEMU. Prints TAP.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

RUN = Path(sys.argv[1]).resolve()
MIB = 1 << 20
QEMU = """#!/bin/sh
echo "policy: $(head -n 1 /proc/self/numa_maps)"
echo "arguments: $*"
"""


class Daemon(threading.Thread):
    """Answers one registration, with the RAM beside it where the answer speaks of one."""

    def __init__(self, path: Path, answer: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.answer = answer
        self.call: dict[str, Any] = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        data, fds, _, _ = socket.recv_fds(connection, 65536, 4)
        self.call = json.loads(data.rstrip(b"\0"))
        text = json.dumps({"parameters": self.answer}).encode() + b"\0"
        if "ram" in self.answer:
            ram = os.memfd_create("ram")
            os.ftruncate(ram, 64 * MIB)
            socket.send_fds(connection, [text], [ram])
        else:
            connection.sendall(text)
        connection.recv(1)
        for fd in fds:
            os.close(fd)


def run(answer: dict[str, Any]) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        qemu = directory / "qemu-system-x86_64"
        qemu.write_text(QEMU)
        qemu.chmod(0o755)
        daemon = Daemon(directory / "socket", answer)
        done = subprocess.run([RUN, f"--socket={directory / 'socket'}", "vm", "--", qemu, "-m", "64", "-M", "q35"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        daemon.join(60)
        return daemon.call, done


def policy(mode: str, nodes: str, *flags: str) -> dict[str, Any]:
    return {"state": "preserved", "ram": 0, "memoryPolicy": {"mode": mode, "flags": list(flags), "nodes": nodes}}


def shown(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.split("policy: ")[1].split("\n")[0].split(" ", 1)[-1]


def fresh() -> None:
    call, done = run({"state": "fresh"})
    assert done.returncode == 0, done
    assert call["method"] == "io.liveupdate.Workload.Register", call
    assert call["parameters"] == {"name": "vm", "kind": "qemu", "ramBytes": 64 * MIB, "ram": 0, "qmp": 1}, call
    assert "-incoming" not in done.stdout, done.stdout


def preserved() -> None:
    _, done = run({"state": "preserved", "ram": 0})
    assert done.returncode == 0 and not done.stderr, done
    assert "-incoming defer" in done.stdout, done.stdout


def numa_policy() -> None:
    _, done = run(policy("MPOL_BIND", "0", "MPOL_F_STATIC_NODES"))
    assert done.returncode == 0 and not done.stderr, done
    assert shown(done).startswith("bind=static:0"), done.stdout


def numa_policy_with_a_node_less() -> None:
    _, done = run(policy("MPOL_INTERLEAVE", "0,1000"))
    assert done.returncode == 0 and "without the nodes 1000," in done.stderr, done
    assert shown(done).startswith("interleave:0"), done.stdout


def numa_policy_without_its_nodes() -> None:
    _, done = run(policy("MPOL_BIND", "1000"))
    assert done.returncode == 0 and "none of its nodes has memory" in done.stderr, done
    assert "NUMAPolicy=" in done.stderr, done
    assert shown(done).startswith("default"), done.stdout


def numa_policy_that_is_none() -> None:
    for answer in (policy("MPOL_ODD", "0"), policy("MPOL_BIND", "all"), policy("MPOL_BIND", "0", "odd"),
                   {"state": "preserved", "ram": 0, "memoryPolicy": "bind"}):
        _, done = run(answer)
        assert done.returncode == 0 and "cannot be set" in done.stderr, done
        assert "-incoming defer" in done.stdout, done.stdout


def main() -> int:
    tests = [fresh, preserved]
    numa = [numa_policy, numa_policy_with_a_node_less, numa_policy_without_its_nodes, numa_policy_that_is_none]
    failed = 0
    print(f"1..{len(tests) + len(numa)}")
    for number, test in enumerate([*tests, *numa], 1):
        if test in numa and not Path("/proc/self/numa_maps").exists():
            print(f"ok {number} - {test.__name__} # SKIP a kernel without NUMA")
            continue
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except Exception as error:  # noqa: BLE001
            failed += 1
            print(f"not ok {number} - {test.__name__}\n{error}".replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
