# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of the agent's port; machine/agent tells the protocol. Goes on across a kexec."""

from __future__ import annotations

import itertools
import shlex
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Boot:
    boot_id: str
    release: str
    uptime: float
    seen: float = field(compare=False)  # time.monotonic() of this host


@dataclass(frozen=True)
class Result:
    status: int
    out_bytes: bytes
    err_bytes: bytes

    @property
    def out(self) -> str:
        return self.out_bytes.decode(errors="replace")

    @property
    def err(self) -> str:
        return self.err_bytes.decode(errors="replace")

    def __bool__(self) -> bool:
        return self.status == 0

    def __str__(self) -> str:
        parts = [f"exit status {self.status}"]
        parts += [f"{name}:\n{text.rstrip()}" for name, text in (("output", self.out), ("errors", self.err)) if text]
        return "\n".join(parts)


class Channel:
    """Listens before QEMU starts, so that the port is connected from its first moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.boots: list[Boot] = []
        self.changed = threading.Condition()
        self.is_closed = False
        self._results: dict[int, Result] = {}
        self._numbers = itertools.count(1)
        self._sending = threading.Lock()
        self._connection: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        if self._connection:
            self._connection.close()

    def _serve(self) -> None:
        try:
            self._connection, _ = self._listener.accept()
            with self._connection.makefile("rb") as stream:
                while self._message(stream):
                    pass
        except (OSError, ValueError):
            pass
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def _message(self, stream: BinaryIO) -> bool:
        line = stream.readline()
        words = line.decode(errors="replace").split()
        if len(words) == 4 and words[0].endswith("hello"):
            with self.changed:
                self.boots.append(Boot(words[1], words[2], float(words[3]), time.monotonic()))
                self.changed.notify_all()
        elif len(words) == 5 and words[0] == "done":
            out, err = stream.read(int(words[3])), stream.read(int(words[4]))
            with self.changed:
                self._results[int(words[1])] = Result(int(words[2]), out, err)
                self.changed.notify_all()
        return bool(line)

    def send(self, verb: str, payload: bytes, path: str = "") -> int:
        """The number under which the answer will come."""
        number = next(self._numbers)
        with self._sending:
            if not self._connection:
                raise ConnectionError("the machine's port is not connected")
            self._connection.sendall(f"{verb} {number} {len(payload)} {path}\n".encode() + payload)
        return number

    def take(self, number: int) -> Result | None:
        """Call with `changed` held."""
        return self._results.pop(number, None)


def script(command: str, env: dict[str, str] | None = None) -> bytes:
    """What the agent gets to run."""
    assignments = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (env or {}).items())
    return f"{assignments}{command}\n".encode()
