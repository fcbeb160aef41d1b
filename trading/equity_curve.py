"""A line of money over time as coordinates of a small drawing; the page draws it without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 140
# More than the eye tells apart on this width.
MOST_POINTS: Final = 240


@dataclass(frozen=True, slots=True)
class Curve:
    """`line` and `area` are ready for <polyline> and <polygon>; `base` is the height of the beginning."""

    line: str
    area: str
    base: float
    low: Decimal
    high: Decimal
    first_at: datetime
    last_at: datetime
    width: int = WIDTH
    height: int = HEIGHT


def curve_of(begin: Decimal, points: Sequence[tuple[datetime, Decimal]]) -> Curve | None:
    """Equity after each step, spaced by step and not by time, so that a busy hour is not a wall. None below two."""
    if len(points) < 2:
        return None
    kept = thinned(points)
    values = [begin, *(value for _at, value in kept)]
    low, high = min(values), max(values)
    span = float(high - low) or 1.0

    def y_of(value: Decimal) -> float:
        return round(HEIGHT - 6 - float(value - low) / span * (HEIGHT - 12), 1)

    xs = [round(index * WIDTH / (len(values) - 1), 1) for index in range(len(values))]
    line = " ".join(f"{x},{y_of(value)}" for x, value in zip(xs, values, strict=True))
    base = y_of(begin)
    area = f"0,{base} {line} {WIDTH},{base}"
    return Curve(line, area, base, low, high, points[0][0], points[-1][0])


def thinned(points: Sequence[tuple[datetime, Decimal]]) -> list[tuple[datetime, Decimal]]:
    """Every n-th from the end, so that the newest is always there."""
    step = max(1, -(-len(points) // MOST_POINTS))
    return list(points[::-1][::step][::-1])
