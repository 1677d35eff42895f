# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an operator told a host's kernel beside its network, and what of it is there."""

from __future__ import annotations

import re
from typing import Any

from . import hardware, host_state
from .drain import interface
from .machine import Machine

MEMORY = "/sys/kernel/mm"
FILES = {f"{MEMORY}/transparent_hugepage/enabled": "madvise", f"{MEMORY}/transparent_hugepage/defrag": "defer",
         f"{MEMORY}/transparent_hugepage/khugepaged/pages_to_scan": "512", f"{MEMORY}/ksm/pages_to_scan": "222",
         f"{MEMORY}/ksm/sleep_millisecs": "55", f"{MEMORY}/ksm/run": "1",
         f"{MEMORY}/hugepages/hugepages-2048kB/nr_hugepages": "24",
         f"{MEMORY}/hugepages/hugepages-2048kB/nr_overcommit_hugepages": "8"}
# tcp_yeah sits on tcp_vegas, whose parameters can be written; those of brd are given when it is loaded.
LOAD = """set -ex
modprobe brd rd_nr=1 rd_size=2048 max_part=2
modprobe tcp_yeah
echo 3 >/sys/module/tcp_vegas/parameters/alpha
echo 5 >/sys/module/tcp_vegas/parameters/beta
"""
PARAMETERS = ("brd", "tcp_vegas", "tcp_yeah")
# Two file systems: one that fstab mounts at every boot, one that was mounted by hand.
BY_FSTAB, BY_HAND = "/srv/by-fstab", "/srv/by-hand"
MOUNTS = f"""set -ex
mkdir -p {BY_FSTAB} {BY_HAND}
echo 'tmpfs {BY_FSTAB} tmpfs size=64m,mode=750 0 0' >>/etc/fstab
systemctl daemon-reload
mount {BY_FSTAB}
mount -t tmpfs -o size=32m,mode=1777,nr_inodes=500,noexec,nodev tmpfs {BY_HAND}
"""
CONTENT = r"""set -ex
mkdir -p deep/er/down empty
chmod 2775 deep
chown 1000:1000 deep/er
dd if=/dev/urandom of=deep/large bs=1M count=6 2>/dev/null
printf 'some words\n' >deep/er/words
ln deep/er/words deep/hard
ln -s ../empty deep/symbolic
ln -s /nowhere/at/all dangling
mkfifo -m 620 pipe
printf x >'with spaces and ümlaut
and a line'
printf '#!/bin/sh\n' >program
chown 1234:4321 program
chmod 4711 program
setfattr -n user.note -v 'a note' deep/er/words
setfattr -n trusted.mark -v 0x00ff01 deep
truncate -s 3M sparse
touch -d '2020-02-03 04:05:06.789 UTC' deep/er/words deep/er
"""
LIST = r"""
find . ! -type d -printf '%P|%y %m %U:%G %s %T@ %n %l\0'
find . -type d -printf '%P|%y %m %U:%G %T@\0'
find . -type f -exec sha256sum -z {} + | sed -z 's/^\([0-9a-f]*\)  \.\/\(.*\)/\2#sum|\1/'
find . -type f -links +1 -printf '%P#inode|%i\0'
for name in deep deep/er/words; do printf '%s#attributes|%s\0' "$name" "$(getfattr -d -e hex -m - "$name" | sort)"; done
printf '#mount|%s\0' "$(findmnt -n -o FSTYPE,OPTIONS .)"
"""


def change(machine: Machine) -> None:
    host_state.change_sysctls(machine)
    for path, value in FILES.items():
        machine.run(f"echo {value} >{path}", check=True)
    machine.run(LOAD, check=True)
    machine.run(MOUNTS, check=True)
    for directory in (BY_FSTAB, BY_HAND):
        machine.run(f"cd {directory}\n{CONTENT}", check=True)
    name = interface(machine, hardware.IGB)
    machine.run(f"ip link set {name} up; ip addr add 10.2.0.1/24 dev {name}", check=True)
    for number, processors in zip(interrupts(machine), ("1", "0", "0-1")):
        machine.run(f"echo {processors} >/proc/irq/{number}/smp_affinity_list", check=True)


def interrupts(machine: Machine) -> list[int]:
    """Of the igb, in the order of its messages."""
    listed = machine.run(f"ls /sys/bus/pci/devices/{hardware.IGB}/msi_irqs", check=True).out
    return sorted(map(int, listed.split()))


def take(machine: Machine) -> dict[str, Any]:
    paths = " ".join([*(f"/proc/sys/{name}" for name in host_state.SYSCTLS), *FILES,
                      *(f"/sys/module/{name}/parameters/*" for name in PARAMETERS)])
    state: dict[str, Any] = {"files": dict(re.findall(r"^([^:]+):(.*)$", machine.run(f"grep -s . {paths}").out,
                                                      re.MULTILINE))}
    modules = machine.run("cat /proc/modules").out
    state["modules"] = {name: "" for name in sorted(re.findall(r"^\w+", modules, re.MULTILINE))}
    state["interrupts"] = {str(index): machine.run(f"cat /proc/irq/{number}/smp_affinity_list").out.strip()
                           for index, number in enumerate(interrupts(machine))}
    for directory in (BY_FSTAB, BY_HAND):
        text = machine.run(f"cd {directory} && {{ {LIST}\n}}", check=True).out
        state[directory] = _linked(dict(one.split("|", 1) for one in text.split("\0") if one))
    # Its root directory is the mount's, made anew; and the kernel shows the number of inodes if it is not what would be
    # the default by now, which grows while it gives memory back during the boot.
    state[BY_FSTAB][""] = state[BY_FSTAB][""].rsplit(" ", 1)[0]
    state[BY_FSTAB]["#mount"] = re.sub(r",nr_inodes=\d+", "", state[BY_FSTAB]["#mount"])
    return state


def _linked(listed: dict[str, str]) -> dict[str, str]:
    """The number of an inode is another one each time; which names have the same is not."""
    inodes = {name: value for name, value in listed.items() if name.endswith("#inode")}
    return listed | {name: ", ".join(sorted(other for other in inodes if inodes[other] == value))
                     for name, value in inodes.items()}
