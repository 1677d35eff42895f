# SPDX-License-Identifier: LGPL-2.1-or-later
"""KVM where it truly works, emulation otherwise: found out by booting, once for each boot of the host."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .base import Progress, cache_directory, locked
from .initramfs import bare
from .kernel import kernel
from .machine import Machine, MachineFailed, Plan


def accel() -> str:
    """"kvm" or "tcg"; LIVEUPDATE_ACCEL decides without a trial."""
    if os.environ.get("LIVEUPDATE_ACCEL"):
        return os.environ["LIVEUPDATE_ACCEL"]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = cache_directory() / "accel"
    with locked(cache_directory() / ".accel.lock"):
        if record.exists() and record.read_text().split()[:1] == [boot_id]:
            return record.read_text().split()[1]
        image = kernel("a")
        with Progress("trial of KVM"):
            found = "kvm" if _works(image) else "tcg"
        record.write_text(f"{boot_id} {found}\n")
        return found


def _works(image: Path) -> bool:
    """A guest that reaches userspace, and has KVM itself for the guests in it."""
    with tempfile.TemporaryDirectory(prefix="liveupdate-accel.") as name:
        directory = Path(name)
        plan = Plan("bare", image, accel="kvm", initrd=bare(directory / "initrd"), memory_mib=1024)
        try:
            with Machine(plan, directory) as machine:
                machine.wait_boot(40)
                return bool(machine.run("test -e /dev/kvm && grep -qE 'svm|vmx' /proc/cpuinfo", 20))
        except MachineFailed:
            return False
