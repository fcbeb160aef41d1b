"""The candle store: `sync` and `read` serve the market's end, `ensure` and `history` years of minutes for backtests.

Only closed candles are ever stored, and one that is stored never changes. Call `sync` outside a transaction: what it
stored is remembered by the process and must not be rolled back.
"""

from __future__ import annotations

from engine.market import Candles, interval_ms
from exchange.candles.asking import PAGE, FetchCancelled
from exchange.candles.blocks import CandlesDiffer
from exchange.candles.fetching import Absent, Ensured, absent, ensure
from exchange.candles.gaps import Gap, find_gaps
from exchange.candles.history import fingerprint, history, known_range, stored, stored_symbols
from exchange.candles.months import pack_settled_days
from exchange.candles.packing import DamagedBlock
from exchange.candles.store import Series, insert, insert_newest
from exchange.candles.window import Stretch, forget_windows, window_of
from exchange.models import Venue
from exchange.port import MarketData

__all__ = [
    "Absent", "CandlesDiffer", "DamagedBlock", "Ensured", "FetchCancelled", "Gap", "Series", "absent", "ensure",
    "find_gaps", "fingerprint", "forget_windows", "history", "insert_newest", "known_range", "pack_settled_days",
    "read", "source_of", "stored_symbols", "sync",
]  # fmt: skip


def source_of(venue: str) -> str:
    """Whose candles a venue's bots look at."""
    return "sandbox" if venue == Venue.SANDBOX else "binance"


def sync(
    market_data: MarketData,
    source: str,
    market: str,
    symbol: str,
    interval: str,
    *,
    count: int,
    until_open_ms: int,
) -> None:
    """Store what is missing of the last `count` candles up to and including the one opened at `until_open_ms`.

    Costs nothing when this process knows the stretch, one query when the database has it, else one request a
    thousand candles. A candle that is not closed yet is left out. Raises `ExchangeError`.
    """
    series, length = Series(source, market, symbol, interval), interval_ms(interval)
    if until_open_ms % length or count < 1:
        raise ValueError("sync needs the opening of a candle and a count of at least 1")
    start_ms = until_open_ms - (count - 1) * length
    window = window_of(series)
    with window.lock:
        known = window.known
        if known.covers(start_ms, until_open_ms):
            return
        reaches = known.start_ms <= start_ms <= known.until_ms + length
        from_ms = known.until_ms + length if reaches else start_ms
        complete_ms, found = _completed(market_data, series, from_ms, until_open_ms)
        if complete_ms >= from_ms:
            window.known = known.joined(Stretch(from_ms, complete_ms, found), length)


def read(
    source: str,
    market: str,
    symbol: str,
    interval: str,
    *,
    count: int | None = None,
    start_ms: int | None = None,
    until_open_ms: int,
) -> Candles:
    """The stored candles from `start_ms`, or the last `count`, up to and including `until_open_ms`; no network.

    Each opening once, oldest first. What is not stored is simply not there: ask `find_gaps`.
    """
    series, length = Series(source, market, symbol, interval), interval_ms(interval)
    if start_ms is None:
        if count is None:
            raise TypeError("read needs `count` or `start_ms`")
        start_ms = until_open_ms - (count - 1) * length
    known = window_of(series).known
    if known.covers(start_ms, until_open_ms):
        return known.part(start_ms, until_open_ms)
    return stored(series, start_ms, until_open_ms)


def _completed(market_data: MarketData, series: Series, start_ms: int, until_ms: int) -> tuple[int, Candles]:
    """Fetch the gaps of a stretch. Returns the opening up to which nothing is missing any more, and all there is."""
    found = stored(series, start_ms, until_ms)
    gaps = find_gaps(found, series.interval, start_ms, until_ms)
    if not gaps:
        return until_ms, found
    fetched_until = [_fetch(market_data, series, gap) for gap in gaps]
    # Candles after a gap prove that the gap is over; only the last one can still be growing.
    complete_ms = fetched_until[-1] if gaps[-1].last_ms == until_ms else until_ms
    return complete_ms, stored(series, start_ms, complete_ms)


def _fetch(market_data: MarketData, series: Series, gap: Gap) -> int:
    """Ask for a gap page by page and store what is closed. Returns the opening up to which nothing more can come."""
    symbol, interval, length = series.symbol, series.interval, interval_ms(series.interval)
    at_ms = gap.first_ms
    while True:
        # One more than wanted: a candle is closed where a later one exists.
        page = market_data.candles(symbol, interval, start_ms=at_ms, end_ms=gap.last_ms + length, limit=PAGE)
        if not len(page):
            return at_ms - length
        insert(series, page[:-1])
        newest_ms = int(page.open_ms[-1])
        if newest_ms > gap.last_ms:
            return gap.last_ms
        if len(page) < PAGE:
            return newest_ms if _store_newest(market_data, series, newest_ms) else newest_ms - length
        at_ms = newest_ms


def _store_newest(market_data: MarketData, series: Series, open_ms: int) -> bool:
    """A candle without a later one is closed if the market's time says so; then it is read again, now that it is."""
    symbol, interval = series.symbol, series.interval
    if market_data.market_time_ms(symbol) < open_ms + interval_ms(interval):
        return False
    insert(series, market_data.candles(symbol, interval, start_ms=open_ms, end_ms=open_ms, limit=1))
    return True
