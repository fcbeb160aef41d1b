"""What the report draws: candles with every trade on them, at a length that fits the stretch looked at; equity beside
buy-and-hold, and how far it lay below its peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from engine.market import INTERVAL_MS, Candles, FloatArray, IntArray, interval_ms
from engine.metrics import drawdown_curve, hold_curve
from engine.results import EXIT_REASONS, Folded
from exchange.candles import history
from exchange.instants import ms_of
from trading.models import Backtest
from trading.research.backtests import folded_of
from trading.templatetags.figures import in_words

# As many candles as a wide screen shows and a browser moves without effort.
MOST_CANDLES: Final = 1600
MOST_POINTS: Final = 1200


class Window(NamedTuple):
    """What is looked at (ms), and in candles of which length."""

    start_ms: int
    end_ms: int
    interval: str

    @property
    def length_ms(self) -> int:
        return interval_ms(self.interval)


class _Capital(NamedTuple):
    """All that a line of buy-and-hold must know of a setting."""

    initial_capital_e8: int
    taker_e6: int = 0


def window_of(backtest: Backtest, start_ms: int | None, end_ms: int | None) -> Window:
    """The stretch asked for inside the backtest's own, in the shortest candles that fit, none shorter than its own."""
    first, last = ms_of(backtest.start_at), ms_of(backtest.end_at)
    start = first if start_ms is None else min(max(start_ms, first), last)
    end = last if end_ms is None else min(max(end_ms, first), last)
    if end <= start:
        start, end = first, last
    own = interval_ms(backtest.timeframe)
    lengths = sorted((length, name) for name, length in INTERVAL_MS.items() if length >= own)
    name = next((name for length, name in lengths if (end - start) // length <= MOST_CANDLES), lengths[-1][1])
    length = interval_ms(name)
    return Window(start // length * length, -(-end // length) * length, name)


def chart_of(backtest: Backtest, window: Window) -> dict[str, Any]:
    """Ready for the browser: times in UTC seconds, prices as numbers."""
    bars = history(
        backtest.source, backtest.market, backtest.symbol, window.interval,
        start_ms=window.start_ms, end_ms=window.end_ms,
    )  # fmt: skip
    folded = folded_of(backtest)
    seconds = (bars.open_ms // 1000).tolist()
    columns = [(column / 1e8).tolist() for column in (bars.open, bars.high, bars.low, bars.close)]
    return {
        "interval": window.interval,
        "is_finest": window.interval == backtest.timeframe,
        "reaches_start": window.start_ms <= ms_of(backtest.start_at),
        "reaches_end": window.end_ms >= ms_of(backtest.end_at),
        "candles": [list(row) for row in zip(seconds, *columns, strict=True)],
        "trades": [] if folded is None or not len(bars) else trades_on(folded, bars, window),
    }


def trades_on(folded: Folded, bars: Candles, window: Window) -> list[dict[str, Any]]:
    """Every filled order of the window, on the candle it happened in; those of one candle and side together, so that
    none is left out however many there are."""
    trades = folded.trades
    # What was sold at the end of the data was sold at the close of the last candle.
    is_end = bool(len(folded.equity_ms)) and window.end_ms >= int(folded.equity_ms[-1])
    first, last = np.searchsorted(trades.at_ms, [window.start_ms, window.end_ms + is_end])
    asked = slice(int(first), int(last))
    columns = (
        _candles_of(bars, trades.at_ms[asked]), trades.side[asked], trades.price_e8[asked], trades.reason[asked],
        folded.positions.pnl_e8[trades.position[asked]],
    )  # fmt: skip
    found: dict[tuple[int, int], _Shown] = {}
    for candle, side, price_e8, reason, pnl_e8 in zip(*(column.tolist() for column in columns), strict=True):
        row = found.setdefault((candle, side), _Shown())
        row.count += 1
        row.price_e8 = price_e8
        if reason:
            row.reason = reason
            row.pnl_e8 += pnl_e8
    return [_marker(*key, found[key]) for key in sorted(found)]


@dataclass(slots=True)
class _Shown:
    """The orders of one candle and side; `reason` and result are of those that ended a position."""

    count: int = 0
    price_e8: int = 0
    reason: int = 0
    pnl_e8: int = 0


def _marker(candle: int, side: int, row: _Shown) -> dict[str, Any]:
    return {
        "time": candle // 1000,
        "side": "BUY" if side > 0 else "SELL",
        "count": row.count,
        "price": row.price_e8 / 1e8,
        "reason": in_words(EXIT_REASONS[row.reason]) if row.reason else "",
        "pnl": row.pnl_e8 / 1e8 if row.reason else None,
    }


def _candles_of(bars: Candles, at_ms: IntArray) -> IntArray:
    """The openings of the candles that instants lie in; the one before where that one is missing."""
    return bars.open_ms[np.maximum(np.searchsorted(bars.open_ms, at_ms, side="right") - 1, 0)]


def curves_of(backtest: Backtest) -> dict[str, Any]:
    """Equity, buy-and-hold of the same money, and how far (in percent) it lay below its peak. The browser sets point
    beside point, so they are evenly apart in time: the last equity of so many candles, and their deepest fall."""
    folded = folded_of(backtest)
    if folded is None or not len(folded.equity_ms):
        return {"initial": 0.0, "equity": [], "hold": [], "drawdown": []}
    initial_e8 = int(round(float(backtest.settings["initial_capital"]) * 1e8))
    bars = history(
        backtest.source, backtest.market, backtest.symbol, backtest.timeframe,
        start_ms=ms_of(backtest.start_at), end_ms=ms_of(backtest.end_at),
    )  # fmt: skip
    count = len(folded.equity_ms)
    first = np.arange(0, count, -(-count // MOST_POINTS))
    last = np.append(first[1:], count) - 1
    seconds = folded.equity_ms[last] // 1000
    deepest = np.minimum.reduceat(drawdown_curve(folded.equity_e8), first)
    closed = bars.open_ms + interval_ms(backtest.timeframe)
    known = np.searchsorted(closed, folded.equity_ms[last], side="right") - 1
    held = hold_curve(bars, _Capital(initial_e8))[known] if len(bars) else np.empty(0)
    return {
        "initial": initial_e8 / 1e8,
        "equity": _points(seconds, folded.equity_e8[last] / 1e8),
        "hold": _points(seconds[: len(held)], held),
        "drawdown": _points(seconds, deepest * 100),
    }


def _points(seconds: IntArray, values: FloatArray) -> list[list[float]]:
    return [[at, round(value, 4)] for at, value in zip(seconds.tolist(), values.tolist(), strict=True)]
