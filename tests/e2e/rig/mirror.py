# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's own Debian mirror, and private views of its other suites that leave the host's apt alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .base import RigError, cache_directory, command, locked

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def address() -> str:
    """Of the Debian archive, as the host's apt uses it."""
    listing = command(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)"])
    entries = [line.split("|") for line in listing.splitlines()]
    found = [uri for uri, origin, label in entries if origin == "Debian" and label == "Debian"]
    if not found:
        raise RigError("apt on this machine knows no Debian archive",
                       "configure one in /etc/apt/sources.list.d and run apt-get update")
    return found[0]


def keyring() -> Path:
    if not KEYRING.exists():
        raise RigError(f"{KEYRING} is missing", "apt-get install debian-archive-keyring")
    return KEYRING


def source_line(suite: str) -> str:
    return f"deb [signed-by={keyring()}] {address()} {suite} main"


class Suite:
    """One suite with its own sources, lists and cache; the host's configuration of proxies and the like stays valid."""

    def __init__(self, name: str, is_expired_taken: bool = False) -> None:
        """`is_expired_taken`: the index of a suite that changes daily can be past its time on a mirror, and still do."""
        self.name = name
        self.directory = cache_directory("apt", name)
        for part in ("lists/partial", "cache/archives/partial", "etc"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        self.options = [
            "-o", f"Dir::Etc::sourcelist={self.directory}/etc/sources.list",
            "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", "Dir::Etc::preferences=/dev/null",
            "-o", "Dir::Etc::preferencesparts=/dev/null",
            "-o", f"Dir::State::lists={self.directory}/lists",
            "-o", f"Dir::Cache={self.directory}/cache",
            "-o", "APT::Sandbox::User=" + ("root" if os.geteuid() == 0 else ""),
        ]
        if is_expired_taken:
            self.options += ["-o", "Acquire::Check-Valid-Until=false"]

    def update(self) -> None:
        (self.directory / "etc/sources.list").write_text(source_line(self.name) + "\n")
        with locked(self.directory / "lock"):
            command(["apt-get", *self.options, "-q", "update"], what=f"reading the index of suite {self.name}")

    def newest(self, pattern: str) -> tuple[str, str]:
        """Name and version of the package with the highest number in its name."""
        names = command(["apt-cache", *self.options, "pkgnames"]).split()
        found = [(tuple(int(n) for n in re.findall(r"\d+", name)), name)
                 for name in names if re.fullmatch(pattern, name)]
        for _, name in sorted(found, reverse=True):
            policy = command(["apt-cache", *self.options, "policy", name])
            # pkgnames also knows what is installed here; the table names the mirror only for what can be had.
            version = re.search(r"^ +(?:\*\*\* )?(\S+) \d+\n +\d+ \S+:", policy, re.MULTILINE)
            if version:
                return name, version[1]
        raise RigError(f"suite {self.name} of the machine's mirror has no package like {pattern}",
                       "see that the mirror carries that suite, or set LIVEUPDATE_KERNEL_A and LIVEUPDATE_KERNEL_B")

    def download(self, package: str, directory: Path) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        command(["apt-get", *self.options, "-q", "download", package], cwd=directory, what=f"download of {package}")
        return max(directory.glob(f"{package}_*.deb"), key=lambda p: p.stat().st_mtime)
