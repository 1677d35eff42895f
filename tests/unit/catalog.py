#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""catalog.py MESSAGES.H CATALOG MANUAL: every message id of the daemon is explained in the journal's catalog and listed in
the manual, and no other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEADERS = ("Subject", "Defined-By", "Support")


def defined(header: str) -> dict[str, str]:
    found = re.findall(r"^#define (MESSAGE_\w+)\s+SD_ID128_MAKE\(([0-9a-f,]+)\)", header, re.MULTILINE)
    return {digits.replace(",", ""): name for name, digits in found}


def explained(catalog: str) -> dict[str, str]:
    parts = re.split(r"^-- ([0-9a-f]{32})\n", catalog, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def faults(entry: str) -> list[str]:
    head, _, text = entry.partition("\n\n")
    names = [line.partition(":")[0] for line in head.splitlines()]
    return [f"no {name}" for name in HEADERS if name not in names] + ([] if text.strip() else ["no text"])


def compiled(catalog: Path) -> str:
    """What journalctl says to it."""
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root, "usr/lib/systemd/catalog")
        directory.mkdir(parents=True)
        Path(root, "var/lib/systemd/catalog").mkdir(parents=True)
        shutil.copy(catalog, directory)
        done = subprocess.run(["journalctl", f"--root={root}", "--update-catalog"], capture_output=True, text=True)
        return "" if done.returncode == 0 and not done.stderr else done.stderr or f"exit status {done.returncode}"


def main() -> int:
    header, catalog, manual = (Path(name) for name in sys.argv[1:])
    ids, entries = defined(header.read_text()), explained(catalog.read_text())
    results = [("there are ids", "" if ids else f"none in {header}"),
               ("each is used once", "" if len(ids) == header.read_text().count("SD_ID128_MAKE(") else "two are the same")]
    for number, name in ids.items():
        results.append((name, ", ".join(faults(entries[number])) if number in entries else f"{number} is not explained"))
    results.append(("no other entry", ", ".join(sorted(set(entries) - set(ids)))))
    listed = re.findall(r"^\.It ([0-9a-f]{32})$", manual.read_text(), re.MULTILINE)
    results.append(("the manual lists them", ", ".join(sorted(set(listed) ^ set(ids)))))
    if shutil.which("journalctl"):
        results.append(("journalctl takes it", compiled(catalog)))
    print(f"1..{len(results)}")
    for number, (what, fault) in enumerate(results, 1):
        print(f"not ok {number} {what}: {fault.strip()}" if fault else f"ok {number} {what}")
    return any(fault for _, fault in results)


if __name__ == "__main__":
    sys.exit(main())
