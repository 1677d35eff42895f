#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-manifest-schema.py TEST-MANIFEST SOURCE-ROOT

What the daemon writes, and every golden manifest, is as schemas/manifest.schema.json says; and whatever the daemon writes
is described there. Prints TAP.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM, ROOT = sys.argv[1], Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests/e2e"))

from rig.schema import load, violations  # noqa: E402


def undescribed(value: Any, schema: Any, where: str = "$") -> list[str]:
    """Members that the schema, which allows others, does not know."""
    found = []
    if isinstance(value, dict) and "properties" in schema:
        for name, member in value.items():
            if name not in schema["properties"]:
                found.append(f"{where}.{name} is not described")
            else:
                found += undescribed(member, schema["properties"][name], f"{where}.{name}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += undescribed(item, schema.get("items", {}), f"{where}[{index}]")
    return found


def main() -> int:
    schema = load("manifest.schema.json")
    written = subprocess.run([PROGRAM, "--print"], check=True, capture_output=True, text=True, timeout=30).stdout
    texts = {"what is written": written}
    texts |= {path.name: path.read_text() for path in sorted((ROOT / "tests/unit/golden").glob("manifest-*.json"))}
    failed = 0
    for n, (name, text) in enumerate(texts.items(), 1):
        manifest = json.loads(text)
        problems = violations(manifest, schema) + undescribed(manifest, schema)
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {n} - {name}")
        for problem in problems:
            print(f"# {problem}")
    broken = dict(json.loads(written), version=2, workloads=[1])
    found = len(violations(broken, schema)) == 2
    failed += not found
    print(f"{'ok' if found else 'not ok'} {len(texts) + 1} - a violation is found\n1..{len(texts) + 1}")
    return bool(failed)


sys.exit(main())
