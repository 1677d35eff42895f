# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig's floor: the shortest blackout any live update could have on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from . import assemble, build, initramfs
from .base import RigError
from .kernel import kernel


def floor_usec(directory: Path, memory_mib: int = 3072) -> int:
    """reboot() to one session retrieved by the init of a bare initramfs, in a machine of its own."""
    program = build.target("tests/e2e/floor/floor")
    initrd = initramfs.single(directory / "floor.cpio", program)
    files = {"/rig/floor": program, "/rig/kernel-b": kernel("b"), "/rig/floor-initrd": initrd}
    with assemble.machine("bare", directory, name="floor", files=files, memory_mib=memory_mib) as machine:
        machine.wait_boot()
        # The old kernel talks about every step on a slow console; a product would run as quiet as this.
        machine.run("/rig/floor /rig/kernel-b /rig/floor-initrd >/dev/console 2>&1 &")
        line = machine.wait_console(r"floor_usec=\d+|floor ERROR", 120)
    found = re.search(r"floor_usec=(\d+)", line)
    if not found:
        raise RigError(f"the floor could not be measured: {line}")
    return int(found[1])
