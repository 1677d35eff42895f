# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device in the hands of a process by VFIO, which writes to its memory on its own."""

from __future__ import annotations

from rig import assemble, drain, guest as inner
from rig.base import wait_for
from rig.checks import check_report, start
from rig.drain import Stand
from rig.hardware import E1000E, E1000E_SPARE, Hardware
from rig.host import Host
from rig.scenario import Scenario, scenario


@scenario("drain-vfio", limit=180, kernels=("a", "b", "stubborn"))
def vfio(s: Scenario) -> None:
    """One that a process holds is named and reset, one that nobody holds is switched off; both are back on rollback."""
    stand = drain.small_stand(s, "e1000e", "spare", variant="stubborn")
    host, machine = stand.host, stand.machine
    for address in (E1000E, E1000E_SPARE):
        drain.bind_vfio(machine, address)
    pid = drain.hold_vfio(machine, E1000E_SPARE)
    drain.be_bus_master(machine, E1000E)
    check_listed(s, host, pid)
    host.ctl("stage", drain.INITRD, drain.KERNEL)
    s.check.that("it is bus master", drain.is_bus_master(machine, E1000E_SPARE))
    roll_back(s, stand)
    s.check.that("it is bus master again", drain.is_bus_master(machine, E1000E_SPARE))
    s.check.equal("who holds it", machine.run("pidof vfio-hold").out.split(), [str(pid)])

    host.ctl("stage", drain.INITRD, drain.KERNEL)
    host.jump()
    told = drain.reported(check_report(s, host))
    s.check.equal("outcomes", [told[a]["outcome"] for a in (E1000E, E1000E_SPARE)], ["quiet", "quiet"])
    s.check.contains("problem of another driver", " ".join(told[E1000E_SPARE].get("problems", [])), "vfio-pci")


def check_listed(s: Scenario, host: Host, pid: int) -> None:
    listed = drain.devices(host)
    held, idle = listed[E1000E_SPARE], listed[E1000E]
    s.check.equal("who holds it", [(one["pid"], one["comm"], one["use"]) for one in held["users"]],
                  [(pid, "vfio-hold", "vfio")])
    s.check.equal("drivers", {held["driver"], idle["driver"]}, {"vfio-pci"})
    s.check.equal("policies", (held["policy"], idle["policy"]), ("preserve", "master_off"))


def roll_back(s: Scenario, stand: Stand) -> None:
    """The jump fails after the drain."""
    host, machine = stand.host, stand.machine
    host.configure("[Update]\nMaxBlackoutSec=2min\n[Drain]\nDrainTimeoutSec=1min\n")
    drain.misbehave(machine, "pending", E1000E_SPARE)
    drain.begin_commit(machine)
    drain.wait_quiet(machine, E1000E, E1000E_SPARE)
    machine.run("/rig/kexec --unload", check=True)
    drain.misbehave(machine, "pending")
    drain.wait_refused(machine)
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "shutdown")
    told = drain.reported(report)
    s.check.equal("outcomes", [told[a]["outcome"] for a in (E1000E, E1000E_SPARE)], ["restored", "restored"])
    s.check.contains("what its holder is to know", " ".join(told[E1000E_SPARE]["problems"]), "reset")


@scenario("drain-vfio-guest", flavour="image", limit=300)
def vfio_guest(s: Scenario) -> None:
    """A VM with a device of the host's cannot be saved: commit refuses to lose it, and told to, it resets the device."""
    equipment = Hardware(s.directory, "spare")
    host = start(s, files=drain.files(), **equipment.plan())
    machine = host.machine
    drain.bind_vfio(machine, E1000E_SPARE)
    words = inner.guest_command("/run/owner.console", memory_mib=192, network=False,
                                extra=["-device", f"vfio-pci,host={E1000E_SPARE}"])
    machine.put_file(f"#!/bin/sh\nexec {assemble.shell_words(words)}\n".encode(), "/run/owner", 0o755)
    machine.run("setsid /run/owner >/run/owner.log 2>&1 &", check=True)
    wait_for("VM with the device", 60, lambda: drain.devices(host)[E1000E_SPARE]["users"] or None,
             lambda: machine.run("cat /run/owner.log").out)
    pid = int(machine.run("pidof qemu-system-x86_64", check=True).out)
    users = [(one["pid"], one["use"]) for one in drain.devices(host)[E1000E_SPARE]["users"]]
    s.check.equal("who uses it", users, [(pid, "vfio")])
    host.stage(assemble.KERNEL_B)
    refused = machine.run("liveupdatectl commit", 60)
    s.check.equal(f"exit status of commit\n{refused}", refused.status, 1)
    for part in (str(pid), "--allow-loss"):
        s.check.contains("what commit says", refused.err, part)
    s.check.equal("who runs on", machine.run("pidof qemu-system-x86_64").out.split(), [str(pid)])

    drain.be_bus_master(machine, E1000E_SPARE)
    boot = machine.jump("liveupdatectl commit --allow-loss")
    host.wait_report(boot)
    told = drain.reported(check_report(s, host))[E1000E_SPARE]
    s.check.equal("outcome", told["outcome"], "quiet")
    s.check.contains("why it was not preserved", told.get("note", ""), "did not preserve")
