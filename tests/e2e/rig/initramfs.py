# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small initramfs images: a cpio (newc) written here, with programs and the libraries they need."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import threading
from pathlib import Path

from .base import E2E, RigError, replace

BUSYBOX = Path("/bin/busybox")
MACHINE = E2E / "machine"


class Archive:
    """A newc archive in the making. Directories on the way to a member are added by themselves."""

    def __init__(self) -> None:
        self._members: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def _add(self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        name = name.strip("/")
        parent = os.path.dirname(name)
        if parent and parent not in self._members:
            self._add(parent, stat.S_IFDIR | 0o755)
        self._members[name] = (mode, content, device)

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._add(name, stat.S_IFDIR | mode)

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self._add(name, stat.S_IFREG | mode, content)

    def link(self, name: str, target: str) -> None:
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name: str, major: int, minor: int) -> None:
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def program(self, name: str, source: Path) -> None:
        """A file of the host with its mode, and with its shared libraries where it will look for them."""
        self.file(name, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))
        for library in libraries(source):
            if library.strip("/") not in self._members:
                self.file(library, Path(library).read_bytes(), 0o755)

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        with temporary.open("wb") as file:
            for inode, name in enumerate(sorted(self._members), 1):
                mode, content, device = self._members[name]
                file.write(_entry(inode, name, mode, content, device))
            file.write(_entry(0, "TRAILER!!!", 0, b"", (0, 0)))
            file.write(b"\0" * (-file.tell() % 512))
        replace(temporary, path)
        return path


def _entry(inode: int, name: str, mode: int, content: bytes, device: tuple[int, int]) -> bytes:
    fields = [inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def libraries(program: Path) -> list[str]:
    """What ldd says, empty for scripts and static programs."""
    if program.read_bytes()[:4] != b"\x7fELF":
        return []
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    if "not found" in done.stdout:
        raise RigError(f"{program} lacks libraries on this machine:\n{done.stdout}")
    return re.findall(r"(/\S+) \(0x", done.stdout)


def bare(path: Path, files: dict[str, Path] | None = None) -> Path:
    """The bare machine's root: busybox, the agent, and `files` (name inside: file here)."""
    if not BUSYBOX.exists():
        raise RigError("busybox-static is not installed", "tests/e2e/run --setup")
    archive = Archive()
    for directory in ("dev", "proc", "sys", "run", "tmp", "root", "etc"):
        archive.directory(directory)
    archive.device("dev/console", 5, 1)
    archive.program("bin/busybox", BUSYBOX)
    archive.link("bin/sh", "busybox")
    archive.link("init", "rig/init")
    for script in ("init", "agent"):
        archive.program(f"rig/{script}", MACHINE / script)
    for name, source in (files or {}).items():
        archive.program(name, source)
    return archive.write(path)


def single(path: Path, program: Path) -> Path:
    """One program as init, with its libraries."""
    archive = Archive()
    for directory in ("dev", "proc", "sys"):
        archive.directory(directory)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    archive.program("init", program)
    return archive.write(path)
