#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-documents.py LIVEUPDATECTL LIVEUPDATE-RUN CLIENT-DIRECTORY CONF-DIRECTORY

Whatever the programs offer in --help is in their manual pages and completions, and the other way round; whatever key
the default configuration shows is in its manual page, and the other way round; whatever manual page the units and the
journal's catalog point to is installed. Prints TAP.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CTL, RUN = sys.argv[1:3]
CLIENT, CONF = map(Path, sys.argv[3:5])


class Tap:
    def __init__(self) -> None:
        self.n = self.failed = 0

    def equal(self, name: str, found: set[str], expected: set[str]) -> None:
        """A set that is empty is a fault of this test's reading."""
        self.n += 1
        holds = found == expected != set()
        self.failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.n} - {name}")
        if not holds:
            print(f"# missing: {' '.join(sorted(expected - found))}")
            print(f"# too many: {' '.join(sorted(found - expected))}")


def help_text(*command: str) -> str:
    return subprocess.run([*command, "--help"], check=True, capture_output=True, text=True, timeout=30).stdout


def long_options(text: str) -> set[str]:
    """Those at the beginning of a line of the list, as in '  -h --help' and '     --json=pretty|short'."""
    return set(re.findall(r"^ +(?:-\w )?(--[a-z-]+)", text, re.M))


def verbs_of(text: str) -> set[str]:
    return set(re.findall(r"^  (\w+)", text.split("Verbs:\n")[1].split("\n\n")[0], re.M))


def manual(path: Path) -> tuple[set[str], dict[str, set[str]]]:
    """The long options outside of verbs, and those of each verb that has an entry of its own in a list."""
    common: set[str] = set()
    verbs: dict[str, set[str]] = {}
    verb = ""
    depth = 0
    for line in path.read_text().splitlines():
        if line.startswith(".Sh"):
            verb, depth = "", 0
        elif line.startswith(".Bl"):
            depth += 1
        elif line.startswith(".El"):
            depth -= 1
        elif found := re.match(r"\.It Cm (\w+)", line):
            verb = found[1]
            verbs[verb] = set()
        elif line.startswith(".It"):
            options = {f"-{option}" for option in re.findall(r"Fl (-[a-z][a-z-]+)", line)}
            if verb and depth > 1:
                verbs[verb] |= options
            else:
                common |= options
    return common, verbs


def completed(script: str, function: str, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    program = ('source "$1" || exit; function=$2; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$function"; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
    answer = subprocess.run(["bash", "-c", program, "bash", CLIENT / script, function, *words], check=True,
                            capture_output=True, text=True, timeout=30).stdout
    return {word.rstrip("=") for word in answer.split()}


def keys(text: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, text, re.M))


def installed_pages(root: Path) -> set[str]:
    """Those that are given to install_man(), as in 'liveupdated(8)', and that are there."""
    found = set()
    for build in root.glob("*/meson.build"):
        for names in re.findall(r"install_man\(([^)]*)\)", build.read_text()):
            found |= {name for name in re.findall(r"'([^']+)'", names) if (build.parent / name).is_file()}
    return {re.sub(r"\.(\d)$", r"(\1)", name) for name in found}


def main() -> int:
    tap = Tap()

    common = long_options(help_text(CTL))
    verbs = verbs_of(help_text(CTL))
    manual_common, manual_verbs = manual(CLIENT / "liveupdatectl.1")
    tap.equal("verbs in liveupdatectl(1)", set(manual_verbs), verbs)
    tap.equal("verbs in the completion", completed("liveupdatectl.bash", "_liveupdatectl", "liveupdatectl", ""), verbs)
    tap.equal("options in liveupdatectl(1)", manual_common, common)
    tap.equal("options in the completion",
              completed("liveupdatectl.bash", "_liveupdatectl", "liveupdatectl", "--"), common)
    for verb in sorted(verbs):
        options = long_options(help_text(CTL, verb))
        tap.equal(f"options of {verb} in liveupdatectl(1)", manual_verbs.get(verb, set()) | {"--help"}, options)
        tap.equal(f"options of {verb} in the completion",
                  completed("liveupdatectl.bash", "_liveupdatectl", "liveupdatectl", verb, "--"), common | options)

    options = long_options(help_text(RUN))
    tap.equal("options in liveupdate-run(1)", manual(CLIENT / "liveupdate-run.1")[0], options)
    tap.equal("options in the completion of liveupdate-run",
              completed("liveupdate-run.bash", "_liveupdate_run", "liveupdate-run", "--") - {"--"}, options)

    tap.equal("keys in liveupdated.conf(5)",
              keys((CONF / "liveupdated.conf.5").read_text(), r"^\.It [A-Z][a-z] ([A-Z]\w+)="),
              keys((CONF / "liveupdated.conf").read_text(), r"^#?([A-Z]\w+)="))

    pages = installed_pages(CONF.parent)
    for place in [*sorted((CONF.parent / "units").glob("liveupdate*.*")), CONF / "liveupdated.catalog"]:
        named = set(re.findall(r"man:(\S+)", place.read_text()))
        tap.equal(f"manual pages of {place.name}, among those that are installed", named & pages, named)

    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


sys.exit(main())
