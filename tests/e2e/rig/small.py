# SPDX-License-Identifier: LGPL-2.1-or-later
"""The small machine with the product in it, and a disk at /boot with images to stage: no systemd, no guest, seconds.

Its root is an initramfs, so after a jump it has what the next kernel's initrd has: root() is what to put into images.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from . import assemble, initramfs
from .accel import accel
from .base import E2E, RigError, command
from .channel import Boot
from .host import Host
from .kernel import kernel
from .machine import Machine, Plan
from .scenario import Scenario
from .ukify import Signer

BOOT = "/boot"


def root(directory: Path, files: dict[str, Path] | None = None) -> Path:
    """The initramfs: the product, started at every boot."""
    everything = assemble.product_files() | {"/rig/start.d/start-liveupdated": E2E / "machine/start-liveupdated",
                                             "/rig/kexec": assemble.kexec_program(), **(files or {})}
    return initramfs.bare(directory / "small.cpio", everything)


def disk(directory: Path, content: Path, spare_mib: int = 32) -> Path:
    """An ext4 with all of `content`."""
    used = sum(path.stat().st_size for path in content.rglob("*") if path.is_file())
    image = directory / "boot.ext4"
    image.unlink(missing_ok=True)
    command(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-O", "^has_journal", "-E", "root_owner=0:0", "-d", content, image,
             f"{used * 21 // 20 // 2**20 + spare_mib}M"], what="mke2fs of the machine's /boot")
    return image


def start(s: Scenario, initrd: Path, boot: Path | None = None, *, variant: str = "a", name: str = "",
          **options: Any) -> "Small":
    devices = list(options.pop("devices", []))
    if boot:
        devices += ["-drive", f"file={boot},format=raw,if=none,id=boot,snapshot=on,cache=unsafe",
                    "-device", "virtio-blk-pci,drive=boot"]
    plan = Plan("bare", kernel(variant), accel=accel(), initrd=initrd, devices=devices, **options)
    machine = Machine(plan, s.directory, name)
    s.machines.append(machine)
    machine.wait_boot()
    small = Small(machine)
    small.arrive()
    return small


class Small(Host):
    def arrive(self) -> None:
        """After each boot."""
        disks = self.machine.run("ls /dev/vda 2>/dev/null").out
        if disks:
            self.machine.run(f"mkdir -p {BOOT} && mount -t ext4 /dev/vda {BOOT}", check=True)
        self.wait_ready()

    def update(self, *stage_options: str, timeout: float = 120) -> tuple[Any, Boot]:
        """Stages and commits; what was staged, and the boot that came of it."""
        staged = self.ctl("stage", *stage_options)["staged"]
        return staged, self.jump(timeout=timeout)

    def jump(self, *options: str, timeout: float = 120) -> Boot:
        boot = self.machine.jump(shlex.join(["liveupdatectl", "commit", *options]), timeout)
        self.arrive()
        self.wait_report(boot)
        return boot

    def findings(self, *image: str) -> tuple[bool, dict[str, Any]]:
        """What check says: whether it passed, and the worst finding of each id."""
        result = self.machine.run(shlex.join(["liveupdatectl", "--json=short", "check", *image]))
        if not result.out.strip():
            raise RigError(f"liveupdatectl check has no answer: {result}")
        answer = json.loads(result.out)
        worst: dict[str, Any] = {}
        for finding in sorted(answer["findings"], key=lambda one: ("ok", "warn", "fail").index(one["state"])):
            worst[finding["id"]] = finding
        return bool(answer["passed"]), worst

    def trust(self, signer: Signer) -> None:
        self.machine.put_file(signer.certificate, f"/etc/liveupdate/trust.d/{signer.certificate.name}")

    def command_line(self) -> str:
        return self.machine.run("cat /proc/cmdline", check=True).out.strip()

    def left_behind(self) -> list[str]:
        """Where temporary files would be."""
        return self.machine.run("ls -A /tmp /var/tmp /dev/shm 2>/dev/null | grep -v -e ':$' -e '^$'").out.splitlines()

    def pids(self) -> list[int]:
        """Of the daemon."""
        return sorted(int(pid) for pid in self.machine.run("pidof liveupdated").out.split())
