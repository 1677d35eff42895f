# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a scenario is, and what it has in its hands while it runs.

    @scenario("update-example", flavour="bare", limit=120)
    def example(s: Scenario) -> None:
        \"\"\"One line that says what it shows.\"\"\"
        machine = s.machine()
        s.check.equal("kernel release", machine.boot.release, "7.3.4-rig-a")
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import assemble
from .base import E2E, RigError
from .machine import Machine


@dataclass(frozen=True)
class Definition:
    name: str
    flavour: str
    limit: float  # seconds, all of it
    is_exclusive: bool  # measures time: nothing else may run beside it
    kernels: tuple[str, ...]
    function: Callable[["Scenario"], None]
    needs: Callable[[], object] | None  # made before its time runs, and kept

    @property
    def description(self) -> str:
        return (self.function.__doc__ or "").strip().split("\n")[0]


_definitions: dict[str, Definition] = {}


def scenario(name: str, *, flavour: str = "bare", limit: float = 180, exclusive: bool = False,
             kernels: tuple[str, ...] = ("a", "b"), needs: Callable[[], object] | None = None
             ) -> Callable[[Callable[["Scenario"], None]], Callable[["Scenario"], None]]:
    def register(function: Callable[["Scenario"], None]) -> Callable[["Scenario"], None]:
        if name in _definitions:
            raise ValueError(f"two scenarios are called {name}")
        _definitions[name] = Definition(name, flavour, limit, exclusive, kernels, function, needs)
        return function

    return register


def discover() -> dict[str, Definition]:
    """All of tests/e2e/scenarios/*.py, by name."""
    directory = E2E / "scenarios"
    if str(directory.parent) not in sys.path:
        sys.path.insert(0, str(directory.parent))
    for path in sorted(directory.glob("*.py")):
        if path.name != "__init__.py":
            importlib.import_module(f"scenarios.{path.stem}")
    return dict(sorted(_definitions.items()))


class CheckFailed(RigError):
    pass


class Check:
    """Every check becomes a fact, and says what was expected and what came when it fails."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def that(self, what: str, holds: object, explanation: object = "") -> None:
        if not holds:
            raise CheckFailed(f"{what}: does not hold" + (f"\n{explanation}" if explanation else ""))

    def equal(self, what: str, got: object, expected: object) -> None:
        if got != expected:
            raise CheckFailed(f"{what}\n  expected: {expected!r}\n  got:      {got!r}")

    def differ(self, what: str, got: object, other: object) -> None:
        if got == other:
            raise CheckFailed(f"{what}\n  expected: anything but {other!r}\n  got:      {got!r}")

    def contains(self, what: str, text: str, part: str) -> None:
        if part not in text:
            raise CheckFailed(f"{what}\n  expected in it: {part!r}\n  got: {text.strip()[-1500:]!r}")

    def at_least(self, what: str, got: float, least: float) -> None:
        if got < least:
            raise CheckFailed(f"{what}\n  expected: at least {least}\n  got:      {got}")

    def at_most(self, what: str, got: float, most: float) -> None:
        if got > most:
            raise CheckFailed(f"{what}\n  expected: at most {most}\n  got:      {got}")

    def fact(self, name: str, value: Any) -> Any:
        self._facts[name] = value
        return value


class Scenario:
    def __init__(self, definition: Definition, directory: Path) -> None:
        self.definition = definition
        self.directory = directory
        self.facts: dict[str, Any] = {}
        self.report: Any = None  # of the update, as `liveupdatectl report --json=short` gave it
        self.check = Check(self.facts)
        self.machines: list[Machine] = []

    def machine(self, flavour: str = "", *, boot: bool = True, timeout: float = 120, **options: Any) -> Machine:
        """A machine of the scenario's flavour; closed, with its logs kept on failure, at the end."""
        machine = assemble.machine(flavour or self.definition.flavour, self.directory, **options)
        self.machines.append(machine)
        if boot:
            machine.wait_boot(timeout)
        return machine

    def keep(self, machine: Machine, *paths: str) -> None:
        """Copies files of the machine (an inner guest's console, a report) to the logs."""
        for path in paths:
            try:
                content = machine.get_file(path, 20)
            except (RigError, OSError):
                continue
            (self.directory / f"{machine.name}.{path.strip('/').replace('/', '-')}").write_bytes(content)

    def keep_inner_logs(self) -> None:
        """What helps after a failure, as far as the machines still answer."""
        for machine in self.machines:
            if machine.process.poll() is not None or machine.console.disaster:
                continue
            try:
                found = machine.run("dmesg >/run/rig/kernel.log 2>&1; "
                                    "(journalctl --no-pager || :) >/run/rig/journal.log 2>/dev/null; "
                                    "ls -d /run/rig/*.log /run/*.log /root/guests/*.console 2>/dev/null", 20)
                self.keep(machine, *found.out.split())
            except (RigError, OSError):
                pass

    def close(self) -> None:
        for machine in self.machines:
            machine.close()
