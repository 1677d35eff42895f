# SPDX-License-Identifier: LGPL-2.1-or-later
"""PE32+ images, read and changed by their headers. Written apart from the product, to be compared with it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

SECTION = struct.Struct("<8sIIIIIIHHI")
CHECKSUM, DIRECTORIES = 64, 112  # in the optional header of a PE32+
CERTIFICATES = DIRECTORIES + 4 * 8


@dataclass
class Portable:
    """A PE32+ to be changed."""

    data: bytearray

    @classmethod
    def read(cls, path: Path) -> "Portable":
        return cls(bytearray(path.read_bytes()))

    @property
    def header(self) -> int:
        return int(struct.unpack_from("<I", self.data, 0x3C)[0])

    @property
    def optional(self) -> int:
        return self.header + 24

    @property
    def table(self) -> int:
        return self.optional + int(struct.unpack_from("<H", self.data, self.header + 20)[0])

    @property
    def certificates(self) -> tuple[int, int]:
        offset, size = struct.unpack_from("<II", self.data, self.optional + CERTIFICATES)
        return int(offset), int(size)

    def entry(self, name: str) -> int:
        """Offset of a section's header."""
        count = struct.unpack_from("<H", self.data, self.header + 6)[0]
        for at in range(self.table, self.table + count * SECTION.size, SECTION.size):
            if self.data[at:at + 8].rstrip(b"\0") == name.encode():
                return at
        raise KeyError(name)

    def content(self, name: str) -> tuple[int, int]:
        """Offset and size in the file."""
        fields = SECTION.unpack_from(self.data, self.entry(name))
        return int(fields[4]), int(min(fields[1], fields[3]))

    def put(self, name: str, **values: int) -> "Portable":
        """Fields of a section's header: size, address, raw_size, raw_offset."""
        offsets = {"size": 8, "address": 12, "raw_size": 16, "raw_offset": 20}
        for field, value in values.items():
            struct.pack_into("<I", self.data, self.entry(name) + offsets[field], value)
        return self

    def poke(self, offset: int, content: bytes) -> "Portable":
        self.data[offset:offset + len(content)] = content
        return self


def authenticode(image: bytes) -> bytes:
    """SHA-256 as Microsoft's "Windows Authenticode Portable Executable Signature Format" has it."""
    pe = Portable(bytearray(image))
    checksum, entry = pe.optional + CHECKSUM, pe.optional + CERTIFICATES
    end = pe.certificates[0] or len(image)
    digest = hashlib.sha256(image[:checksum] + image[checksum + 4:entry] + image[entry + 8:end])
    digest.update(b"\0" * (-end % 8))
    return digest.digest()
