# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory in a session of its own, that a device which was not quiet would write to: guest/canary.c."""

from __future__ import annotations

from pathlib import Path

from . import build
from .base import E2E, RigError
from .machine import Machine

MIB = 256
PATH = "/rig/canary"


def files() -> dict[str, Path]:
    return {PATH: build.static_program("canary", [E2E / "guest/canary.c"])}


def keep(machine: Machine) -> None:
    machine.run(f"{PATH} keep {MIB}", 60, check=True)


def check(machine: Machine) -> int:
    """After a jump: the number of bytes that are as they were, all of them. Then it is kept for the next one."""
    result = machine.run(f"{PATH} check {MIB}", 60)
    if not result:
        raise RigError(f"the canary was written to, or lost: {result}")
    return int(result.out.split()[0])
