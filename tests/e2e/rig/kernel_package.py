# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second kernel as a Debian package, with maintainer scripts that call the hooks as those of Debian's kernels do."""

from __future__ import annotations

import hashlib
import shutil
import struct
from pathlib import Path

from .base import RigError, cache_directory, command, locked, replace
from .kernel import kernel

INSIDE = "/rig/packages"
VERSION_POINTER = 0x20E  # Documentation/arch/x86/boot.rst: kernel_version, less 0x200

SCRIPT = """#!/bin/sh
set -e
export DEB_MAINT_PARAMS="$*" INITRD=Yes
for directory in /etc/kernel/{name}.d /usr/share/kernel/{name}.d; do
        [ ! -d "$directory" ] || run-parts --report --exit-on-error --arg={release} --arg=/boot/vmlinuz-{release} "$directory"
done
"""


def release_of(image: bytes) -> str:
    """As its header says it."""
    start = _release_offset(image)
    return image[start:image.index(b" ", start)].decode()


def _release_offset(image: bytes) -> int:
    return struct.unpack_from("<H", image, VERSION_POINTER)[0] + 0x200


def relabelled(image: bytes, release: str) -> bytes:
    """The same kernel, that calls itself by another release of the same length until it runs."""
    start, old = _release_offset(image), release_of(image)
    if len(old) != len(release):
        raise RigError(f"{old} cannot be relabelled {release}, which is not as long")
    return image[:start] + release.encode() + image[start + len(release):]


def releases() -> dict[str, str]:
    """The second kernel's own, one that is older than the first kernel and one that is newer than both."""
    real = release_of(kernel("b").read_bytes())
    return {"real": real, "older": f"{int(real[0]) - 1}{real[1:]}", "newer": f"{int(real[0]) + 1}{real[1:]}"}


def path_inside(which: str) -> str:
    """Where the package is in a machine that was made with packages()."""
    return f"{INSIDE}/{which}.deb"


def packages() -> dict[str, Path]:
    """All three, as files for a machine: {path inside: file here}."""
    return {path_inside(which): kernel_package(release) for which, release in releases().items()}


def kernel_package(release: str) -> Path:
    """linux-image-RELEASE with the second kernel in it, not compressed."""
    image = relabelled(kernel("b").read_bytes(), release)
    digest = hashlib.sha256(image + SCRIPT.encode()).hexdigest()[:12]
    top = cache_directory("kernel-packages")
    package = top / f"linux-image-{release}-{digest}.deb"
    with locked(top / "lock"):
        if not package.exists():
            for old in top.glob(f"linux-image-{release}-*.deb"):
                old.unlink()
            _build(release, image, package)
        return package


def _build(release: str, image: bytes, package: Path) -> None:
    work = package.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    (work / "boot").mkdir(parents=True)
    (work / "boot" / f"vmlinuz-{release}").write_bytes(image)
    (work / "DEBIAN").mkdir()
    (work / "DEBIAN/control").write_text(
        f"Package: linux-image-{release}\nVersion: 1\nArchitecture: amd64\nSection: kernel\n"
        f"Maintainer: The rig <rig@localhost>\nDescription: Linux {release}\n")
    for name in ("preinst", "postinst", "prerm", "postrm"):
        script = work / "DEBIAN" / name
        script.write_text(SCRIPT.format(name=name, release=release))
        script.chmod(0o755)
    temporary = package.with_suffix(".new")
    command(["dpkg-deb", "-Znone", "--root-owner-group", "--build", work, temporary], what="the kernel's package")
    shutil.rmtree(work)
    replace(temporary, package)
