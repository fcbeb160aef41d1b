"""The recorded market moved to the present: prices, candles and statuses at an instant of market time.

Shift and tapes decide everything here; who looks, and how often, changes nothing.
"""

from dataclasses import dataclass

import numpy as np

from exchange.sandbox.path import price_inside, range_until
from exchange.sandbox.tape import MINUTE_MS, IntArray, Tape

WEEK_MS = 7 * 24 * 60 * MINUTE_MS
TRADING, BREAK = "TRADING", "BREAK"


@dataclass(frozen=True)
class Minutes:
    """Consecutive minutes in market time; the last may still be running. Ticks, 1e-8 base, 1e-8 quote."""

    first_open_ms: int
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray
    quote_e8: IntArray

    def __len__(self) -> int:
        return len(self.open)


class Market:
    """All tapes under one shift (`market time = recorded time + shift`, whole weeks)."""

    def __init__(self, tapes: dict[str, Tape], shift_weeks: int):
        self.tapes = tapes
        self.shift_ms = shift_weeks * WEEK_MS

    def position(self, symbol: str, market_ms: int) -> tuple[int, int]:
        """(minute index, ms into it); beyond the recording its last instant, before it its first."""
        tape = self.tapes[symbol]
        index, offset = divmod(market_ms - self.shift_ms - tape.first_open_ms, MINUTE_MS)
        if index >= len(tape):
            return len(tape) - 1, MINUTE_MS - 1
        return (0, 0) if index < 0 else (index, offset)

    def status(self, symbol: str, market_ms: int) -> str:
        return TRADING if market_ms < self.end_ms(symbol) else BREAK

    def first_open_ms(self, symbol: str) -> int:
        return self.tapes[symbol].first_open_ms + self.shift_ms

    def end_ms(self, symbol: str) -> int:
        """Market time at which the recording of this symbol is over."""
        return self.tapes[symbol].end_ms + self.shift_ms

    def price_e8(self, symbol: str, market_ms: int) -> int:
        tape = self.tapes[symbol]
        index, offset = self.position(symbol, market_ms)
        return price_inside(tape.minute(index)[:4], offset) * tape.tick_e8

    def minutes(self, symbol: str, *, start_ms: int, end_ms: int, market_ms: int) -> Minutes:
        """Minutes opening within start..end (inclusive) that have begun by `market_ms`; the running one shows only
        what the path has done so far."""
        tape, origin_ms = self.tapes[symbol], self.first_open_ms(symbol)
        running, offset = self.position(symbol, market_ms)
        first = max(0, -(-(start_ms - origin_ms) // MINUTE_MS))
        last = min(running, (end_ms - origin_ms) // MINUTE_MS)
        part = slice(first, max(first, last + 1))
        open_, high, low, close, volume = (
            np.array(column[part]) for column in (tape.open, tape.high, tape.low, tape.close, tape.volume)
        )
        if first <= last == running and market_ms < self.end_ms(symbol):
            minute = tape.minute(last)
            high[-1], low[-1] = range_until(minute[:4], offset)
            close[-1] = price_inside(minute[:4], offset)
            volume[-1] = minute[4] * offset // MINUTE_MS
        typical = (high + low + close) // 3
        return Minutes(
            first_open_ms=origin_ms + first * MINUTE_MS,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            quote_e8=typical * volume // (10**8 // tape.tick_e8),
        )
