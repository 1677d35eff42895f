# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages that building and the rig need: found out, and installed when missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from .base import Progress, RigError, cache_directory, command


def _systemd() -> str:
    """Where systemd.pc is: in a package of its own since Debian 13."""
    try:
        release = platform.freedesktop_os_release().get("VERSION_ID")
    except OSError:
        release = None
    return "systemd" if release == "12" else "systemd-dev"


PROJECT = ["meson", "ninja-build", "pkg-config", "gcc", "libc6-dev", "libsystemd-dev", "libjson-c-dev",
           "libmount-dev", "libnl-3-dev", "libseccomp-dev", "libssl-dev", "zlib1g-dev", "liblzma-dev", "libzstd-dev", "liblz4-dev",
           "libbz2-dev", "libarchive-dev", "libkmod-dev", _systemd(), "check",
           "clang", "libclang-rt-dev", "ccache", "python3"]
RIG = ["qemu-system-x86", "mmdebstrap", "busybox-static", "make", "bc", "flex", "bison", "libelf-dev", "libssl-dev",
       "kmod", "lz4", "zstd", "xz-utils", "cpio", "e2fsprogs", "debian-archive-keyring", "rsync", "debhelper", "dpkg-dev",
       "python3-pefile", "sbsigntool", "openssl", "swtpm", "iproute2", "ethtool", "libnftables1", "pciutils"]


def _is_installed(package: str) -> bool:
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.startswith("ii")


def missing(packages: list[str] | None = None) -> list[str]:
    return [name for name in packages or sorted(set(PROJECT + RIG)) if not _is_installed(name)]


def ensure(packages: list[str] | None = None) -> None:
    """Installs what is missing, or says what the machine lacks."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        raise RigError("this is not a Debian machine: the rig takes its packages and its kernel from Debian",
                       "run it on Debian 12 or 13, a container is enough")
    # uidmap: files of the image get their owners in a user namespace when there is no root.
    lacking = missing(packages or sorted({*PROJECT, *RIG, *([] if os.geteuid() == 0 else ["uidmap"])}))
    if not lacking:
        return
    wish = f"install them by hand: apt-get install {' '.join(lacking)}"
    privilege = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if privilege and not shutil.which("sudo"):
        raise RigError(f"missing packages: {' '.join(lacking)}; there is no right to install them", wish)
    log = cache_directory() / "packages.log"
    log.unlink(missing_ok=True)
    env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    with Progress(f"packages: {' '.join(lacking)}") as progress:
        try:
            command([*privilege, *env, "apt-get", "-q", "update"], log=log, progress=progress, what="apt-get update")
            command([*privilege, *env, "apt-get", "-q", "-y", "--no-install-recommends", "install", *lacking],
                    log=log, progress=progress, what="apt-get install")
        except RigError as error:
            raise RigError(f"missing packages: {' '.join(lacking)}; {error}", wish) from error
