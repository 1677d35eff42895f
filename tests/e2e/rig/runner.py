# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios, each in a process of its own with a time limit, several at a time when the machine has room."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import assemble, build, packages
from .accel import accel
from .base import E2E, RigError, cache_directory, say
from .kernel import kernel
from .scenario import Definition, Scenario, discover

MACHINE_GIB = 3.5
LOST_MAX = 4  # times that a scenario is run again
GRACE = 20  # seconds for a scenario to save its logs when its time is up


def prepare(chosen: list[Definition]) -> None:
    """Everything that scenarios share, made beforehand and one at a time."""
    packages.ensure()
    for variant in sorted({variant for definition in chosen for variant in definition.kernels}):
        kernel(variant)
    accel()
    build.product()
    if any(definition.flavour != "bare" for definition in chosen):
        assemble.image()
    for definition in chosen:
        if definition.needs:
            definition.needs()


def room() -> int:
    """How many machines this host can run: two processors each under emulation, and their memory."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable")) / 2**20
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, int(available / MACHINE_GIB), 8))


def work(name: str, directory: Path) -> int:
    """In the scenario's own process: writes result.json."""
    scenario = Scenario(discover()[name], directory)
    result: dict[str, Any] = {"scenario": name, "outcome": "passed"}

    def expire(*_: object) -> None:
        raise RigError(f"not done within {scenario.definition.limit:g} s")

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, scenario.definition.limit)
    try:
        scenario.definition.function(scenario)
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, it is the scenario's result
        signal.setitimer(signal.ITIMER_REAL, 0)
        is_expected = isinstance(error, RigError)
        result.update(outcome="failed", why=str(error) if is_expected else traceback.format_exc())
        where = traceback.extract_tb(error.__traceback__)
        line = next((f for f in reversed(where) if "/scenarios/" in f.filename), None)
        if line and is_expected:
            result["where"] = f"{Path(line.filename).name}:{line.lineno}: {line.line}"
        scenario.keep_inner_logs()
    finally:
        scenario.close()
    result.update(report=scenario.report, facts=scenario.facts)
    (directory / "result.json").write_text(json.dumps(result, indent=2, default=str) + "\n")
    return 0 if result["outcome"] == "passed" else 1


@dataclass
class Running:
    definition: Definition
    directory: Path
    process: subprocess.Popen[bytes]
    started: float

    def stop(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def is_done(self) -> bool:
        if self.process.poll() is not None:
            return True
        if time.monotonic() - self.started > self.definition.limit + GRACE:
            self.stop()
            return True
        return False

    def result(self) -> dict[str, Any]:
        try:
            return json.loads((self.directory / "result.json").read_text())
        except (OSError, ValueError):
            output = (self.directory / "output.log").read_text(errors="replace")[-2000:]
            return {"scenario": self.definition.name, "outcome": "failed", "report": None, "facts": {},
                    "why": f"ended without a result ({self.process.poll()})\n{output}"}


def start(definition: Definition, top: Path) -> Running:
    directory = top / definition.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with (directory / "output.log").open("wb") as output:
        process = subprocess.Popen([sys.executable, E2E / "run", "--work", definition.name, directory],
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                                   env={**os.environ, build.PREPARED: "1"})
    return Running(definition, directory, process, time.monotonic())


def was_lost_by_emulator(one: Running) -> bool:
    """A guest had a triple fault. With two of them, QEMU's emulation of a virtualizing processor does that to one of
    them every minute or so: without any update, with any kernel, pinned or not, but never to one guest alone. A defect
    of ours that resets guests would do so each time."""
    return (accel() == "tcg" and one.result()["outcome"] != "passed"
            and any("reason: guest-reset" in log.read_text(errors="replace") for log in one.directory.glob("*.log")))


def run(names: list[str], jobs: int, results: Path | None, keep: bool) -> int:
    """The number of failures."""
    definitions = discover()
    unknown = [name for name in names if name not in definitions]
    if unknown:
        raise RigError(f"no scenario called {', '.join(unknown)}", "tests/e2e/run --list")
    chosen = [definitions[name] for name in names or definitions]
    prepare(chosen)
    top = cache_directory("runs", time.strftime("%Y%m%d-%H%M%S-") + str(os.getpid()))
    jobs = min(jobs or room(), len(chosen))
    waiting = sorted(chosen, key=lambda d: (d.is_exclusive, -d.limit))
    running: list[Running] = []
    lost: Counter[str] = Counter()
    failed = 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs and not (
                    running and (waiting[0].is_exclusive or running[0].definition.is_exclusive)):
                running.append(start(waiting.pop(0), top))
            time.sleep(0.2)
            for one in [r for r in running if r.is_done()]:
                running.remove(one)
                if lost[one.definition.name] < LOST_MAX and was_lost_by_emulator(one):
                    lost[one.definition.name] += 1
                    print(f"AGAIN {one.definition.name}: the emulated processor reset a guest", flush=True)
                    waiting.insert(0, one.definition)
                else:
                    failed += not _tell(one, results, keep)
    finally:
        for one in running:
            one.stop()
        if not any(top.iterdir()):
            top.rmdir()
    return failed


def _tell(one: Running, results: Path | None, keep: bool) -> bool:
    result = one.result()
    one.stop()  # and whatever it left behind
    passed = result["outcome"] == "passed"
    took = time.monotonic() - one.started
    if results:
        results.mkdir(parents=True, exist_ok=True)
        (results / f"{one.definition.name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'PASS' if passed else 'FAIL'} {one.definition.name} ({took:.0f} s)", flush=True)
    if not passed:
        where = f"{result['where']}\n" if "where" in result else ""
        print("\n".join(f"     {line}" for line in f"{where}{result.get('why', '')}".splitlines()))
        print(f"     logs: {one.directory}", flush=True)
    elif not keep:
        shutil.rmtree(one.directory)
    return passed


def forget_old_runs(keep: int = 10) -> None:
    runs = sorted(cache_directory("runs").iterdir())
    for path in runs[:-keep]:
        shutil.rmtree(path, ignore_errors=True)
    if runs[:-keep]:
        say(f"removed the logs of {len(runs) - keep} old runs")
