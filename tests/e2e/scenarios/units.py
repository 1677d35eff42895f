# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units by themselves: what systemd thinks of them, and what they cost a boot without an update."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from rig import build, journal, presets
from rig.checks import start
from rig.host import Host
from rig.machine import Machine
from rig.scenario import Scenario, scenario

DIRECTORIES = "/usr/lib/systemd/system /etc/systemd/system"
EXPOSURE_LIMIT = 4.0
ADDED_USEC = 50_000
PAIRS_MIN, PAIRS_MAX = 5, 10  # one boot is up to 20 ms behind another
# Less of what makes boots differ: reads of what is not ours, workers of udev's that overtake each other, addresses.
MEASURED = "init=/rig/init-warm udev.children_max=1 norandmaps quiet systemd.show_status=no"


def our_units(host: Host) -> list[str]:
    found = host.machine.run(f"find {DIRECTORIES} -maxdepth 1 -name 'liveupdate*.*' -type f -printf '%f\\n'", check=True)
    return sorted(found.out.split())


@scenario("hook-units", flavour="full", limit=180, kernels=("a",))
def units(s: Scenario) -> None:
    """systemd-analyze has nothing to say against our units, and finds the daemon well confined."""
    host = start(s)
    names = s.check.fact("units", our_units(host))
    for name in ("liveupdated.service", "liveupdated.socket", "liveupdate.target", "liveupdate-stage@.service",
                 "liveupdate-unstage@.service", "liveupdate-commit.service", "liveupdate-commit.timer"):
        s.check.that(f"{name} is installed", name in names, names)
    verified = host.machine.run(f"systemd-analyze --man=no verify {' '.join(names)}", 120)
    s.check.equal("what verify says", (verified.status, verified.out + verified.err), (0, ""))
    for name in (one for one in names if one.endswith(".service")):
        instance = name.replace("@.", "@7.3.service.").removesuffix("service") + "service" if "@." in name else name
        said = host.machine.run(f"SYSTEMD_COLORS=0 systemd-analyze --no-pager security {instance}", 60, check=True).out
        exposure = float(re.findall(r"exposure level for \S+: ([\d.]+)", said)[0])
        s.check.fact(f"exposure of {name}", exposure)
        s.check.at_most(f"exposure of {name}\n{said}", exposure, EXPOSURE_LIMIT - 0.1)
    s.check.equal("failed units", host.failed_units(), "")


@scenario("hook-cold-boot", flavour="full", limit=600, kernels=("a",), exclusive=True)
def cold_boot(s: Scenario) -> None:
    """Without an update the units cost a boot less than 50 ms, say nothing and write nothing."""
    names = [path.name for path in presets.enabled(build.product())]
    masks = " ".join(f"systemd.mask={name}" for name in names)
    boots: dict[str, list[dict[str, Any]]] = {"enabled": [], "masked": []}
    while len(boots["masked"]) < PAIRS_MAX and (len(boots["masked"]) < PAIRS_MIN or added(boots) > ADDED_USEC):
        with ThreadPoolExecutor(2) as pool:  # side by side, so that they find the same machine
            pair = {kind: pool.submit(boot_once, s, f"{kind}-{len(boots[kind])}", append)
                    for kind, append in (("enabled", ""), ("masked", masks))}
        for kind, boot in pair.items():
            boots[kind].append(boot.result())
    times = {kind: [one["multiUser"] for one in facts] for kind, facts in boots.items()}
    s.check.fact("usecToMultiUser", times)
    s.check.fact("usecToReadyAndToSysinit", [[one["daemonReady"], one["sysinit"]] for one in boots["enabled"]])
    s.check.fact("usecToStart", [one["starts"] for one in boots["enabled"]])
    s.check.fact("addedUSec", added(boots))
    s.check.at_most(f"us added to the time to multi-user.target: {times}", added(boots), ADDED_USEC)
    s.check.at_most("us to start the daemon", min(boots["enabled"][0]["starts"]), ADDED_USEC)
    for what in ("warnings", "written"):
        more = set(boots["enabled"][-1][what]) - {item for one in boots["masked"] for item in one[what]}
        s.check.equal(f"{what} by what is enabled", sorted(more), [])
    states = [boots[kind][0]["daemonState"] for kind in ("enabled", "masked")]
    s.check.equal("state of the daemon, enabled and masked", states, ["active", "inactive"])
    s.check.that("the daemon is ready before sysinit.target",
                 all(one["daemonReady"] < one["sysinit"] for one in boots["enabled"]))


def added(boots: dict[str, list[dict[str, Any]]]) -> int:
    middle = {kind: median(one["multiUser"] for one in facts) for kind, facts in boots.items()}
    return int(middle["enabled"] - middle["masked"])


def boot_once(s: Scenario, name: str, masks: str) -> dict[str, Any]:
    """With a clock that counts instructions, and no second processor that would hide some of them."""
    machine = s.machine(name=name, accel="icount", cpus=1, memory_mib=1024, append=f"{MEASURED} {masks}", boot=False)
    facts = facts_of_boot(s, machine)
    machine.close()
    return facts


def facts_of_boot(s: Scenario, machine: Machine) -> dict[str, Any]:
    machine.wait_boot(150)
    # Nothing is run in it before it is up: that would take its time.
    machine.wait_console(r" ttyS0\s*$", 150)  # the head of the login prompt
    state = machine.run("sleep 1; systemctl is-system-running --wait", 150).out.strip()
    s.check.equal(f"{machine.name}: state of systemd", state, "running")
    host = Host(machine)
    began = int(machine.run("systemctl show -P UserspaceTimestampMonotonic", check=True).out)

    def since(unit: str) -> int:
        return int(host.property(unit, "ActiveEnterTimestampMonotonic")) - began

    written = machine.run("find / -xdev -newermt @$(sed -n 's/^btime //p' /proc/stat)", check=True).out
    facts = {
        "multiUser": since("multi-user.target"),
        "sysinit": since("sysinit.target"),
        "daemonReady": since("liveupdated.service"),
        "daemonState": host.property("liveupdated.service", "ActiveState"),
        "warnings": [str(entry.get("MESSAGE")) for entry in journal.entries(machine, "--priority=warning")],
        "written": [re.sub("[0-9a-f]{32}|-[A-Za-z0-9]{6}(?=/|$)", "*", path) for path in written.splitlines()],
        "starts": [start_usec(host) for _ in range(3)],
    }
    return facts


def start_usec(host: Host) -> int:
    """Of the daemon alone, when nothing else happens."""
    host.machine.run("systemctl restart liveupdated.service; sleep 0.3")
    stamps = [host.property("liveupdated.service", f"{name}TimestampMonotonic") for name in ("InactiveExit", "ActiveEnter")]
    return int(stamps[1]) - int(stamps[0])
