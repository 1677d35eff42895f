# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's monitor of a machine: what its processors were doing when it went silent."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any


def query(path: Path, *commands: dict[str, Any]) -> list[Any]:
    """Answers of QMP commands, one connection for all; OSError when QEMU does not answer."""
    answers = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        with connection.makefile("rw", encoding="utf-8") as stream:
            stream.readline()
            for command in ({"execute": "qmp_capabilities"}, *commands):
                stream.write(json.dumps(command) + "\n")
                stream.flush()
                while not {"return", "error"} & (answer := json.loads(stream.readline() or '{"error": "closed"}')).keys():
                    pass  # an event
                answers.append(answer)
    return answers[1:]


def human(command: str) -> dict[str, Any]:
    return {"execute": "human-monitor-command", "arguments": {"command-line": command}}


def describe(path: Path, kernel: Path) -> str:
    """Registers of all processors and, where the kernel's System.map is beside it, the functions they are in."""
    try:
        answers = query(path, *[human("info registers -a"), human("info pic"), human("info lapic")] * 2)
    except (OSError, ValueError) as error:
        return f"the monitor does not answer: {error}\n"
    text = "\n".join(str(answer.get("return", answer)) for answer in answers)
    symbols = _symbols(kernel.with_name(kernel.name.replace("bzImage", "System.map")))
    places = [f"{address}: {_function(symbols, int(address, 16))}" for address in re.findall(r"RIP=([0-9a-f]+)", text)]
    return "\n".join(places) + "\n" + text


def _symbols(path: Path) -> list[tuple[int, str]]:
    try:
        return [(int(words[0], 16), words[2]) for words in map(str.split, path.read_text().splitlines())]
    except (OSError, ValueError, IndexError):
        return []


def _function(symbols: list[tuple[int, str]], address: int) -> str:
    below = [symbol for symbol in symbols if symbol[0] <= address]
    return f"{below[-1][1]}+{address - below[-1][0]:#x}" if below else "?"
