# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wall clock after the jump, against that of the host around the machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rig import drain, small, wall_clock
from rig.checks import check_host, check_report
from rig.kernel import kernel
from rig.scenario import Scenario, scenario
from rig.small import Small
from rig.wall_clock import WallClock

KERNELS = ("b", "a", "b")
ERROR_NSEC = 1_000_000
DRIFT_SECONDS = 4


@scenario("host-clock", limit=180, exclusive=True)
def clock(s: Scenario) -> None:
    """Three updates: the wall clock is right to a millisecond after each, by this host's; the seed is used once."""
    reference = WallClock()
    initrd = small.root(s.directory, {**drain.files(), **wall_clock.files()})
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s, initrd)), devices=reference.devices(),
                       inherited=(reference.inner.fileno(),))
    rounds = s.check.fact("rounds", [update(s, host, reference, name) for name in KERNELS])
    worst = s.check.fact("worstNSec", max(abs(one["errorNSec"]) for one in rounds))
    told = check_host(s, host)["host"]
    s.check.fact("stepNSec", told["clockStepNSec"])
    changes = {part["name"]: part["changes"] for part in told["parts"]}
    s.check.equal("clock set and seed given to the kernel, how often", [changes["clock"], changes["entropy"]], [1, 1])
    s.check.at_most(f"ns by which the wall clock was off after the jump: {rounds}", worst, ERROR_NSEC)


def make_boot(s: Scenario, initrd: Path) -> Path:
    boot = s.directory / "boot"
    boot.mkdir()
    for name in set(KERNELS):
        (boot / f"kernel-{name}").write_bytes(kernel(name).read_bytes())
    (boot / "initrd").hardlink_to(initrd)
    return boot


def update(s: Scenario, host: Small, reference: WallClock, name: str) -> dict[str, Any]:
    """The clock is set by ours right before. What it is off after, less what it was off before, is the update's."""
    reference.start(host.machine)
    reference.set()
    first = reference.measure()
    time.sleep(DRIFT_SECONDS)
    before = reference.measure()
    host.update("--initrd=/boot/initrd", f"/boot/kernel-{name}")
    reference.start(host.machine)
    after = reference.measure()
    check_report(s, host)
    return {"errorNSec": after.ahead_nsec - before.ahead_nsec, "doubtNSec": before.doubt_nsec + after.doubt_nsec,
            "apartSeconds": round((after.at_nsec - before.at_nsec) / wall_clock.NSEC, 1),
            "driftOfTheOldKernelPPB": round((before.ahead_nsec - first.ahead_nsec) * wall_clock.NSEC
                                            / (before.at_nsec - first.at_nsec))}
