# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project itself and the rig's own C programs, compiled for the machines."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .base import E2E, ROOT, RigError, cache_directory, command, locked, replace

PREPARED = "LIVEUPDATE_RIG_PREPARED"


def _top() -> Path:
    return cache_directory("build", ROOT.as_posix().strip("/").replace("/", "-"))


def product() -> Path:
    """A directory tree with the project as `meson install` would put it on a host."""
    top = _top()
    root = top / "root"
    # Scenarios run side by side on what the runner made before it started them.
    if PREPARED in os.environ and root.exists():
        return root
    log = top / "build.log"
    with locked(top / "lock"):
        log.unlink(missing_ok=True)
        tree = top / "tree"
        if not (tree / "build.ninja").exists():
            shutil.rmtree(tree, ignore_errors=True)
            command(["meson", "setup", "--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var", tree, ROOT],
                    log=log, what="meson setup")
        command(["meson", "compile", "-C", tree], log=log, what="the build of the project")
        shutil.rmtree(root, ignore_errors=True)
        # Stripped, as in a package: what is read of it counts.
        command(["meson", "install", "-C", tree, "--no-rebuild", "--strip", "--quiet", "--destdir", root], log=log,
                what="meson install")
        root.mkdir(exist_ok=True)
    return root


def target(name: str) -> Path:
    """A program of the build tree that is not installed."""
    product()
    tree = _top() / "tree"
    with locked(_top() / "lock"):
        command(["meson", "compile", "-C", tree, Path(name).stem], what=f"the build of {name}")
    return tree / name


def guest() -> Path:
    """The program that is PID 1 of the inner guests."""
    return static_program("guest", [E2E / "guest/guest.c", E2E / "guest/network.c"])


def static_program(name: str, sources: list[Path]) -> Path:
    target = cache_directory("programs") / name
    headers = [header for source in sources for header in source.parent.glob("*.h")]
    newest = max(path.stat().st_mtime for path in [*sources, *headers])
    if target.exists() and target.stat().st_mtime > newest:
        return target
    temporary = target.with_name(f".{name}")
    with locked(target.with_name(f".{name}.lock")):
        command(["gcc", "-std=gnu17", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", temporary,
                 *sources], what=f"compiling {name}")
        replace(temporary, target)
    return target


def find(root: Path, name: str) -> Path:
    found = [path for path in root.rglob(name) if path.is_file()]
    if not found:
        raise RigError(f"the project installs no {name}", "see its meson.build")
    return found[0]
