# SPDX-License-Identifier: LGPL-2.1-or-later
"""The full image: a Debian with current systemd and QEMU as base, made once a month, and copies with the product in."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from pathlib import Path

from .base import E2E, Progress, RigError, cache_directory, command, locked, replace, require_space
from .mirror import address, keyring

SUITES = ["forky", "unstable"]  # systemd >= 261
PACKAGES = ["systemd", "systemd-sysv", "dbus", "udev", "qemu-system-x86", "iproute2", "procps", "kmod", "pciutils",
            "libnl-3-200", "libnl-route-3-200", "libjson-c5", "libseccomp2", "libssl3t64", "libcap2", "libarchive13t64",
            "libkmod2", "libnftables1", "nftables", "attr", "busybox-static", "strace"]
SIZE_MIB = 2048  # sparse
# What no machine of the rig reads. QEMU's firmware for other processors and boot methods is the biggest part.
SUPERFLUOUS = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
               "usr/share/i18n", "usr/share/zoneinfo", "usr/share/perl", "usr/lib/x86_64-linux-gnu/perl",
               "usr/share/icons", "usr/share/applications", "usr/share/bash-completion", "usr/share/common-licenses",
               "usr/share/qemu/*.dtb", "usr/share/qemu/edk2-*", "usr/share/qemu/firmware", "usr/share/qemu/openbios*",
               "usr/share/qemu/slof*", "usr/share/qemu/skiboot*", "usr/share/qemu/u-boot*", "usr/share/qemu/opensbi*",
               "usr/share/qemu/hppa*", "usr/share/qemu/palcode*", "usr/share/qemu/s390*", "usr/share/qemu/keymaps",
               "usr/share/OVMF", "usr/share/ovmf", "var/cache/apt", "var/lib/apt/lists", "var/log/*", "boot/*",
               "usr/lib/firmware"]
MONTH = 31 * 24 * 3600


def base_image() -> Path:
    """The base image, made if it is missing or old; an old one is used on when the mirror does not answer."""
    top = cache_directory("image")
    recipe = hashlib.sha256(repr((SUITES, PACKAGES, SUPERFLUOUS, SIZE_MIB)).encode()).hexdigest()[:12]
    image = top / f"base-{recipe}.ext4"
    with locked(top / "lock"):
        if image.exists() and _root(image).exists() and time.time() - image.stat().st_mtime < MONTH:
            return image
        require_space(top, 4, "the full image")
        try:
            _make_base(image)
        except RigError:
            if not image.exists():
                raise
        for other in top.glob("base-*.ext4"):
            if other != image:
                other.unlink()
                command([*_as_root(), "rm", "-rf", _root(other)])
        return image


def _root(image: Path) -> Path:
    """What the base image was made of, kept for its QEMU."""
    return image.with_suffix(".root")


def qemu() -> list[str]:
    """The QEMU of the image, to emulate the outer machine with. That of Debian 12 (7.2) now and then loses a nested guest:
    its emulated SVM reports an event as being delivered that was not, and KVM gives up ("KVM internal error. Suberror: 3").
    """
    root = _root(base_image())
    libraries = ":".join(str(root / path) for path in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
    return [str(root / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries,
            str(root / "usr/bin/qemu-system-x86_64"), "-L", str(root / "usr/share/qemu"), "-L",
            str(root / "usr/share/seabios")]


def _make_base(image: Path) -> None:
    work = image.with_suffix(".work")
    log = image.with_suffix(".log")
    log.unlink(missing_ok=True)
    problems: list[str] = []
    with Progress(f"full image (log: {log})") as progress:
        for suite in SUITES:
            try:
                _bootstrap(suite, work, log, progress)
                break
            except RigError as error:
                problems.append(f"{suite}: {error}")
        else:
            raise RigError("no suite of the mirror makes a full image:\n" + "\n".join(problems))
        temporary = image.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        command([*_as_root(), "mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", "rig", "-E", "lazy_itable_init=1,root_owner=0:0",
                 "-O", "^metadata_csum_seed,^orphan_file", "-d", work, temporary, f"{SIZE_MIB}M"], log=log,
                what="mke2fs of the full image")
        command([*_as_root(), "rm", "-rf", _root(image)])
        replace(work, _root(image))
        replace(temporary, image)


def _as_root() -> list[str]:
    """Ownership in the image needs root, or a user namespace that looks like it."""
    return [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto"]


def _bootstrap(suite: str, work: Path, log: Path, progress: Progress) -> None:
    command([*_as_root(), "rm", "-rf", work])
    archive = work.with_suffix(".tar")
    source = f"deb [signed-by={keyring()}] {address()} {suite} main"
    hook = "cd \"$1\" && rm -rf " + " ".join(SUPERFLUOUS)
    command(["mmdebstrap", "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}",
             "--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=APT::Install-Recommends \"false\"",
             "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
             f"--customize-hook={hook}", suite, archive, source], log=log, progress=progress,
            what=f"mmdebstrap of {suite}")
    work.mkdir()
    # The device nodes are devtmpfs's work.
    command([*_as_root(), "tar", "-C", work, "--exclude=./dev/*", "--numeric-owner", "-xf", archive], log=log)
    archive.unlink()


class Tree:
    """Files to be put into a copy of the base image: {path inside: file here | text of a link}."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[Path, int]] = {}
        self.links: dict[str, str] = {}

    def file(self, target: str, source: Path, mode: int | None = None) -> "Tree":
        self.files[target] = (source, stat.S_IMODE(source.stat().st_mode) if mode is None else mode)
        return self

    def text(self, target: str, content: str, mode: int = 0o644) -> "Tree":
        source = cache_directory("image", "texts") / hashlib.sha256(content.encode()).hexdigest()[:16]
        if not source.exists():
            source.write_text(content)
        return self.file(target, source, mode)

    def link(self, target: str, to: str) -> "Tree":
        self.links[target] = to
        return self

    def directory(self, source: Path) -> "Tree":
        """All of a directory, as it is there."""
        for path in sorted(source.rglob("*")):
            target = f"/{path.relative_to(source)}"
            if path.is_symlink():
                self.link(target, os.readlink(path))
            elif path.is_file():
                self.file(target, path)
        return self

    def digest(self) -> str:
        state = hashlib.sha256()
        for target, (source, mode) in sorted(self.files.items()):
            state.update(f"{target}\0{mode:o}\0{hashlib.sha256(source.read_bytes()).hexdigest()}\0".encode())
        state.update(repr(sorted(self.links.items())).encode())
        return state.hexdigest()[:16]


def add_groups(tree: Tree, names: list[str]) -> None:
    """As systemd-sysusers does at installation."""
    etc = _root(base_image()) / "etc"
    for database, line, mode in (("group", "{}:x:{}:\n", 0o644), ("gshadow", "{}:!*::\n", 0o640)):
        added = "".join(line.format(name, 900 + number) for number, name in enumerate(names))
        tree.text(f"/etc/{database}", (etc / database).read_text() + added, mode)


def product_image(tree: Tree, base: Path | None = None) -> Path:
    """A copy of the base image with the tree's files in it, owned by root. Kept until its inputs change."""
    base = base or base_image()
    top = cache_directory("image")
    image = top / f"product-{base.stem[5:]}-{int(base.stat().st_mtime):x}-{tree.digest()}.ext4"
    with locked(top / "product.lock"):
        if image.exists():
            os.utime(image)
            return image
        temporary = top / "product.new"
        temporary.unlink(missing_ok=True)
        command(["cp", "--sparse=always", "--reflink=auto", base, temporary])
        _debugfs(temporary, tree, top / "debugfs.commands")
        _forget_old(top)
        replace(temporary, image)
        return image


def _forget_old(top: Path, keep: int = 4) -> None:
    images = sorted(top.glob("product-*.ext4"), key=lambda p: p.stat().st_mtime, reverse=True)
    for image in images[keep:]:
        if time.time() - image.stat().st_mtime > 3600:  # a machine may be about to open it
            image.unlink()


def _debugfs(image: Path, tree: Tree, script: Path) -> None:
    """debugfs creates no parents, replaces no file, follows no link and exits with 0 whatever happens."""
    lines: list[str] = []
    made = {"/"}

    def make_parents(path: str) -> None:
        parent = os.path.dirname(path)
        if parent not in made:
            make_parents(parent)
            lines.append(f"mkdir {parent}")
            made.add(parent)

    for target, (source, mode) in sorted(tree.files.items()):
        target = _resolved(target)
        make_parents(target)
        lines += [f"rm {target}", f"write {source} {target}", f"sif {target} mode {stat.S_IFREG | mode:#o}",
                  f"sif {target} uid 0", f"sif {target} gid 0"]
    for target, to in sorted(tree.links.items()):
        target = _resolved(target)
        make_parents(target)
        lines += [f"rm {target}", f"symlink {target} {to}"]
    script.write_text("\n".join(lines) + "\n")
    output = command(["debugfs", "-w", "-f", script, image])
    missing = [t for t in tree.files if not _exists(image, _resolved(t))] if "No space" in output else []
    if missing:
        raise RigError(f"the image has no room for {', '.join(missing)}", "raise SIZE_MIB in tests/e2e/rig/images.py")


def _resolved(path: str) -> str:
    """/bin, /sbin, /lib are links into /usr."""
    first = path.split("/")[1]
    return f"/usr{path}" if first in ("bin", "sbin", "lib", "lib64") else path


def _exists(image: Path, path: str) -> bool:
    return "Inode:" in command(["debugfs", "-R", f"stat {path}", image])


def machine_tree(extra: Tree | None = None) -> Tree:
    """The rig's own files, for the image and full flavours."""
    tree = extra or Tree()
    for name in ("init", "init-warm", "agent"):
        tree.file(f"/rig/{name}", E2E / "machine" / name, 0o755)
    tree.file("/usr/lib/systemd/system/rig-agent.service", E2E / "machine/rig-agent.service", 0o644)
    tree.file("/rig/start.d/start-liveupdated", E2E / "machine/start-liveupdated", 0o755)
    tree.link("/etc/systemd/system/sysinit.target.wants/rig-agent.service",
              "/usr/lib/systemd/system/rig-agent.service")
    # Younger than /usr: what systemd does once after an installation is done.
    for directory in ("/etc", "/var"):
        tree.text(f"{directory}/.updated", "")
    for name in ("systemd-firstboot.service", "systemd-networkd-wait-online.service", "getty@tty1.service"):
        tree.link(f"/etc/systemd/system/{name}", "/dev/null")
    return tree
