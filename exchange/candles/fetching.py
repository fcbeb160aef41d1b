"""Missing minutes fetched from a venue, years of them if need be, straight into blocks.

What was fetched is stored even when the rest is cancelled or fails: asking again goes on from there. What the exchange
has no candle of is recorded as a gap, so that it is known; it is never invented.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from engine.market import MINUTE_MS, concat
from exchange.candles.asking import PAGE, Asking, Page
from exchange.candles.blocks import add
from exchange.candles.gaps import Gap, find_gaps, record_gaps, recorded_gaps, without
from exchange.candles.history import minutes
from exchange.candles.store import MINUTES, Series
from exchange.models import Market
from exchange.port import ExchangeError, MarketData

# A block is rewritten as often as candles are stored: about a month at a time.
STORED_TOGETHER: Final = 40 * PAGE


class CannotFetch(ExchangeError):
    """This version's venues serve candles of the spot market only; nothing was asked."""


class Absent(NamedTuple):
    """What a stretch has no candle for: `unknown` nobody was asked about yet, `known` the exchange does not have."""

    unknown: list[Gap]
    known: list[Gap]


class Ensured(NamedTuple):
    """How many candles came, and what is still absent."""

    fetched: int
    absent: Absent


def absent(source: str, market: str, symbol: str, *, start_ms: int, end_ms: int) -> Absent:
    """Of the minutes that open at `start_ms` or later and are over at `end_ms`, those that are not stored."""
    series = Series(source, market, symbol, MINUTES)
    first_ms, last_ms = -(-start_ms // MINUTE_MS) * MINUTE_MS, end_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
    if first_ms > last_ms:
        return Absent([], [])
    holes = find_gaps(minutes(series, first_ms, last_ms), MINUTES, first_ms, last_ms)
    unknown = without(holes, recorded_gaps(series, first_ms, last_ms), MINUTE_MS)
    return Absent(unknown, without(holes, unknown, MINUTE_MS))


def _nobody(done: int, wanted: int) -> None:
    """Nobody listens."""


def ensure(
    market_data: MarketData,
    source: str,
    market: str,
    symbol: str,
    *,
    start_ms: int,
    end_ms: int,
    progress: Callable[[int, int], None] = _nobody,
    is_cancelled: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> Ensured:
    """Store what is missing of the minutes that open at `start_ms` or later and are over at `end_ms`.

    No request where nothing is missing. `progress` hears (minutes done, minutes wanted) after every answer. Call it
    outside a transaction. Raises `FetchCancelled` and `ExchangeError`; what came before that is stored.
    """
    wanted = absent(source, market, symbol, start_ms=start_ms, end_ms=end_ms).unknown
    if wanted and market != Market.SPOT:
        raise CannotFetch(f"Candles of {market} cannot be fetched by this version; import them from files.")
    asking, basket = (
        Asking(market_data, symbol, is_cancelled, sleep),
        _Basket(Series(source, market, symbol, MINUTES)),
    )
    total, done = sum(_minutes_in(*gap) for gap in wanted), 0
    try:
        for gap in wanted:
            for page in asking.pages(gap):
                basket.put(page)
                done += _minutes_in(page.first_ms, page.until_ms)
                progress(done, total)
    finally:
        basket.empty()
    return Ensured(basket.stored, absent(source, market, symbol, start_ms=start_ms, end_ms=end_ms))


@dataclass
class _Basket:
    """Answers on their way into blocks, with the gaps between their candles."""

    series: Series
    pages: list[Page] = field(default_factory=list)
    stored: int = 0

    def put(self, page: Page) -> None:
        self.pages.append(page)
        if sum(len(kept.candles) for kept in self.pages) >= STORED_TOGETHER:
            self.empty()

    def empty(self) -> None:
        pages, self.pages = self.pages, []
        self.stored += add(self.series, concat(page.candles for page in pages))
        record_gaps(
            self.series,
            (gap for page in pages for gap in find_gaps(page.candles, MINUTES, page.first_ms, page.until_ms)),
        )


def _minutes_in(first_ms: int, until_ms: int) -> int:
    return (until_ms - first_ms) // MINUTE_MS + 1
