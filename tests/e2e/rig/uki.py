# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unified kernel images. Under kexec nobody executes the stub, so there is none: a PE with the sections is enough."""

from __future__ import annotations

import struct
from pathlib import Path

ALIGNMENT = 512
HEADERS = 0x80 + 24 + 240  # DOS header, PE signature and COFF header, PE32+ optional header


def _aligned(size: int, alignment: int = ALIGNMENT) -> int:
    return -(-size // alignment) * alignment


def portable_executable(sections: dict[str, bytes], *, beyond_end: str = "") -> bytes:
    """With the named section declared a megabyte longer than the file."""
    offset = _aligned(HEADERS + 40 * len(sections))
    address = 0x1000
    headers, contents = b"", b""
    for name, content in sections.items():
        size = len(content) + (1 << 20 if name == beyond_end else 0)
        headers += struct.pack("<8sIIIIIIHHI", name.encode(), size, address, _aligned(size), offset + len(contents),
                               0, 0, 0, 0, 0x40000040)
        contents += content.ljust(_aligned(len(content)), b"\0")
        address += _aligned(size, 0x1000)
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 240, 0x022E)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHH", 0x20B, 0, 0, 0, 0, 0, 0, 0x1000, 0, 0x1000, ALIGNMENT, 0, 0, 0, 0,
                           0, 0, 0, address, offset, 0, 10, 0).ljust(240, b"\0")
    return (dos.ljust(0x80, b"\0") + coff + optional + headers).ljust(offset, b"\0") + contents


def uki(kernel: Path, initrd: Path, command_line: str, release: str) -> bytes:
    return portable_executable({".osrel": b'ID=rig\nPRETTY_NAME="The rig"\n', ".cmdline": command_line.encode(),
                                ".uname": release.encode(), ".initrd": initrd.read_bytes(), ".linux": kernel.read_bytes()})


def broken_uki() -> bytes:
    """Its initrd runs past the end of the file."""
    return portable_executable({".linux": b"x" * 4096, ".initrd": b"y" * 4096}, beyond_end=".initrd")
