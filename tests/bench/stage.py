# SPDX-License-Identifier: LGPL-2.1-or-later
"""What staging a large UKI costs, in time and in memory.

Time: of `liveupdatectl stage`, the client's start included, against reading the file and a bare kexec_file_load() of its
parts, which lie in memory, in files of their own. By turns, medians; with the image's file on disk only (stage-time),
and in the page cache (-warm), the same for both sides.

Memory: the peak of a cgroup of its own with a daemon just started and all it starts, while it stages: their memory, the
memfds, and what the kernel has allocated for them. The image's page cache is not in it, since it was filled from outside
of the cgroup, nor what the kernel copies in kexec_file_load(), which it charges to nobody and a bare load needs, too.
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median

from figure import Figure
from rig import build, small, ukify
from rig.base import E2E, Progress
from rig.kernel import kernel
from rig.machine import COMMAND_LINE
from rig.scenario import Scenario
from rig.small import Small

IMAGE_BYTES = 100 << 20
ROUNDS = 5
PEER = "read and kexec_file_load"
# It comes after the answer, and would be in the way of what is measured next.
WAIT_DIGEST = ("for i in $(seq 100); do liveupdatectl --json=short status | grep -q sha256 && break; sleep 0.2; done; "
               "liveupdatectl --json=short status | grep -q sha256")
GROUP = "/sys/fs/cgroup/daemon"


def bench(s: Scenario) -> dict[str, Figure]:
    boot, need_bytes = make_images(s)
    stopwatch = build.static_program("stopwatch", [E2E / "guest/stopwatch.c"])
    initrd = small.root(s.directory, {"/rig/stopwatch": stopwatch})
    host = small.start(s, initrd, small.disk(s.directory, boot))
    host.machine.run("cp /boot/kernel /boot/initrd /run/", check=True)
    figures = {}
    with Progress(f"staging by turns, {ROUNDS} rounds each"):
        for name, image, is_cold in (("stage-time", "plain", True), ("stage-time-warm", "plain", False),
                                     ("stage-time-signed", "signed", True)):
            own, peer = measure_times(host, f"/boot/{image}.efi", is_cold)
            figures[name] = Figure(own, "s", {PEER: peer}, {PEER: 1.3} if image == "plain" else {})
        peak = measure_memory(host)
    needed = "kernel and initrd"
    return figures | {"stage-memory": Figure(peak, "bytes", {needed: need_bytes}, {needed: 1.2})}


def make_images(s: Scenario) -> tuple[Path, int]:
    """The same UKI unsigned and signed, with its parts beside it. How many bytes kernel and initrd have."""
    boot = s.directory / "boot"
    boot.mkdir()
    (boot / "kernel").write_bytes(kernel("b").read_bytes())
    initrd_bytes = IMAGE_BYTES - (boot / "kernel").stat().st_size
    (boot / "initrd").write_bytes(random.Random(1).randbytes(initrd_bytes))
    (boot / "cmdline").write_text(COMMAND_LINE)
    common = {"kernel": boot / "kernel", "initrds": [boot / "initrd"], "command_line": COMMAND_LINE}
    ukify.build(boot / "plain.efi", **common)
    ukify.build(boot / "signed.efi", signer=ukify.Signer.make(s.directory, "signer"), **common)
    return boot, IMAGE_BYTES


def measure_times(host: Small, image: str, is_cold: bool) -> tuple[float, float]:
    """Seconds: ours, the peer's."""
    cache = "sync; echo 1 >/proc/sys/vm/drop_caches" if is_cold else f"cat {image} >/dev/null"
    sides = {"own": (f"/rig/stopwatch liveupdatectl stage {image}", f"{WAIT_DIGEST} && liveupdatectl unstage"),
             "peer": (f'/rig/kexec --time {image} /run/kernel /run/initrd "$(cat /boot/cmdline)"',
                      "/rig/kexec --unload")}
    took: dict[str, list[int]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, (measured, undo) in sides.items():
            host.machine.run(cache, check=True)
            took[side].append(int(host.machine.run(measured, check=True).out))
            host.machine.run(undo, check=True)
    return median(took["own"]) / 1e6, median(took["peer"]) / 1e6


def measure_memory(host: Small) -> int:
    """Bytes."""
    host.machine.run("kill $(pidof liveupdated)", check=True)
    host.machine.run(f"mkdir -p {GROUP} && echo +memory >/sys/fs/cgroup/cgroup.subtree_control; mkdir -p {GROUP}; "
                     f"while pidof liveupdated; do sleep 0.1; done; test -e {GROUP}/memory.peak", check=True)
    host.machine.run(f"echo 0 >{GROUP}/cgroup.procs && exec setsid /rig/start.d/start-liveupdated >/dev/null 2>&1 &",
                     check=True)
    host.wait_ready()
    host.machine.run("cat /boot/plain.efi >/dev/null", check=True)
    host.ctl("stage", "/boot/plain.efi")
    host.machine.run(WAIT_DIGEST, check=True)
    return int(host.machine.run(f"cat {GROUP}/memory.peak", check=True).out)
