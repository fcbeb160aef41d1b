"""The chart of a symbol's page: candles of any interval with averages and RSI from our own kernels.

What needs pandas-ta is drawn by a worker (`trading.studies`). Nothing is written, nothing is invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from engine.indicators import ema, rsi
from engine.market import INTERVAL_MS, FloatArray, prices
from trading.chart import SHOWN, ChartSeries, newest_candles, points
from trading.markets import MARKET, VENUE

DEFAULT_INTERVAL: Final = "15m"
# By name in the address: what the line is called, its kernel and its length.
STUDIES: Final[Mapping[str, tuple[str, Any, int]]] = {
    "ema9": ("EMA 9", ema, 9),
    "ema21": ("EMA 21", ema, 21),
    "ema50": ("EMA 50", ema, 50),
    "rsi14": ("RSI 14", rsi, 14),
}
DEFAULT_STUDIES: Final = ("ema9", "ema21")
# So many candles before the first one shown, that no average knows any more where the window began.
LEAD_IN: Final = 200


def interval_of(text: str) -> str:
    return text if text in INTERVAL_MS else DEFAULT_INTERVAL


def studies_of(text: str) -> list[str]:
    """Names out of a comma-separated list; what is not offered asks nothing."""
    return [name for name in STUDIES if name in text.split(",")]


def series_of(symbol: str, interval: str) -> ChartSeries:
    return ChartSeries(VENUE, MARKET, symbol, interval)


def market_chart(series: ChartSeries, studies: Iterable[str], *, now_ms: int, since: int | None) -> Any:
    """Ready for the browser: times in UTC seconds, prices as numbers. `since` (seconds) leaves out earlier candles."""
    candles, is_current = newest_candles(series, count=SHOWN + LEAD_IN, now_ms=now_ms)
    first = max(0, len(candles) - SHOWN)
    if since is not None:
        first = max(first, int(np.searchsorted(candles.open_ms, since * 1000)))
    seconds = (candles.open_ms[first:] // 1000).tolist()
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    closes = prices(candles.close)
    return {
        "candles": [
            list(row)
            for row in zip(seconds, *(prices(column)[first:].tolist() for column in columns), strict=True)
        ],
        "lines": [_line(name, closes, seconds, first) for name in studies],
        "is_current": is_current,
    }


def _line(name: str, closes: FloatArray, seconds: list[int], first: int) -> dict[str, Any]:
    title, kernel, length = STUDIES[name]
    return {"key": name, "name": title, "points": points(seconds, kernel(closes, length)[first:])}
