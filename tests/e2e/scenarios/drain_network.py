# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit tests of what puts the network back, under a kernel that has every kind of interface they use."""

from __future__ import annotations

from pathlib import Path

from rig import build
from rig.scenario import Scenario, scenario

TESTS = ("network", "network-routes", "network-uppers", "network-hardware")


def programs() -> list[Path]:
    return [build.target(f"tests/unit/test-{name}") for name in TESTS]


@scenario("drain-network", limit=180, kernels=("a",), needs=programs)
def network(s: Scenario) -> None:
    """Bonds, VLANs and all that goes through them come back: the unit tests, none of them left out."""
    machine = s.machine(files={f"/rig/tests/{path.name}": path for path in programs()})
    for name in TESTS:
        result = machine.run(f"CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent CK_DEFAULT_TIMEOUT=60 /rig/tests/test-{name}", 120)
        lines = result.out.splitlines()
        s.check.equal(f"{name}: what does not hold, or was left out",
                      [line for line in lines if line.startswith("not ok") or "# SKIP" in line], [])
        s.check.that(f"{name} has ended well: {result}", result)
        s.check.at_least(f"{name}: tests", s.check.fact(name, sum(line.startswith("ok") for line in lines)), 1)
