# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unified kernel images as people have them: made by systemd's ukify, with its stub, signed by sbsign where wanted.

ukify and the stub are those of the suite that the full image is made of; they are unpacked, not installed.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import initramfs
from .base import Progress, RigError, cache_directory, command, locked, replace
from .images import SUITES
from .mirror import Suite

PACKAGES = ("systemd-ukify", "systemd-boot-efi")
PYTHON = "/usr/bin/python3"  # the distribution's, which has pefile
OS_RELEASE = 'ID=rig\nNAME="The rig"\nPRETTY_NAME="The rig"\n'


def tools() -> Path:
    """The unpacked packages, fetched once."""
    top = cache_directory("ukify")
    root = top / "root"
    with locked(top / "lock"):
        if not root.exists():
            with Progress("ukify from the distribution"):
                _fetch(top, root)
    return root


def _fetch(top: Path, root: Path) -> None:
    work = top / "work"
    problems = []
    for name in SUITES:
        shutil.rmtree(work, ignore_errors=True)
        suite = Suite(name, is_expired_taken=True)
        try:
            suite.update()
            for package in PACKAGES:
                command(["dpkg-deb", "-x", suite.download(package, work), work / "root"])
        except RigError as error:
            problems.append(str(error))
            continue
        replace(work / "root", root)
        shutil.rmtree(work)
        return
    raise RigError("no suite of the mirror has ukify:\n" + "\n".join(problems))


@dataclass(frozen=True)
class Signer:
    """A key with its self-signed certificate."""

    key: Path
    certificate: Path

    @classmethod
    def make(cls, directory: Path, name: str) -> "Signer":
        signer = cls(directory / f"{name}.key", directory / f"{name}.crt")
        command(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
                 "-subj", f"/CN=The rig's {name}", "-keyout", signer.key, "-out", signer.certificate])
        return signer

    def arguments(self) -> list[str]:
        return ["--signtool=sbsign", f"--secureboot-private-key={self.key}",
                f"--secureboot-certificate={self.certificate}"]


@dataclass(frozen=True)
class Profile:
    identity: str
    title: str
    command_line: str


def build(output: Path, *, kernel: Path | None = None, initrds: list[Path] | None = None, command_line: str = "",
          release: str = "", microcode: Path | None = None, sbat: str = "", profiles: list[Profile] | None = None,
          sections: dict[str, str] | None = None, signer: Signer | None = None) -> Path:
    """A UKI; without a kernel an addon. With `profiles` the first of them belongs to the image's base."""
    base, *others = profiles or [None]
    arguments = [f"--cmdline={command_line}"] if command_line else []
    arguments += [f"--linux={kernel}", f"--os-release={OS_RELEASE}"] if kernel else []
    arguments += [f"--initrd={path}" for path in initrds or []]
    arguments += [f"--uname={release}"] if release else []
    arguments += [f"--microcode={microcode}"] if microcode else []
    arguments += [f"--sbat={sbat}"] if sbat else []
    arguments += [f"--section={name}:{text}" for name, text in (sections or {}).items()]
    arguments += [f"--profile={_text(base)}"] if base else []
    arguments += signer.arguments() if signer else []
    with tempfile.TemporaryDirectory(prefix="liveupdate-ukify.") as directory:
        for number, profile in enumerate(others):
            joined = Path(directory, f"{number}.efi")
            _ukify(joined, "addon", [f"--profile={_text(profile)}", f"--cmdline={profile.command_line}"])
            arguments.append(f"--join-profile={joined}")
        return _ukify(output, "linux" if kernel else "addon", arguments)


def _text(profile: Profile) -> str:
    return f"ID={profile.identity}\nTITLE={profile.title}\n"


def _ukify(output: Path, stub: str, arguments: list[str]) -> Path:
    root = tools()
    # What it finds on the host (a command line, an os-release, a configuration) is no part of a test.
    command([PYTHON, root / "usr/bin/ukify", "build", f"--stub={root}/usr/lib/systemd/boot/efi/{stub}x64.efi.stub",
             "--efi-arch=x64", *arguments, f"--output={output}"], what="ukify")
    return output


def microcode(path: Path, marker: bytes) -> Path:
    """An uncompressed cpio as a boot loader puts it first, that no processor takes for its own."""
    archive = initramfs.Archive()
    archive.file("kernel/x86/microcode/AuthenticAMD.bin", marker)
    return archive.write(path)


def further_initrd(path: Path, name: str, content: bytes, *, is_compressed: bool = False) -> Path:
    archive = initramfs.Archive()
    archive.file(name, content)
    archive.write(path)
    if is_compressed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path
