"""The recorded market moved to the present: prices, candles and statuses at an instant of market time.

Shift and tapes decide everything here; who looks, and how often, changes nothing.
"""

from dataclasses import dataclass

import numpy as np

from exchange.sandbox.path import first_touch, price_inside, range_until
from exchange.sandbox.tape import E8, MINUTE_MS, IntArray, Tape

WEEK_MS = 7 * 24 * 60 * MINUTE_MS
NEAR_MINUTES = 1_000
AVERAGE_MINUTES = 5
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

    def average_e8(self, symbol: str, market_ms: int) -> int:
        """The volume-weighted price of the last five minutes; where nothing was traded, the price now."""
        start_ms = market_ms - AVERAGE_MINUTES * MINUTE_MS + 1
        last = self.minutes(symbol, start_ms=start_ms, end_ms=market_ms, market_ms=market_ms)
        volume = int(last.volume.sum())
        return int(last.quote_e8.sum()) * E8 // volume if volume else self.price_e8(symbol, market_ms)

    def first_touch(self, symbol: str, after_ms: int, level_e8: int, *, rising: bool) -> int | None:
        """The first market ms later than `after_ms` at which the path stands at or beyond `level_e8`, seen upwards when
        `rising`; None if the recording never goes there. Minutes are searched by their extremes, not walked."""
        tape = self.tapes[symbol]
        origin_ms = self.first_open_ms(symbol)
        index, offset = divmod(max(after_ms - origin_ms, -1), MINUTE_MS)
        level = -(-level_e8 // tape.tick_e8) if rising else level_e8 // tape.tick_e8
        if 0 <= index < len(tape):
            found = first_touch(tape.minute(index)[:4], level, rising=rising, after_ms=offset)
            if found is not None:
                return origin_ms + index * MINUTE_MS + found
        reaching = _first_reaching(tape, index + 1, level, rising=rising)
        if reaching is None:
            return None
        found = first_touch(tape.minute(reaching)[:4], level, rising=rising, after_ms=-1)
        return None if found is None else origin_ms + reaching * MINUTE_MS + found

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


def _first_reaching(tape: Tape, first: int, level: int, *, rising: bool) -> int | None:
    """The first minute from `first` on whose extreme is at or beyond `level`; near minutes are looked at first."""
    span = NEAR_MINUTES
    while first < len(tape):
        part = slice(first, first + span)
        reached = tape.high[part] >= level if rising else tape.low[part] <= level
        nearest = int(reached.argmax())
        if reached[nearest]:
            return first + nearest
        first, span = first + span, span * 8
    return None
