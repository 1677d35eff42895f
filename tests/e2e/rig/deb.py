# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project as a Debian package, in any version that a scenario wants to install or upgrade to."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from .base import ROOT, Progress, RigError, cache_directory, command, locked, replace

# The tests are not built for it.
SOURCES = ["client", "conf", "daemon", "schemas", "units", "meson.build", "meson_options.txt", "LICENSE", "README.md"]
WEEK = 7 * 24 * 3600


def product_package(version: str) -> Path:
    """The .deb of the sources as they are now. What it installs calls itself by that version, too."""
    if not re.fullmatch(r"[0-9][A-Za-z0-9.+~]*", version):
        raise RigError(f"'{version}' is no version of a native Debian package", "digits and letters, . + ~")
    files = _files()
    top = cache_directory("deb")
    package = top / f"liveupdated_{version}_{_digest(files, version)}.deb"
    with locked(top / "lock"):
        if package.exists():
            os.utime(package)
            return package
        _forget_old(top)
        _build(files, version, package)
    return package


def _files() -> list[Path]:
    files: list[Path] = []
    for name in SOURCES:
        path = ROOT / name
        files += [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sorted(file.relative_to(ROOT) for file in files if "__pycache__" not in file.parts)


def _digest(files: list[Path], version: str) -> str:
    state = hashlib.sha256(version.encode())
    for file in files:
        mode = (ROOT / file).stat().st_mode & 0o111
        state.update(f"{file}\0{mode:o}\0{hashlib.sha256((ROOT / file).read_bytes()).hexdigest()}\0".encode())
    return state.hexdigest()[:16]


def _build(files: list[Path], version: str, package: Path) -> None:
    work = package.with_suffix(".work")
    tree = work / "liveupdated"
    shutil.rmtree(work, ignore_errors=True)
    for file in files:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tree / file)
    _set_version(tree, version)
    (tree / "debian").symlink_to("conf/debian")
    log = package.with_suffix(".log")
    log.unlink(missing_ok=True)
    with Progress(f"package {version} (log: {log})") as progress:
        command(["dpkg-buildpackage", "--build=binary", "--no-sign"], cwd=tree, log=log, progress=progress,
                env={"DEB_BUILD_OPTIONS": "nocheck noautodbgsym parallel=2", "DEB_BUILD_PROFILES": "nocheck"},
                what="dpkg-buildpackage")
    (made,) = work.glob("liveupdated_*.deb")
    replace(made, package)
    shutil.rmtree(work)


def _set_version(tree: Path, version: str) -> None:
    for name, pattern in (("conf/debian/changelog", r"(?<=^liveupdated \()[^)]+"),
                          ("meson.build", r"(?<=^        version : ')[^']+")):
        text = (tree / name).read_text()
        changed, count = re.subn(pattern, version, text, count=1, flags=re.MULTILINE)
        if count != 1:
            raise RigError(f"{name} has no version where tests/e2e/rig/deb.py looks for it")
        (tree / name).write_text(changed)


def _forget_old(top: Path) -> None:
    for path in top.iterdir():
        if path.name != "lock" and time.time() - path.stat().st_mtime > WEEK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
