# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine's wall clock, compared with this host's, by questions and answers over a port of its own."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from . import build
from .base import E2E, RigError
from .machine import Machine

PROGRAM = "/rig/clock"
FIND = ("for i in /sys/class/virtio-ports/*; do [ \"$(cat $i/name)\" = clock ] && port=/dev/${i##*/}; done; "
        f"setsid {PROGRAM} $port </dev/null >/run/clock.log 2>&1 &")
NSEC = 1_000_000_000


def files() -> dict[str, Path]:
    return {PROGRAM: build.static_program("clock", [E2E / "guest/clock.c"])}


@dataclass(frozen=True)
class Sample:
    """The machine's clock was ahead of ours by `ahead_nsec`, give or take `doubt_nsec`, when ours was `at_nsec`."""

    at_nsec: int
    ahead_nsec: int
    doubt_nsec: int


class WallClock:
    """Make it before the machine, put devices() into its plan, and start() it after each boot."""

    def __init__(self) -> None:
        self._socket, self.inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10)

    def devices(self) -> list[str]:
        return ["-chardev", f"socket,id=clock,fd={self.inner.fileno()}",
                "-device", "virtserialport,chardev=clock,name=clock"]

    def start(self, machine: Machine) -> None:
        machine.run(FIND, check=True)
        self._ask("now")

    def _ask(self, words: str) -> int:
        """What the machine's clock said."""
        self._socket.sendall(f"{words}\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._socket.recv(64)
        if not answer.strip().isdigit():
            raise RigError(f"the machine's clock answers {answer!r}")
        return int(answer)

    def _sample(self) -> Sample:
        began = time.time_ns()
        told = self._ask("now")
        ended = time.time_ns()
        return Sample((began + ended) // 2, told - (began + ended) // 2, (ended - began) // 2)

    def measure(self, seconds: float = 1) -> Sample:
        """The best of many: that with the shortest way there and back."""
        deadline = time.monotonic() + seconds
        samples = []
        while time.monotonic() < deadline:
            samples.append(self._sample())
            time.sleep(0.002)
        return min(samples, key=lambda one: one.doubt_nsec)

    def set(self) -> None:
        """Makes it what ours is, give or take the doubt of a sample."""
        self._ask(f"step {-self.measure().ahead_nsec}")
