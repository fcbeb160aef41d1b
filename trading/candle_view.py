"""Closed candles for a client: by symbol and interval, from and to, oldest first. Missing ones are fetched, none is
invented: what the exchange does not have is not there.
"""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

import structlog

from engine.amounts import decimal_from_e8
from engine.market import Candles, interval_ms, last_closed_opening
from exchange import candles as store
from exchange.connect import market_data
from exchange.fields import plain
from exchange.port import ExchangeError

logger = structlog.get_logger(__name__)

LONGEST: Final = 1000


class Wanted(NamedTuple):
    """A stretch of one series. Without `from_ms` the last `limit` candles before its end."""

    venue: str
    market: str
    symbol: str
    interval: str
    from_ms: int | None
    to_ms: int | None
    limit: int


def candles_wanted(wanted: Wanted) -> Candles:
    """What is stored of the stretch after asking the exchange for the rest; stored only, when it is away."""
    venue, market, symbol, interval, *_rest = wanted
    source, data = store.source_of(venue), market_data(venue)
    try:
        newest_ms = last_closed_opening(data.market_time_ms(symbol), interval)
        first_ms, last_ms = _bounds(wanted, newest_ms)
        if first_ms <= last_ms:
            count = (last_ms - first_ms) // interval_ms(interval) + 1
            store.sync(data, source, market, symbol, interval, count=count, until_open_ms=last_ms)
    except ExchangeError as error:
        logger.warning("candles_without_exchange", symbol=symbol, cause=type(error).__name__)
        # Whatever is stored is closed: only a question without an end needs a clock.
        until_ms = last_closed_opening(int(time.time() * 1000), interval)
        first_ms, last_ms = _bounds(wanted, until_ms if wanted.to_ms is None else wanted.to_ms)
    if first_ms > last_ms:
        return Candles.empty()
    return store.read(source, market, symbol, interval, start_ms=first_ms, until_open_ms=last_ms)


def rows_of(candles: Candles) -> list[list[Any]]:
    """Opening in milliseconds, then open, high, low, close and volume in plain notation."""
    numbers = zip(*(column.tolist() for column in candles.columns()), strict=True)
    return [[at, *(plain(decimal_from_e8(value)) for value in values)] for at, *values in numbers]


def _bounds(wanted: Wanted, newest_ms: int) -> tuple[int, int]:
    """First and last opening of the stretch, both inclusive; first after last: nothing."""
    length = interval_ms(wanted.interval)
    last_ms = newest_ms if wanted.to_ms is None else min(newest_ms, wanted.to_ms) // length * length
    span = (wanted.limit - 1) * length
    if wanted.from_ms is None:
        return max(0, last_ms - span), last_ms
    first_ms = -(-wanted.from_ms // length) * length
    return first_ms, min(last_ms, first_ms + span)
