# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installation does with systemd's preset and sysusers files: units enabled, groups made. For an image at rest."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

UNITS = ("usr/lib/systemd/system", "lib/systemd/system")
KINDS = {"WantedBy": "wants", "RequiredBy": "requires", "UpheldBy": "upholds"}


def enabled(root: Path) -> list[Path]:
    """The units below `root` that its presets enable, with those they enable along."""
    units = {path.name: path for place in UNITS for path in (root / place).glob("*.*") if path.is_file()}
    rules = _rules(root)
    wanted = [name for name in sorted(units) if _install_section(units[name]) and _is_enabled(name, rules)]
    for name in wanted:
        wanted += [other for other in _install_section(units[name]).get("Also", [])
                   if other in units and other not in wanted]
    return [units[name] for name in wanted]


def enabled_links(root: Path) -> dict[str, str]:
    """{link: what it points to} for those units."""
    links: dict[str, str] = {}
    for path in enabled(root):
        installed = f"/usr/lib/systemd/system/{path.name}"
        install = _install_section(path)
        for key, directory in KINDS.items():
            for by in install.get(key, []):
                links[f"/etc/systemd/system/{by}.{directory}/{path.name}"] = installed
        for alias in install.get("Alias", []):
            links[f"/etc/systemd/system/{alias}"] = installed
    return links


def _rules(root: Path) -> list[tuple[str, str]]:
    files = sorted((root / "usr/lib/systemd/system-preset").glob("*.preset"), key=lambda path: path.name)
    files += sorted((root / "lib/systemd/system-preset").glob("*.preset"), key=lambda path: path.name)
    lines = [line.split() for path in files for line in path.read_text().splitlines()]
    return [(words[0], words[1]) for words in lines if len(words) == 2 and words[0] in ("enable", "disable")]


def _is_enabled(name: str, rules: list[tuple[str, str]]) -> bool:
    """By the first rule that names it; without one it is enabled, as systemd.preset(5) says."""
    return next((verb == "enable" for verb, pattern in rules if fnmatchcase(name, pattern)), True)


def _install_section(unit: Path) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line.strip()
        elif section == "[Install]" and (found := re.fullmatch(r"(\w+)=(.*)", line.strip())):
            values.setdefault(found[1], []).extend(found[2].split())
    return values


def groups(root: Path) -> list[str]:
    """Those that the sysusers files below `root` ask for."""
    files = [path for place in ("usr/lib/sysusers.d", "lib/sysusers.d") for path in (root / place).glob("*.conf")]
    lines = [line.split() for path in files for line in path.read_text().splitlines()]
    return sorted({words[1] for words in lines if words and words[0] == "g"})
