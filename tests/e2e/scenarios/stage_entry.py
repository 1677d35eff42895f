# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boot loader entries: what the loader would start is what is staged, with the entry's options and initrds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from rig import small, ukify
from rig.kernel import kernel
from rig.machine import COMMAND_LINE
from rig.scenario import Scenario, scenario
from rig.small import Small

ENTRY = """title The rig, by an entry
version 7.3.4
sort-key rig
linux /rig/linux
initrd /rig/initrd
initrd /rig/second.img
options {line}
options by-entry-one
"""
PROFILES = [ukify.Profile("main", "As always", ""), ukify.Profile("debug", "Debug", f"{COMMAND_LINE} by-entry-debug")]


def make_boot(directory: Path, initrd: Path) -> Path:
    """As on a machine with systemd-boot."""
    boot = directory / "boot"
    for name in ("loader/entries", "EFI/Linux", "rig"):
        (boot / name).mkdir(parents=True)
    (boot / "loader/entries/rig-one.conf").write_text(ENTRY.format(line=COMMAND_LINE))
    (boot / "loader/entries/rig-lost.conf").write_text("title Its kernel is gone\nlinux /rig/nowhere\noptions x\n")
    (boot / "loader/loader.conf").write_text("timeout 3\ndefault rig-two*\n")
    shutil.copyfile(kernel("b"), boot / "rig/linux")
    shutil.copyfile(initrd, boot / "rig/initrd")
    ukify.further_initrd(boot / "rig/second.img", "second", b"of the entry\n")
    ukify.build(boot / "EFI/Linux/rig-two.efi", kernel=kernel("a"), initrds=[initrd], profiles=PROFILES,
                command_line=f"{COMMAND_LINE} by-entry-two")
    return boot


@scenario("stage-entry", limit=240, needs=ukify.tools)
def entry(s: Scenario) -> None:
    """Entries of type 1 and 2 by their IDs, and the default one: options and initrds of the entry are in effect."""
    initrd = small.root(s.directory)
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s.directory, initrd)))
    refuse(s, host)
    of_profile = host.ctl("stage", "--entry=rig-two.efi@debug")["staged"]
    s.check.equal("profile by an entry", of_profile["profile"], "debug")
    s.check.contains("its command line", of_profile["commandLine"], "by-entry-debug")

    staged, boot = host.update("--entry=rig-one")
    s.check.contains("release after type 1", boot.release, "-rig-b")
    s.check.equal("what was staged", [Path(staged["origin"]).name, staged["commandLineOrigin"]], ["linux", "entry"])
    check_line(s, host, staged, "by-entry-one")
    s.check.equal("file of the entry's second initrd", host.machine.run("cat /second").out, "of the entry\n")

    staged, boot = host.update("--default")
    s.check.contains("release after the default one", boot.release, "-rig-a")
    s.check.equal("what was staged", [Path(staged["origin"]).name, staged["commandLineOrigin"]], ["rig-two.efi", "image"])
    check_line(s, host, staged, "by-entry-two")
    s.check.that("no initrd of the other entry", not host.machine.run("test -e /second"))


def check_line(s: Scenario, host: Small, staged: Any, mark: str) -> None:
    s.check.equal(f"command line of {mark}", host.command_line(), staged["commandLine"])
    s.check.equal("entries in effect", [word for word in host.command_line().split() if word.startswith("by-")], [mark])


def refuse(s: Scenario, host: Small) -> None:
    for word, part in (("rig-none", "rig-none"), ("rig-lost", "/rig/nowhere"), ("../rig-one", "rig-one")):
        result = host.machine.run(f"liveupdatectl stage --entry={word}")
        s.check.that(f"--entry={word} is refused: {result}", not result)
        s.check.contains(f"what is said of --entry={word}", result.err, part)
    s.check.equal("staged by none of them", host.ctl("status").get("staged"), None)
