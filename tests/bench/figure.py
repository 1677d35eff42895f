# SPDX-License-Identifier: LGPL-2.1-or-later
"""One measured value, with what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    value: float
    unit: str
    against: dict[str, float]
    limits: dict[str, float] = field(default_factory=dict)  # of the ratio to a peer

    @property
    def ratio(self) -> dict[str, float]:
        return {peer: self.value / value for peer, value in self.against.items()}

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit, "against": self.against,
                "ratio": {peer: round(ratio, 3) for peer, ratio in self.ratio.items()}}

    def __str__(self) -> str:
        parts = []
        for peer, ratio in self.ratio.items():
            limit = self.limits.get(peer)
            verdict = "" if limit is None else f", limit {limit:g}: {'holds' if ratio <= limit else 'DOES NOT HOLD'}"
            parts.append(f"{ratio:.2f} times {peer} ({self.against[peer]:.4g} {self.unit}){verdict}")
        return f"{self.value:.4g} {self.unit}: " + "; ".join(parts)
