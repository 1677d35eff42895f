# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig itself: machines of all flavours boot, answer, run guests and survive a kexec."""

from __future__ import annotations

import shlex
import time

from rig import assemble, guest
from rig.base import wait_for
from rig.machine import Machine
from rig.scenario import Scenario, scenario


CONSOLE = "/root/console"


@scenario("rig-boot-bare", flavour="bare", limit=90, kernels=("a",))
def boot_bare(s: Scenario) -> None:
    """The small machine boots, runs commands, takes and gives files, and switches off."""
    machine = s.machine()
    s.check.contains("kernel release", machine.boot.release, "-rig-a")
    result = machine.run("echo out; echo err >&2; exit 3")
    s.check.equal("answer", (result.status, result.out, result.err), (3, "out\n", "err\n"))
    content = bytes(range(256)) * 1000
    machine.put_file(content, "/tmp/a/b")
    s.check.that("file came back unchanged", machine.get_file("/tmp/a/b") == content)
    for path in ("/dev/liveupdate", "/sys/kernel/debug/kho", "/dev/kvm"):
        s.check.that(f"{path} is there", machine.run(f"test -e {path}"))
    started = time.monotonic()
    machine.run("sleep 30 &")
    s.check.at_most("seconds for a command in the background", time.monotonic() - started, 10)
    machine.power_off()


@scenario("rig-boot-image", flavour="image", limit=150)
def boot_image(s: Scenario) -> None:
    """A guest runs under KVM in the machine without systemd; the machine jumps to the other kernel."""
    machine = s.machine()
    machine.run(f"truncate -s 16M /run/disk; touch {CONSOLE}", check=True)
    words = guest.guest_command(CONSOLE, memory_mib=256, disk="/run/disk")
    machine.run(f"{shlex.join(words)} >/run/qemu.log 2>&1 &")
    log = wait_for("complete pass of the guest", 120, lambda: log if 1 in (log := console(machine)).complete else None)
    s.check.equal("ticks missing and repeated", (log.missing, log.repeated), (0, 0))
    s.check.equal("complaints", log.complaints, [])
    s.check.at_least("bytes verified", log.complete[1][1], 0.75 * (256 << 20))
    machine.run("killall qemu-system-x86_64")
    before = machine.boot
    machine.put_file(assemble.kexec_program(), "/run/kexec", 0o755)
    after = machine.jump(f"sync; /run/kexec {assemble.KERNEL_B}")
    s.check.contains("kernel release", after.release, "-rig-b")
    s.check.differ("boot id", after.boot_id, before.boot_id)
    s.check.contains("the old kernel's last words", machine.run("cat /sys/fs/pstore/console-ramoops-0").out,
                     "Starting new kernel")
    s.check.at_least("ticks on the console kept", len(console(machine).ticks), len(log.ticks))


def console(machine: Machine) -> guest.GuestLog:
    return guest.parse(machine.get_file(CONSOLE).decode(errors="replace"))


@scenario("rig-boot-full", flavour="full", limit=180, kernels=("a",))
def boot_full(s: Scenario) -> None:
    """systemd reaches multi-user.target and is content."""
    machine = s.machine()
    state = machine.run("systemctl is-system-running --wait", timeout=150).out.strip()
    s.check.fact("systemd", machine.run("systemctl --version | head -1").out.strip())
    s.check.equal("state of systemd", state, "running")
    s.check.equal("multi-user.target", machine.run("systemctl is-active multi-user.target").out.strip(), "active")
