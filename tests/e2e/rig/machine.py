# SPDX-License-Identifier: LGPL-2.1-or-later
"""One test machine: a QEMU that boots the rig's kernel, with a channel to run commands in it.

Three flavours: `bare` (initramfs only, seconds), `image` (the full image's root, a script as init), `full` (the same
with systemd as PID 1). Every wait has an end, and ends with what the console said last.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import monitor
from . import images
from .base import RigError
from .channel import Boot, Channel, Result, script
from .console import Console

# reserve_mem and ramoops: the old kernel's last words can be read in the new one.
# tsc=nowatchdog: kernel/time/clocksource.c:watchdog_check_skew() spins on the processor that keeps the time, with
# interrupts off, until time goes on. One boot in a hundred hangs in it for ever while jiffies are the clock (7.3).
# tsc_tolerance_ppm: the first calibration of the TSC can be off by more than KVM tolerates under emulation; then, for
# want of TSC scaling, KVM keeps a multiplier of 0 (arch/x86/kvm/x86.c:set_tsc_khz()) and the guest's clock leaps.
COMMAND_LINE = ("console=ttyS0 kho=on liveupdate=on panic=-1 printk.devkmsg=on tsc=nowatchdog "
                "kvm.tsc_tolerance_ppm=100000 bonding.max_bonds=0 "
                "reserve_mem=2M:4096:oops ramoops.mem_name=oops ramoops.console_size=0x80000")
ROOT = {"bare": "", "image": "root=/dev/vda rootfstype=ext4 rw init=/rig/init", "full": "root=/dev/vda rootfstype=ext4 rw"}
# icount: the machine's clock counts its instructions, 1 ns each, so that two boots take the same time by it. For one
# processor.
ACCEL = {"tcg": ["-accel", "tcg,thread=multi", "-cpu", "max,+svm"],
         "kvm": ["-accel", "kvm", "-cpu", "host"],
         "icount": ["-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max"]}

_counter = itertools.count(1)


class MachineFailed(RigError):
    """The machine died, went silent or did not do what it was waited for."""


@dataclass(frozen=True)
class Plan:
    """What to boot."""

    flavour: str
    kernel: Path
    accel: str = "tcg"
    initrd: Path | None = None
    disk: Path | None = None
    append: str = ""
    command_line: str | None = None  # instead of the default one
    memory_mib: int = 3072
    cpus: int = 2
    devices: list[str] = field(default_factory=list)  # more arguments for QEMU
    inherited: tuple[int, ...] = ()  # file descriptors that these name

    def line(self) -> str:
        return " ".join(filter(None, [COMMAND_LINE if self.command_line is None else self.command_line,
                                      ROOT[self.flavour], self.append]))

    def arguments(self, port: Path, monitor: Path) -> list[str]:
        arguments = [*images.qemu(), "-machine", "q35", *ACCEL[self.accel], "-m", f"{self.memory_mib}M", "-smp", str(self.cpus),
                     "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                     "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                     "-chardev", f"socket,id=rig,path={port}", "-device", "virtio-serial-pci",
                     "-device", "virtserialport,chardev=rig,name=rig",
                     "-qmp", f"unix:{monitor},server=on,wait=off",
                     "-kernel", str(self.kernel), "-append", self.line()]
        if self.initrd:
            arguments += ["-initrd", str(self.initrd)]
        if self.disk:
            arguments += ["-drive", f"file={self.disk},format=raw,if=none,id=root,snapshot=on,cache=unsafe",
                          "-device", "virtio-blk-pci,drive=root"]
        return arguments + self.devices


class Machine:
    def __init__(self, plan: Plan, directory: Path, name: str = "") -> None:
        """Logs go to `directory`. Started at once; wait_boot() to use it."""
        self.plan = plan
        self.name = name or f"{plan.flavour}-{next(_counter)}"
        self._sockets = Path(tempfile.mkdtemp(prefix="liveupdate-rig."))
        self._channel = Channel(self._sockets / "port")
        self._boots_seen = 0
        directory.mkdir(parents=True, exist_ok=True)
        self.errors = directory / f"{self.name}.qemu.log"
        self.monitor = self._sockets / "monitor"
        self._silence = directory / f"{self.name}.silence.log"
        arguments = plan.arguments(self._channel.path, self.monitor)
        with self.errors.open("w") as errors:
            errors.write(shlex.join(arguments) + "\n")
            errors.flush()
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                            pass_fds=plan.inherited, preexec_fn=die_with_parent)
        assert self.process.stdout
        self.console = Console(self.process.stdout, directory / f"{self.name}.console.log")

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def boot(self) -> Boot:
        """The boot that was waited for last."""
        return self._channel.boots[self._boots_seen - 1]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._channel.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def fail(self, what: str) -> MachineFailed:
        status = self.process.poll()
        reasons = [f"{self.name}: {what}"]
        if self.console.disaster:
            reasons.append(f"its kernel says: {self.console.disaster}")
        elif status is not None:
            reasons.append(f"QEMU has ended ({status}): {self.errors.read_text().split(chr(10), 1)[1].strip()}")
        else:
            self._silence.write_text(monitor.describe(self.monitor, self.plan.kernel))
        return MachineFailed("; ".join(reasons) + f"\nConsole ({self.console.path}):\n{self.console.tail()}")

    def _wait(self, what: str, timeout: float, condition: Callable[[], object]) -> None:
        """Until condition() is true; it is called with the channel's lock held."""
        deadline = time.monotonic() + timeout
        with self._channel.changed:
            while not condition():
                if self.console.disaster or self._channel.is_closed or self.process.poll() is not None:
                    time.sleep(3)  # for the rest of the message
                    raise self.fail(f"lost while waiting for {what}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self.fail(f"no {what} within {timeout:g} s")
                # A disaster on the console does not wake this up.
                self._channel.changed.wait(min(left, 2))

    def wait_boot(self, timeout: float = 120) -> Boot:
        """The next boot that was not waited for yet: the first one, then one for each kexec."""
        self._wait("boot", timeout, lambda: len(self._channel.boots) > self._boots_seen)
        self._boots_seen += 1
        return self.boot

    def run(self, command: str, timeout: float = 60, *, check: bool = False, env: dict[str, str] | None = None) -> Result:
        """Runs shell script in the machine, "command &" leaves it running. With `check` a failure is an exception."""
        result = self._ask("run", script(command, env), "", timeout, f"end of `{command.strip()[:100]}`")
        if check and not result:
            raise MachineFailed(f"{self.name}: `{command}` failed: {result}")
        return result

    def put_file(self, source: Path | bytes, target: str, mode: int = 0o644, timeout: float = 120) -> None:
        content = source if isinstance(source, bytes) else source.read_bytes()
        result = self._ask("put", content, target, timeout, f"{target} put in place")
        if not result:
            raise MachineFailed(f"{self.name}: cannot write {target}: {result}")
        self.run(f"chmod {mode:o} {shlex.quote(target)}", check=True)

    def get_file(self, source: str, timeout: float = 120) -> bytes:
        result = self._ask("get", b"", source, timeout, f"{source} read")
        if result.err_bytes:
            raise MachineFailed(f"{self.name}: cannot read {source}: {result.err.strip()}")
        return result.out_bytes

    def jump(self, command: str, timeout: float = 180) -> Boot:
        """Runs a command that must end in another kernel, and waits for that."""
        number = self._channel.send("run", script(command))
        answer: list[Result] = []

        def arrived() -> bool:
            result = self._channel.take(number)
            if result is not None:
                answer.append(result)
            return len(self._channel.boots) > self._boots_seen or bool(answer and not answer[0])

        self._wait(f"new kernel after `{command}`", timeout, arrived)
        if len(self._channel.boots) <= self._boots_seen:
            raise MachineFailed(f"{self.name}: `{command}` was to start a new kernel and returned: {answer[0]}")
        return self.wait_boot(1)

    def wait_console(self, pattern: str, timeout: float = 60, since: int = 0) -> str:
        line = self.console.wait_for(pattern, timeout, since)
        if not line:
            raise self.fail(f"no line like /{pattern}/ on the console within {timeout:g} s")
        return line

    def power_off(self, command: str = "poweroff -f", timeout: float = 60) -> None:
        """Runs a command that must switch the machine off, and waits for that."""
        self._channel.send("run", script(command))
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.fail(f"still on after {timeout:g} s") from None

    def _ask(self, verb: str, payload: bytes, path: str, timeout: float, what: str) -> Result:
        if len(self._channel.boots) == 0:
            raise MachineFailed(f"{self.name}: asked for {what} before wait_boot()")
        boots = len(self._channel.boots)
        number = self._channel.send(verb, payload, path)
        result: list[Result] = []

        def arrived() -> bool:
            answer = self._channel.take(number)
            if answer is not None:
                result.append(answer)
            return bool(result) or len(self._channel.boots) > boots

        self._wait(what, timeout, arrived)
        if not result:
            raise self.fail(f"it booted anew while waiting for {what}")
        return result[0]


def die_with_parent() -> None:
    """For a child process, before its program runs."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() == 1:
        os._exit(1)
