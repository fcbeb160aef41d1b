"""Candles of any interval from minutes, as Binance builds them: openings aligned to UTC, the running one last."""

from dataclasses import dataclass

import numpy as np

from exchange.sandbox.market import Market, Minutes
from exchange.sandbox.tape import MINUTE_MS, IntArray

_HOUR, _DAY = 60, 24 * 60
INTERVAL_MS = {
    name: minutes * MINUTE_MS
    for name, minutes in {
        "1m": 1,
        "3m": 3,
        "5m": 5,
        "15m": 15,
        "30m": 30,
        "1h": _HOUR,
        "2h": 2 * _HOUR,
        "4h": 4 * _HOUR,
        "6h": 6 * _HOUR,
        "8h": 8 * _HOUR,
        "12h": 12 * _HOUR,
        "1d": _DAY,
        "3d": 3 * _DAY,
        "1w": 7 * _DAY,
    }.items()
}
WEEK_ORIGIN_MS = 4 * _DAY * MINUTE_MS  # 1970-01-01 was a Thursday; weeks open on Mondays.


@dataclass(frozen=True)
class Bars:
    """Aggregated candles, oldest first. Prices in e8, volume in 1e-8 base, quote in 1e-8."""

    open_ms: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray
    quote_e8: IntArray

    def __len__(self) -> int:
        return len(self.open_ms)


def opening_of(at_ms: int, interval: str) -> int:
    """The opening (ms UTC) of the candle that contains `at_ms`."""
    origin = WEEK_ORIGIN_MS if interval == "1w" else 0
    step = INTERVAL_MS[interval]
    return (at_ms - origin) // step * step + origin


@dataclass(frozen=True)
class Window:
    """What a klines request asks for; times bound the opening and are inclusive."""

    interval: str
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None


def opening_bounds(window: Window, first_ms: int, market_ms: int) -> tuple[int, int]:
    """(first, last) opening to answer with; first > last means none."""
    step = INTERVAL_MS[window.interval]
    newest = opening_of(
        market_ms if window.end_ms is None else min(window.end_ms, market_ms), window.interval
    )
    oldest = opening_of(first_ms, window.interval)
    if window.start_ms is None:
        return max(oldest, newest - (window.limit - 1) * step), newest
    start = opening_of(window.start_ms + step - 1, window.interval)
    oldest = max(oldest, start)
    return oldest, min(newest, oldest + (window.limit - 1) * step)


def bars(market: Market, symbol: str, window: Window, market_ms: int) -> Bars:
    """The candles of `window` as they stand at `market_ms`."""
    step = INTERVAL_MS[window.interval]
    newest_minute_ms = min(market_ms, market.end_ms(symbol) - 1)
    oldest, newest = opening_bounds(window, market.first_open_ms(symbol), newest_minute_ms)
    if oldest > newest:
        return Bars(*(np.empty(0, dtype=np.int64) for _ in range(7)))
    minutes = market.minutes(symbol, start_ms=oldest, end_ms=newest + step - 1, market_ms=market_ms)
    return _aggregated(minutes, opening=oldest, step=step, tick_e8=market.tapes[symbol].tick_e8)


def _aggregated(minutes: Minutes, *, opening: int, step: int, tick_e8: int) -> Bars:
    opens_ms = minutes.first_open_ms + np.arange(len(minutes), dtype=np.int64) * MINUTE_MS
    bucket = (opens_ms - opening) // step
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    ends = np.append(starts[1:], len(minutes)) - 1
    return Bars(
        open_ms=opening + bucket[starts] * step,
        open=minutes.open[starts] * tick_e8,
        high=np.maximum.reduceat(minutes.high, starts) * tick_e8,
        low=np.minimum.reduceat(minutes.low, starts) * tick_e8,
        close=minutes.close[ends] * tick_e8,
        volume=np.add.reduceat(minutes.volume, starts),
        quote_e8=np.add.reduceat(minutes.quote_e8, starts),
    )
