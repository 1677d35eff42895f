# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal of a machine, by the message ids of daemon/update/messages.h."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from .base import ROOT, wait_for
from .machine import Machine

PHASES = ("prepare", "quiesce", "pause", "save", "drain", "seal", "shutdown", "jump", "boot", "userspace", "retrieve",
          "restore", "resume", "finish")


def message_ids() -> dict[str, str]:
    """{"STAGED": "a5c14c00…", …}"""
    text = (ROOT / "daemon/update/messages.h").read_text()
    found = re.findall(r"#define MESSAGE_(\w+)\s+SD_ID128_MAKE\(([0-9a-f,\s]+)\)", text)
    return {name: re.sub(r"[,\s]", "", digits) for name, digits in found}


def entries(machine: Machine, *matches: str, boot: str = "0") -> list[dict[str, Any]]:
    """What journalctl has for its own arguments, oldest first."""
    command = ["journalctl", "--quiet", "--output=json", "--all", f"--boot={boot}", *matches]
    return [json.loads(line) for line in machine.run(shlex.join(command), 60).out.splitlines() if line]


def told(machine: Machine, name: str, boot: str = "0") -> list[dict[str, Any]]:
    """The entries of one of our messages."""
    return entries(machine, f"MESSAGE_ID={message_ids()[name]}", boot=boot)


def text(machine: Machine, *matches: str) -> str:
    """All messages that match, one a line."""
    return "\n".join(str(entry.get("MESSAGE")) for entry in entries(machine, *matches))


def wait_told(machine: Machine, name: str, count: int = 1, timeout: float = 60) -> list[dict[str, Any]]:
    """Until it was told that often in this boot."""
    return wait_for(f"{count} of MESSAGE_{name} in the journal", timeout,
                    lambda: found if len(found := told(machine, name)) >= count else None,
                    lambda: machine.run("liveupdatectl status; journalctl --no-pager -n 40").out)


def wait_text(machine: Machine, part: str, *matches: str, timeout: float = 60) -> str:
    """Until a message that matches holds the words; all that match is returned."""
    return wait_for(f"'{part}' in the journal", timeout,
                    lambda: found if part in (found := text(machine, *matches)) else None,
                    lambda: machine.run("liveupdatectl status; journalctl --no-pager -n 40").out)
