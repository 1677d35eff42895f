# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine's console: captured to a file, searched for what is waited for and for what must never be there."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

DISASTER = re.compile(r"Kernel panic|\bBUG: |\bOops: |kernel BUG at|unable to mount root")
SUSPECT = re.compile(r"WARNING: (CPU|.* at )|detected stalls|soft lockup")


class Console:
    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.path = path
        self.lines: deque[str] = deque(maxlen=4000)
        self.count = 0
        self.disaster = ""
        self.suspects: list[str] = []
        self.is_closed = False
        self.changed = threading.Condition()
        self._stream = stream
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            for raw in iter(self._stream.readline, b""):
                file.write(raw)
                self._take(raw.decode(errors="replace").rstrip("\r\n"))
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def _take(self, line: str) -> None:
        with self.changed:
            self.lines.append(line)
            self.count += 1
            if DISASTER.search(line) and not self.disaster:
                self.disaster = line.strip()
            if SUSPECT.search(line):
                self.suspects.append(line.strip())
            self.changed.notify_all()

    def text(self) -> str:
        with self.changed:
            return "\n".join(self.lines)

    def tail(self, lines: int = 25) -> str:
        with self.changed:
            return "\n".join("    | " + line for line in list(self.lines)[-lines:])

    def wait_for(self, pattern: str, timeout: float, since: int = 0) -> str:
        """The first line after line number `since` that holds the pattern; empty when time or the console ends."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                first = self.count - len(self.lines)
                for number, line in enumerate(self.lines, first):
                    if number >= since and expression.search(line):
                        return line
                since = self.count
                if self.is_closed or self.disaster or not self.changed.wait(max(0, deadline - time.monotonic())):
                    return ""
