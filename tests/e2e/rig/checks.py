# SPDX-License-Identifier: LGPL-2.1-or-later
"""What many scenarios check in the same way."""

from __future__ import annotations

from typing import Any

from . import schema
from .base import wait_for
from .host import Guest, Host
from .scenario import Scenario

CLOCK_TOLERANCE_USEC = 2_500_000  # so late can a tick be on a loaded machine; a blackout that was not hidden is longer


def start(s: Scenario, **options: Any) -> Host:
    host = Host(s.machine(**options))
    host.wait_ready()
    return host


def check_guest(s: Scenario, host: Host, guest: Guest) -> dict[str, Any]:
    """Nothing lost, nothing changed, and the clock went on from where it stood."""
    verdict = host.verdict(guest)
    for what in ("ticksMissing", "ticksRepeated", "patternErrors", "diskErrors"):
        s.check.equal(f"{guest.name}: {what}", verdict[what], 0)
    s.check.equal(f"{guest.name}: boots", len(set(verdict["guestBootIds"])), 1)
    s.check.equal(f"{guest.name}: complaints", verdict["complaints"], [])
    s.check.that(f"{guest.name}: clock never went back", not verdict["guestClockWentBack"])
    s.check.at_least(f"{guest.name}: bytes verified", verdict["bytesVerified"],
                     0.95 * guest.pattern / 100 * verdict["guestRamBytes"])
    s.check.at_most(f"{guest.name}: leap of its clock in us", abs(verdict["guestClockJumpUSec"]), CLOCK_TOLERANCE_USEC)
    return verdict


def check_report(s: Scenario, host: Host, outcome: str = "updated") -> Any:
    s.report = host.report()
    s.check.equal("report against its schema", schema.report_violations(s.report), [])
    s.check.equal("outcome", s.report["outcome"], outcome)
    return s.report


def check_host(s: Scenario, host: Host, outcome: str = "restored") -> Any:
    """The report after the later pass: nothing of the host is missing."""
    def restored() -> Any:
        report = host.report()
        return report if report["host"]["outcome"] != "restoring" else None

    s.report = wait_for("end of the host's restoration", 120, restored,
                        lambda: host.machine.run("liveupdatectl report; journalctl -n 40 -u liveupdated.service; "
                                                 "tail -n 40 /run/liveupdated.log").out)
    told = s.report["host"]
    problems = [(part["name"], one) for part in told["parts"] for one in part.get("problems", [])]
    s.check.fact("parts of the host", {part["name"]: part for part in told["parts"]})
    s.check.equal(f"outcome of the host's restoration; problems: {problems}", told["outcome"], outcome)
    if outcome == "restored":
        s.check.equal("problems", problems, [])
    return s.report


def check_undisturbed(s: Scenario, host: Host, guest: Guest) -> None:
    """The guest ticks on under the process it had."""
    states = {workload["name"]: workload["state"] for workload in host.ctl("workloads")["workloads"]}
    s.check.equal(f"state of {guest.name}", states.get(guest.name), "running")
    last = host.log(guest).ticks[-1].number
    log = host.wait_guest(guest, lambda log: log.ticks[-1].number > last + 5, "ticked on", 60)
    s.check.equal("ticks missing", log.missing, 0)
    s.check.equal("boots of the guest", len(log.boot_ids), 1)
