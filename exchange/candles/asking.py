"""A venue asked for a stretch of minutes, page by page, as patiently as it asks us to be.

Each answer says of which stretch it holds all candles there are: only closed ones, and a hole only once it is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.market import MINUTE_MS, Candles, concat, last_closed_opening
from exchange.candles.gaps import Gap
from exchange.candles.store import MINUTES
from exchange.port import MarketData, RateLimited

PAGE: Final = 1000
# An exchange that asks for more patience than this, or again and again, is not waited for.
LONGEST_WAIT_SECONDS: Final = 120
WAITS: Final = 5
# So long after its end a minute without a candle will not get one any more.
CERTAIN_AFTER_MS: Final = 60 * MINUTE_MS


class FetchCancelled(Exception):
    """Whoever asked for candles does not want them any more; those fetched so far are stored."""


@dataclass(frozen=True)
class Page:
    """All the candles there are from `first_ms` to `until_ms` (openings, inclusive)."""

    first_ms: int
    until_ms: int
    candles: Candles


@dataclass(frozen=True)
class Asking:
    """Whom to ask, about which symbol, and how to wait."""

    market_data: MarketData
    symbol: str
    is_cancelled: Callable[[], bool]
    sleep: Callable[[float], None]

    def pages(self, gap: Gap) -> Iterator[Page]:
        """The gap in stretches that follow one another; they end early where the market has not got further."""
        at_ms = gap.first_ms
        while at_ms <= gap.last_ms:
            # One more than wanted: a candle is closed where a later one exists.
            found = self._candles(at_ms, gap.last_ms + MINUTE_MS, PAGE)
            newest_ms = int(found.open_ms[-1]) if len(found) else at_ms - MINUTE_MS
            if newest_ms > gap.last_ms:
                yield Page(at_ms, gap.last_ms, found[:-1])
                return
            if len(found) < PAGE:
                yield from self._end(at_ms, gap.last_ms, found)
                return
            yield Page(at_ms, newest_ms - MINUTE_MS, found[:-1])
            at_ms = newest_ms

    def _end(self, at_ms: int, last_ms: int, found: Candles) -> Iterator[Page]:
        """Nothing later exists: the newest candle may still grow, and holes after it may still be filled."""
        now_ms = self.market_data.market_time_ms(self.symbol)
        until_ms = min(last_ms, last_closed_opening(now_ms - CERTAIN_AFTER_MS, MINUTES))
        closed = found[:-1]
        if len(found):
            newest_ms = int(found.open_ms[-1])
            if newest_ms <= last_closed_opening(now_ms, MINUTES):
                # Closed by now: it is read again as it ended.
                closed, until_ms = (
                    concat([closed, self._candles(newest_ms, newest_ms, 1)]),
                    max(until_ms, newest_ms),
                )
            else:
                until_ms = newest_ms - MINUTE_MS
        if until_ms >= at_ms:
            yield Page(at_ms, until_ms, closed)

    def _candles(self, start_ms: int, end_ms: int, limit: int) -> Candles:
        for _ in range(WAITS):
            if self.is_cancelled():
                raise FetchCancelled("Fetching candles was cancelled.")
            try:
                return self.market_data.candles(
                    self.symbol, MINUTES, start_ms=start_ms, end_ms=end_ms, limit=limit
                )
            except RateLimited as asked:
                if asked.retry_after_seconds > LONGEST_WAIT_SECONDS:
                    raise
                self._wait(asked.retry_after_seconds)
        raise RateLimited(LONGEST_WAIT_SECONDS)

    def _wait(self, seconds: int) -> None:
        for _ in range(seconds):
            if self.is_cancelled():
                return
            self.sleep(1)
