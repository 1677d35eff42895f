# SPDX-License-Identifier: LGPL-2.1-or-later
"""A manifest that cannot be read: told, and the guest comes back by what its own session says of it."""

from __future__ import annotations

from rig import assemble, build
from rig.base import cache_directory
from rig.checks import check_guest, start
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

FAULT = "/rig/corrupt-manifest.so"
ORDER = "/run/rig/corrupt-manifest"
# tests/e2e/faults/corrupt-manifest.c; what the daemon of the next kernel says of it.
WAYS = {"garbage": "it is damaged", "truncated": "it is damaged", "oversize": "it is damaged", "nested": "it is damaged",
        "future": "it is of a version that only a newer liveupdated reads"}


def start_faulty(s: Scenario) -> Host:
    """Every program that is not static has the fault with it; it waits for its order."""
    preload = cache_directory("programs") / "ld.so.preload"
    preload.write_text(f"{FAULT}\n")
    return start(s, files={FAULT: build.target("tests/e2e/faults/corrupt-manifest.so"), "/etc/ld.so.preload": preload})


@scenario("host-manifest", flavour="image", limit=420)
def manifest(s: Scenario) -> None:
    """Garbage, truncated, oversize, nested, of a later version: told each time, and the guest goes on under the next kernel."""
    host = start_faulty(s)
    guest = host.start_guest("one", memory_mib=192)
    for number, way in enumerate(WAYS):
        host.stage(assemble.KERNEL_A if number % 2 else assemble.KERNEL_B)
        host.machine.run(f"mkdir -p /run/rig && echo {way} >{ORDER}", check=True)
        is_last = number == len(WAYS) - 1
        if is_last:
            host.machine.run(f"chmod -x /root/guests/{guest.name}.start", check=True)
        # What an earlier kernel's manifest said nobody knows, so that it counts as lost.
        host.machine.jump(f"liveupdatectl commit{' --allow-loss' if number else ''}")
        host.wait_ready()
        check_told(s, host, way)
        if is_last:
            check_kept(s, host, guest)
        s.facts[way] = check_guest(s, host, guest)
        check_alive(s, host)


def check_told(s: Scenario, host: Host, way: str) -> None:
    log = host.machine.run("cat /run/liveupdated.log", check=True).out
    s.check.contains(f"{way}: what the log says", log, WAYS[way])
    status = host.machine.run("SYSTEMD_COLORS=0 liveupdatectl status", check=True).out
    s.check.contains(f"{way}: what status says", status, WAYS[way])
    s.check.that(f"{way}: there is no report of such an update", not host.machine.run("liveupdatectl report"))


def check_kept(s: Scenario, host: Host, guest: Guest) -> None:
    """Nobody has claimed the guest's session yet. It is there when somebody does."""
    s.check.equal("workloads before the guest's process is started", host.ctl("workloads")["workloads"], [])
    start_script = f"/root/guests/{guest.name}.start"
    host.machine.run(f"chmod +x {start_script} && {{ setsid {start_script} >>/run/{guest.name}.log 2>&1 & }}", check=True)


def check_alive(s: Scenario, host: Host) -> None:
    """The process that the boot started."""
    died = host.machine.run("dmesg | grep -E 'liveupdate.*(segfault|trap|general protection)'").out
    s.check.equal("what the kernel says of our programs", died, "")
    (workload,) = host.ctl("workloads")["workloads"]
    s.check.equal("the guest's state", workload["state"], "running")
