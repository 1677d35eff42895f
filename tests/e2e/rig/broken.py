# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that are broken in one place each, derived from a real one, and what a firmware says of revoked ones."""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Iterator

from .base import ROOT
from .pe import Portable

DATABASE_GUID = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"  # EFI_IMAGE_SECURITY_DATABASE_GUID
SHIM_GUID = "605dab50-e046-4300-abb6-3dd810dd8b23"
SHA256_GUID = "c1c41626-504c-4092-aca9-41f936934328"    # EFI_CERT_SHA256_GUID
ATTRIBUTES = struct.pack("<I", 0x27)


def dbx(*digests: bytes) -> dict[str, bytes]:
    """The variable that revokes images of those digests, as a file of efivarfs."""
    entries = b"".join(uuid.uuid5(uuid.NAMESPACE_DNS, "rig").bytes_le + digest for digest in digests)
    header = uuid.UUID(SHA256_GUID).bytes_le + struct.pack("<III", 28 + len(entries), 0, 48)
    return {f"dbx-{DATABASE_GUID}": ATTRIBUTES + header + entries}


def sbat_level(text: str) -> dict[str, bytes]:
    return {f"SbatLevelRT-{SHIM_GUID}": struct.pack("<I", 6) + text.encode()}


def corpus(plain: bytes, signed: bytes) -> Iterator[tuple[str, bytes, str]]:
    """(name, image, reason of the refusal): from an unsigned and a signed UKI, what is refused under any policy."""
    def of(image: bytes = plain) -> Portable:
        return Portable(bytearray(image))

    pe = of()
    linux, _ = pe.content(".linux")
    last, size = pe.content(".initrd")
    yield "truncated-dos", plain[:0x30], "truncated"
    yield "truncated-headers", plain[:pe.table + 20], "truncated"
    yield "truncated-kernel", plain[:linux + 4096], "section-range"
    yield "truncated-initrd", plain[:last + size // 2], "section-range"
    yield "overlapping", bytes(of().put(".initrd", raw_offset=linux).data), "section-range"
    yield "over-headers", bytes(of().put(".cmdline", raw_offset=0).data), "section-range"
    yield "huge", bytes(of().put(".initrd", raw_size=0xFFFFFE00, size=0xFFFFFE00).data), "section-range"
    yield "wrapping", bytes(of().put(".initrd", raw_offset=0xFFFFFE00).data), "section-range"
    yield "no-kernel", bytes(of().poke(pe.entry(".linux"), b".lunix\0\0").data), "addon"
    yield "arm", bytes(of().poke(pe.header + 4, struct.pack("<H", 0xAA64)).data), "wrong-machine"
    yield "pe32", bytes(of().poke(pe.optional, struct.pack("<H", 0x10B)).data), "wrong-machine"
    yield "no-text", bytes(of().poke(pe.content(".cmdline")[0], b"a\0b").data), "cmdline"
    line, _ = of(signed).content(".cmdline")
    yield "changed", bytes(of(signed).poke(line, b"init=/bin/sh ").data), "signature-broken"
    yield "appended", signed + b"appended" * 64, "certificates"


def messages() -> dict[str, str]:
    """What the daemon says for a reason: of daemon/image/error.c, and of daemon/trust/state.c as signature-STATE."""
    entry = r'"([a-z0-9-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+),'
    found = {}
    for path, prefix in (("daemon/image/error.c", ""), ("daemon/trust/state.c", "signature-")):
        for identifier, literals in re.findall(entry, (ROOT / path).read_text()):
            found[prefix + identifier] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))
    return found | {"addon": "This is an addon, which has no kernel."}
