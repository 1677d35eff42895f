# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of JSON Schema as schemas/*.json use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .base import ROOT

def text(name: str) -> str:
    return Path(ROOT, "schemas", name).read_text()


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
KNOWN = {"$schema", "$id", "title", "description", "type", "enum", "const", "minimum", "required", "properties",
         "additionalProperties", "items", "minItems"}


def load(name: str) -> Any:
    return json.loads(text(name))


def violations(value: Any, schema: Any, where: str = "$") -> list[str]:
    """What in `value` is not as the schema says; empty if nothing."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise ValueError(f"{where}: the schema uses {sorted(unknown)}, which is not checked")
    kind = schema.get("type")
    if kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            return [f"{where}: {value!r} is no integer"]
    elif kind and not isinstance(value, TYPES[kind]):
        return [f"{where}: {value!r} is no {kind}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{where}: {value!r} is less than {schema['minimum']}")
    if kind == "object":
        properties = schema.get("properties", {})
        found += [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{where}: {name} is not described" for name in value if name not in properties]
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            for name in set(value) - set(properties):
                found += violations(value[name], others, f"{where}.{name}")
        for name, part in properties.items():
            if name in value:
                found += violations(value[name], part, f"{where}.{name}")
    if kind == "array":
        if len(value) < schema.get("minItems", 0):
            found.append(f"{where}: only {len(value)} items")
        for index, item in enumerate(value):
            found += violations(item, schema.get("items", {}), f"{where}[{index}]")
    return found


def report_violations(report: Any) -> list[str]:
    """Those of the schema, and what a schema cannot say: phases without gaps that add up."""
    found = violations(report, load("report.schema.json"))
    if found:
        return found
    phases = report["phases"]
    for one, other in zip(phases, phases[1:]):
        if one["startUSec"] + one["durationUSec"] != other["startUSec"]:
            found.append(f"there is a gap between {one['name']} and {other['name']}")
    names = [phase["name"] for phase in phases]
    if report["outcome"] != "rolled-back":
        blackout = phases[names.index("pause"):names.index("finish")]
        total = sum(phase["durationUSec"] for phase in blackout)
        if total != report["blackoutUSec"]:
            found.append(f"the phases of the blackout add up to {total}, not to {report['blackoutUSec']}")
    return found
