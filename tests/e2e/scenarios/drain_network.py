# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit tests of what puts the network back, under a kernel that has every kind of interface they use."""

from __future__ import annotations

from pathlib import Path

from rig import build
from rig.base import RigError
from rig.scenario import Scenario, scenario

ABSENT = ("vrf", "ipvlan", "ifb", "gre")  # kinds that the rig's kernel is without, to be built faster
TESTS = ("network", "network-address", "network-create", "network-create-bonds", "network-create-present",
         "network-hardware", "network-hostile", "network-kinds", "network-reconcile", "network-routes", "network-select",
         "network-uppers", "firewall")


def library(name: str) -> Path:
    """One that a test loads by its name, so that it is not found beside the program."""
    found = [*Path("/usr/lib").glob(f"*/{name}"), *Path("/usr/lib").glob(name)]
    if not found:
        raise RigError(f"{name} is not installed", "apt install libnftables1")
    return found[0]


def programs() -> list[Path]:
    return [build.target(f"tests/unit/test-{name}") for name in TESTS]


@scenario("drain-network", limit=180, kernels=("a",), needs=programs)
def network(s: Scenario) -> None:
    """Bonds, VLANs and all that goes through them come back: the unit tests, none left out but rare kinds."""
    nftables = library("libnftables.so.1")
    machine = s.machine(files={str(nftables): nftables} |
                        {f"/rig/tests/{path.name}": path for path in programs()})
    wrong = {}
    for name in TESTS:
        result = machine.run("CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent CK_DEFAULT_TIMEOUT=60 "
                             f"/rig/tests/test-{name}", 120)
        lines = [line for line in result.out.splitlines()
                 if not ("# SKIP" in line and any(kind in line for kind in ABSENT))]
        bad = [line for line in lines if line.startswith("not ok") or "# SKIP" in line]
        if bad or not result or s.check.fact(name, sum(line.startswith("ok") for line in lines)) == 0:
            wrong[name] = [line for line in lines if not line.startswith(("ok", "1.."))] or [str(result)]
    s.check.equal("what does not hold, or was left out", wrong, {})
