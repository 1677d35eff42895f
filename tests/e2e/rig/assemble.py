# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a flavour's name to a running machine: kernels, initramfs, image and product put together."""

from __future__ import annotations

import shlex
from pathlib import Path

from . import build, guest, images, initramfs, presets
from .accel import accel
from .base import E2E, cache_directory
from .kernel import kernel, modules
from .machine import Machine, Plan

KERNEL_A, KERNEL_B, NEXT_INITRD = "/rig/kernel-a", "/rig/kernel-b", "/rig/next-initrd"


def guest_initrd() -> Path:
    return initramfs.single(cache_directory("programs") / "guest.cpio", build.guest())


def image(files: dict[str, Path] | None = None, links: dict[str, str] | None = None, product: bool = True) -> Path:
    """The full image with kernels, guest and, unless told otherwise, the product in it."""
    tree = images.Tree()
    if product:
        root = build.product()
        tree.directory(root)
        for link, unit in presets.enabled_links(root).items():
            tree.link(link, unit)
        images.add_groups(tree, presets.groups(root))
    tree.file(KERNEL_A, kernel("a"), 0o644).file(KERNEL_B, kernel("b"), 0o644)
    for path, source in (modules("a") | modules("b")).items():
        tree.file(path, source, 0o644)
    tree.file(guest.KERNEL, kernel("a"), 0o644).file(guest.INITRD, guest_initrd(), 0o644)
    for target, source in (files or {}).items():
        tree.file(target, source)
    for target, to in (links or {}).items():
        tree.link(target, to)
    return images.product_image(images.machine_tree(tree))


def machine(flavour: str, directory: Path, *, kernel_variant: str = "a", files: dict[str, Path] | None = None,
            links: dict[str, str] | None = None, product: bool = True, name: str = "", **options: object) -> Machine:
    """`files` (path inside: file here) go into the initramfs or the image; the other options are those of Plan."""
    plan = {"flavour": flavour, "kernel": kernel(kernel_variant), "accel": accel(), **options}
    if flavour == "bare":
        plan["initrd"] = initramfs.bare(directory / f"{name or 'bare'}.cpio", files)
    else:
        plan["disk"] = image(files, links, product)
    return Machine(Plan(**plan), directory, name)  # type: ignore[arg-type]


def product_files() -> dict[str, Path]:
    """The product's programs, for a bare machine: less the one whose libraries (libarchive's, with all of Unicode) are
    40 MB of an initramfs."""
    root = build.product()
    return {f"/{path.relative_to(root)}": path for path in sorted(root.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.name != "liveupdate-tmpfs"
            and path.read_bytes()[:4] == b"\x7fELF"}


def shell_words(words: list[str]) -> str:
    return shlex.join(words)


def kexec_program() -> Path:
    return build.static_program("kexec", [E2E / "guest/kexec.c"])
