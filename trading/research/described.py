"""What a finished backtest says of itself as JSON: statistics, days and months, the candles it stood on.

Money is a plain string, a ratio a number, an instant milliseconds; what is undefined is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from engine.amounts import plain_e8
from trading.research.ground import Ground

# Named in the row; the count tells of the rest.
GAPS_NAMED: Final = 50


def in_json(value: Any) -> Any:
    """Numbers that JSON has no word for (infinite, not a number) are undefined."""
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): in_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_json(item) for item in value]
    return value


def rows_json(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of days or months (`engine.metrics.PeriodRow`), money under its name without `_e8`."""
    return [
        {
            name.removesuffix("_e8"): plain_e8(value) if name.endswith("_e8") else in_json(value)
            for name, value in row._asdict().items()
        }
        for row in rows
    ]


def candles_json(ground: Ground) -> dict[str, Any]:
    """Which minutes were there, and which stretches of the period have none."""
    opened, gaps = ground.minutes.open_ms, ground.gaps
    warm_up = int(np.searchsorted(opened, ground.start_ms))
    return {
        "first_ms": int(opened[0]) if len(opened) else None,
        "last_ms": int(opened[-1]) if len(opened) else None,
        "minutes": len(opened) - warm_up,
        "warm_up_minutes": warm_up,
        "missing_minutes": ground.missing_minutes,
        "gaps": [[gap.first_ms, gap.last_ms] for gap in gaps[:GAPS_NAMED]],
        "gap_count": len(gaps),
        **({} if ground.contract is None else {"futures": ground.contract.as_json()}),
    }
