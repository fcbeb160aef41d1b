"""What a bench hands back: metrics over several runs, judged by their median against a target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number with its runs; `yardstick` names what a person may compare it with."""

    metric: str
    unit: str
    values: Sequence[float]
    target: float | None = None
    compare: Literal["<=", ">="] = "<="
    yardstick: str | None = None

    def as_json(self) -> dict[str, Any]:
        value = statistics.median(self.values)
        return {
            "metric": self.metric,
            "unit": self.unit,
            "value": round(value, 3),
            "min": round(min(self.values), 3),
            "max": round(max(self.values), 3),
            "runs": len(self.values),
            "compare": self.compare,
            "target": self.target,
            "holds": self.holds(value),
            "yardstick": self.yardstick,
        }

    def holds(self, value: float) -> bool | None:
        if self.target is None:
            return None
        return value <= self.target if self.compare == "<=" else value >= self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The metrics of one bench, and whether its data was "recorded" or "generated"."""

    metrics: Sequence[Metric]
    data: Literal["recorded", "generated"] = "recorded"


def percentile(values: list[float], share: int) -> float:
    """The value below which `share` percent of them lie, interpolated."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
