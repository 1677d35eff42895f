# SPDX-License-Identifier: LGPL-2.1-or-later
"""The inner guest: the QEMU command line it runs under, and what its console says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KERNEL = "/rig/guest-kernel"
INITRD = "/rig/guest-initrd"
APPEND = "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check"


def guest_command(console: str, *, memory_mib: int = 512, cpus: int = 1, disk: str = "", network: bool = True,
                  tap: str = "", qmp: str = "", binary: str = "/usr/bin/qemu-system-x86_64", pattern: int = 77,
                  duty: int = 50, ping: str = "", extra: list[str] | None = None) -> list[str]:
    """Stock QEMU arguments, as one would write them in a unit. Paths are those of the machine around it."""
    append = f"{APPEND} ram_bytes={memory_mib << 20} pattern={pattern} duty={duty}"
    if ping:
        append += f" ping={ping}"
    command = [binary, "-machine", "q35", "-accel", "kvm", "-cpu", "qemu64", "-m", f"{memory_mib}M",
               "-smp", str(cpus), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-chardev", f"file,id=console,path={console},append=on", "-serial", "chardev:console",
               "-kernel", KERNEL, "-initrd", INITRD, "-append", append]
    if disk:
        command += ["-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"]
    if network:
        backend = f"tap,id=net,ifname={tap},script=no,downscript=no" if tap else "user,id=net"
        command += ["-netdev", backend, "-device", "virtio-net-pci,netdev=net,romfile="]
    if qmp:
        command += ["-qmp", f"unix:{qmp},server=on,wait=off"]
    return command + (extra or [])


@dataclass(frozen=True)
class Tick:
    number: int
    mono: int
    boot: int
    real: int
    passes: int
    verified: int
    errors: int
    disk_sequence: int | None
    disk_errors: int | None


@dataclass
class GuestLog:
    """The console of one guest, as far as it went."""

    boot_ids: list[str] = field(default_factory=list)  # one for each time it booted
    boot_id: str = ""  # as it said last
    ram_bytes: int = 0
    pattern_bytes: int = 0
    ticks: list[Tick] = field(default_factory=list)
    began: dict[int, int] = field(default_factory=dict)  # pass: CLOCK_MONOTONIC, ns
    complete: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # pass: mono, bytes verified, errors
    complaints: list[str] = field(default_factory=list)
    pings: dict[str, list[int]] = field(default_factory=dict)  # interface: numbers that were sent
    pongs: dict[str, set[int]] = field(default_factory=dict)  # those that were answered

    @property
    def missing(self) -> int:
        """Ticks that never came, between the first and the last."""
        numbers = {tick.number for tick in self.ticks}
        return max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0

    @property
    def repeated(self) -> int:
        return len(self.ticks) - len({tick.number for tick in self.ticks})

    def verified_after(self, mono: int) -> tuple[int, int]:
        """Bytes and errors of the first full pass that began after that moment: it read all that was written before."""
        later = [number for number, began in self.began.items() if began >= mono and number in self.complete]
        return self.complete[min(later)][1:] if later else (0, 0)


def parse(text: str) -> GuestLog:
    log = GuestLog()
    for line in text.replace("\r", "").split("\n")[:-1]:
        words = line.split()
        if not words:
            continue
        values = dict(re.findall(r"(\w+)=(\S+)", line))
        if words[0] == "tick" and "errors" in values:
            disk = [int(values[k]) if k in values else None for k in ("disk_seq", "disk_errors")]
            log.ticks.append(Tick(int(words[1]), *(int(values[k]) for k in
                                                   ("mono", "boot", "real", "pass", "verified", "errors")), *disk))
        elif words[0] == "ping" and len(words) == 3:
            log.pings.setdefault(words[1], []).append(int(words[2]))
        elif words[0] == "pong" and len(words) == 4:
            log.pongs.setdefault(words[1], set()).add(int(words[2]))
        elif words[0] == "pass" and words[2] == "began":
            log.began[int(words[1])] = int(values["mono"])
            log.boot_id = values["boot_id"]
        elif words[0] == "pass" and words[2] == "complete":
            log.complete[int(words[1])] = (int(values["mono"]), int(values["verified"]), int(values["errors"]))
        elif "boot_id" in values:
            log.boot_ids.append(values["boot_id"])
            log.ram_bytes, log.pattern_bytes = int(values["ram_bytes"]), int(values["pattern_bytes"])
        elif re.search(r"ERROR|panic|Oops|BUG", line):
            log.complaints.append(line)
    return log
