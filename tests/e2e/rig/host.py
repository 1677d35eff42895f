# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine as a hypervisor host: its guests, its live updates, and what became of the guests."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import dataclass
from typing import Any

from . import guest as inner
from .base import RigError, wait_for
from .channel import Boot, Result
from .machine import Machine

TICK_NSEC = 100_000_000


@dataclass
class Guest:
    name: str
    memory_mib: int = 256
    pattern: int = 77
    duty: int = 25  # percent of a processor; several guests share the machine's two
    tap: str = ""  # instead of user networking
    network: bool = True  # else only what `extra` has of it
    ping: str = ""  # guest/guest.h: start_pings()
    extra: tuple[str, ...] = ()  # more arguments for its QEMU

    @property
    def console(self) -> str:
        return f"/root/guests/{self.name}.console"

    @property
    def mark(self) -> str:
        """Size of the console when the guest's process was last started under this kernel, before it wrote anything."""
        return f"/run/rig/{self.name}.mark"

    @property
    def disk(self) -> str:
        return f"/root/guests/{self.name}.disk"

    def command(self) -> list[str]:
        qemu = inner.guest_command(self.console, memory_mib=self.memory_mib, disk=self.disk, pattern=self.pattern,
                                   duty=self.duty, network=self.network, tap=self.tap, ping=self.ping,
                                   extra=list(self.extra))
        return ["/usr/bin/liveupdate-run", self.name, "--", *qemu]

    def note_size(self) -> str:
        return (f"mkdir -p /run/rig; touch {self.console}; stat -c %s {self.console} >{self.mark}.new; "
                f"mv {self.mark}.new {self.mark}")


class Host:
    """Without systemd the guests are scripts that the rig's init starts at every boot; with it they are units."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.has_systemd = machine.plan.flavour == "full"
        self.guests: list[Guest] = []

    def ctl(self, *arguments: str, timeout: float = 60) -> Any:
        """The answer of liveupdatectl --json=short, or an exception."""
        result = self.machine.run(shlex.join(["liveupdatectl", "--json=short", *arguments]), timeout, check=True)
        return json.loads(result.out) if result.out.strip() else None

    def configure(self, text: str) -> None:
        """Of liveupdated.conf(5), in place of what was configured so before."""
        self.machine.put_file(text.encode(), "/etc/liveupdate/liveupdated.conf.d/50-rig.conf")
        if self.has_systemd:
            self.machine.run("systemctl reload liveupdated.service", check=True)
            return
        self.machine.run("kill -HUP $(pidof liveupdated)", check=True)
        wanted = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        wait_for(f"{wanted} in effect", 20, lambda: wanted.items() <= {
            setting["key"]: setting["value"] for setting in self.ctl("config")["settings"]}.items())

    def apt(self, *arguments: str, timeout: float = 120) -> Result:
        """apt-get, with its seconds in the last line of the output. What fails is for the caller."""
        words = shlex.join(["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", *arguments])
        return self.machine.run(f"start=$(cut -d' ' -f1 /proc/uptime); {words}; status=$?; "
                                "echo $start $(cut -d' ' -f1 /proc/uptime); exit $status", timeout,
                                env={"DEBIAN_FRONTEND": "noninteractive"})

    def failed_units(self) -> str:
        return self.machine.run("systemctl --failed --plain --no-legend", check=True).out.strip()

    def active_units(self) -> set[str]:
        """Of the kinds that an isolation stops."""
        listed = self.machine.run("systemctl list-units --plain --no-legend --state=active "
                                  "--type=service,socket,timer,path", check=True).out
        return {line.split()[0] for line in listed.splitlines()}

    def property(self, unit: str, name: str) -> str:
        return self.machine.run(f"systemctl show -P {name} {unit}", check=True).out.strip()

    def wait_ready(self, timeout: float = 60) -> None:
        self.machine.run(f"for i in $(seq {int(timeout * 5)}); do liveupdatectl status && exit 0; sleep 0.2; done; exit 1",
                         timeout + 10, check=True)

    def start_guest(self, name: str, timeout: float = 200, **options: Any) -> Guest:
        """Starts one and waits until it has verified its memory once."""
        guest = Guest(name, **options)
        self.machine.run(f"mkdir -p /root/guests; touch {guest.console}; truncate -s 16M {guest.disk}", check=True)
        if self.has_systemd:
            self._write_unit(guest)
            self.machine.run(f"systemctl daemon-reload && systemctl enable --now {name}.service", check=True)
        else:
            script = f"#!/bin/sh\n{guest.note_size()}\nexec {shlex.join(guest.command())}\n"
            path = f"/root/guests/{name}.start"
            self.machine.put_file(script.encode(), path, 0o755)
            self.machine.run(f"setsid {path} >>/run/{name}.log 2>&1 &", check=True)
        self.guests.append(guest)
        self.wait_guest(guest, lambda log: 1 in log.complete, "verified its memory once", timeout)
        return guest

    def _write_unit(self, guest: Guest) -> None:
        start = " ".join(word.replace("%", "%%") if word.isprintable() and " " not in word
                         else '"' + word.replace("%", "%%") + '"' for word in guest.command())
        unit = (f"[Unit]\nDescription=Guest {guest.name}\nDefaultDependencies=no\n"
                "After=liveupdated.service\nWants=liveupdated.service\nConflicts=shutdown.target\n"
                "Before=shutdown.target\n\n"
                f"[Service]\nExecStartPre=/bin/sh -c '{guest.note_size().replace('%', '%%')}'\n"
                f"ExecStart={start}\nRestart=on-failure\n\n[Install]\nWantedBy=sysinit.target\n")
        self.machine.put_file(unit.encode(), f"/etc/systemd/system/{guest.name}.service")

    def log(self, guest: Guest) -> inner.GuestLog:
        return inner.parse(self.console_text(guest))

    def console_text(self, guest: Guest) -> str:
        return self.machine.get_file(guest.console).decode(errors="replace")

    def wait_guest(self, guest: Guest, condition: Any, what: str, timeout: float = 120) -> inner.GuestLog:
        deadline = time.monotonic() + timeout
        while True:
            log = self.log(guest)
            if condition(log):
                return log
            if time.monotonic() > deadline:
                tail = self.machine.run(f"tail -n 5 {guest.console}; cat /run/{guest.name}.log; "
                                        f"journalctl -n 20 -u {guest.name}.service -u liveupdated.service; "
                                        "liveupdatectl status; tail -n 30 /run/liveupdated.log").out
                raise RigError(f"{guest.name} has not {what} within {timeout:g} s:\n{tail}")
            time.sleep(1.5)

    def stage(self, kernel: str) -> Any:
        """The same command line for the next kernel as for this one."""
        return self.ctl("stage", kernel)["staged"]

    def staged(self) -> Any:
        """What is staged, with the digest that comes after the answer to stage()."""
        wait_for("digest of what is staged", 30, lambda: self.ctl("status")["staged"].get("sha256"))
        return self.ctl("status")["staged"]

    def commit(self, *options: str, timeout: float = 180) -> Boot:
        """Jumps, and waits until the update is over on the new side."""
        boot = self.machine.jump(shlex.join(["liveupdatectl", "commit", *options]), timeout)
        self.wait_report(boot)
        return boot

    def wait_report(self, boot: Boot, timeout: float = 120) -> None:
        done = self.machine.run(f"for i in $(seq {int(timeout * 2)}); do liveupdatectl report >/dev/null 2>&1 && exit 0; "
                                "sleep 0.5; done; liveupdatectl status; exit 1", timeout + 20)
        if not done:
            log = self.machine.run("tail -n 40 /run/liveupdated.log; journalctl -n 40 -u liveupdated.service; "
                                   "tail -n 5 /run/*.log; dmesg | tail -n 20").out
            raise RigError(f"no report of the update to {boot.release} within {timeout:g} s: {done.out}\n{log}")

    def mark(self, guest: Guest, timeout: float = 60) -> int:
        """Of the guest's process under this kernel, which may be started at this moment."""
        return int(self.machine.run(f"for i in $(seq {int(timeout * 10)}); do [ -e {guest.mark} ] && break; sleep 0.1; "
                                    f"done; cat {guest.mark}", timeout + 20, check=True).out)

    def report(self) -> Any:
        return self.ctl("report")

    def verdict(self, guest: Guest, timeout: float = 120) -> dict[str, Any]:
        """What the last update did to a guest. Waits until memory written before it has been verified after it."""
        mark = self.mark(guest)
        after_jump = mono_after(self.console_text(guest), mark)
        deadline = time.monotonic() + timeout
        while after_jump is None and time.monotonic() < deadline:
            time.sleep(0.5)
            after_jump = mono_after(self.console_text(guest), mark)
        if after_jump is None:
            raise RigError(f"{guest.name} has not ticked within {timeout:g} s after the update")
        log = self.wait_guest(guest, lambda log: log.verified_after(after_jump)[0], "verified its memory again", timeout)
        return judge(log, self.console_text(guest), mark, guest.memory_mib << 20)


def split_lines(text: str, mark: int) -> tuple[inner.GuestLog, inner.GuestLog]:
    """What was written in whole lines before the mark, and everything. A line can lie across it."""
    whole = text.encode(errors="replace")[:mark].decode(errors="replace")
    return inner.parse(whole[:whole.rfind("\n") + 1]), inner.parse(text)


def split_ticks(text: str, mark: int) -> tuple[list[inner.Tick], list[inner.Tick]]:
    """Ticks before the mark, and all others."""
    before, everything = split_lines(text, mark)
    return before.ticks, everything.ticks[len(before.ticks):]


def mono_after(text: str, mark: int) -> int | None:
    _, after = split_ticks(text, mark)
    return after[1].mono if len(after) > 1 else None  # the first may have been on its way at the mark


def judge(log: inner.GuestLog, text: str, mark: int, ram_bytes: int) -> dict[str, Any]:
    before, after = split_ticks(text, mark)
    around = [*before[-2:], *after[:2]]
    gaps = [later.mono - earlier.mono - TICK_NSEC for earlier, later in zip(around, around[1:])]
    verified, errors = log.verified_after(after[1].mono)
    return {
        "guestBootIds": log.boot_ids,
        "tickLastBefore": before[-1].number,
        "tickFirstAfter": after[0].number,
        "ticksMissing": log.missing,
        "ticksRepeated": log.repeated,
        "ticksTotal": len(log.ticks),
        "patternErrors": max(errors, log.ticks[-1].errors),
        "diskErrors": log.ticks[-1].disk_errors,
        "bytesVerified": verified,
        "guestRamBytes": ram_bytes,
        "guestClockJumpUSec": max(gaps, key=abs) // 1000,
        "guestClockWentBack": any(later.mono < earlier.mono for earlier, later in zip(log.ticks, log.ticks[1:])),
        "complaints": log.complaints,
    }
