# SPDX-License-Identifier: LGPL-2.1-or-later
"""A TPM for a machine: swtpm behind QEMU's, and systemd's service that measures, which the image does not have."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from .base import RigError, cache_directory, command, locked, replace, wait_for
from .images import SUITES
from .machine import die_with_parent
from .mirror import Suite

PACKAGES = ("systemd-tpm", "libtss2-esys-3.0.2-0t64", "libtss2-mu-4.0.1-0t64", "libtss2-rc0t64", "libtss2-sys1t64",
            "libtss2-tcti-device0t64")
# Only a stub of systemd's fulfils its condition, and there is none under SeaBIOS or a kexec.
SOCKET = "/etc/systemd/system/systemd-pcrextend.socket.d/50-rig.conf"
KEPT = ("usr/lib/systemd/systemd-pcrextend", "usr/lib/systemd/system/systemd-pcrextend*", "usr/lib/x86_64-linux-gnu/*",
        "usr/lib/systemd/system/sockets.target.wants/systemd-pcrextend.socket")


class Tpm:
    """Ends with the machine that uses it."""

    def __init__(self, directory: Path) -> None:
        state = directory / "tpm"
        state.mkdir()
        self.socket = state / "socket"
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={self.socket}",
             "--terminate", "--log", f"file={directory / 'swtpm.log'},level=1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_for("swtpm", 10, self.socket.exists)

    def devices(self) -> list[str]:
        """Arguments for QEMU."""
        return ["-chardev", f"socket,id=tpm,path={self.socket}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                "-device", "tpm-crb,tpmdev=tpm"]


def service() -> tuple[dict[str, Path], dict[str, str]]:
    """Files and links for a machine: systemd-pcrextend with its socket and libraries."""
    root = _packages()
    kept = sorted({path for pattern in KEPT for path in root.glob(pattern)})
    files = {f"/{path.relative_to(root)}": path for path in kept if path.is_file() and not path.is_symlink()}
    links = {f"/{path.relative_to(root)}": os.readlink(path) for path in kept if path.is_symlink()}
    drop_in = root / "drop-in.conf"
    drop_in.write_text("[Unit]\nConditionSecurity=\n")
    return files | {SOCKET: drop_in}, links


def _packages() -> Path:
    top = cache_directory("tpm")
    root = top / "root"
    with locked(top / "lock"):
        if not root.exists():
            _fetch(top / "work", root)
    return root


def _fetch(work: Path, root: Path) -> None:
    """From the first suite that has them: the one the full image is of."""
    suite = Suite(SUITES[0], is_expired_taken=True)
    shutil.rmtree(work, ignore_errors=True)
    try:
        suite.update()
        for package in PACKAGES:
            command(["dpkg-deb", "-x", suite.download(package, work), work / "root"])
    except RigError as error:
        raise RigError(f"no service that measures: {error}", "see that the mirror carries that suite") from error
    replace(work / "root", root)
    shutil.rmtree(work)


def extended(register: str, *texts: str) -> str:
    """What a PCR of SHA-256 holds after those were measured into it."""
    value = bytes.fromhex(register)
    for text in texts:
        value = hashlib.sha256(value + hashlib.sha256(text.encode()).digest()).digest()
    return value.hex()
