"""Prices as the feed hears them: a hash in Redis that lives as long as the feed does, and news of what changes.

Readers need neither: without feed or Redis they ask the exchange, and the log says so once until it is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import astuple
from typing import Any, Final

import structlog

from exchange.cache import cache
from exchange.connect import market_data
from exchange.port import DayTicker, ExchangeError

logger = structlog.get_logger(__name__)

# A feed that is cut off replaces its stream after 15 s; prices older than this are nobody's.
TTL_SECONDS: Final = 20.0
# All tickers are a dear request: a process asks for them at most this often.
ASK_SECONDS: Final = 2.0


def publish(venue: str, market: str, tickers: Iterable[DayTicker]) -> bool:
    """Keep the newest price of these symbols and tell the listeners; without tickers, what is kept lives on."""
    fields = {ticker.symbol: _packed(ticker) for ticker in tickers}
    return cache().put_fields(_key(venue, market), fields, ttl_seconds=TTL_SECONDS, news=_key(venue, market))


def last_price_e8(venue: str, market: str, symbol: str) -> tuple[int, int] | None:
    """(price in 1e-8, market time in ms); None where neither the feed nor the exchange says any."""
    kept = cache().get_field(_key(venue, market), symbol)
    if kept is not None:
        _say_once(venue, is_away=False)
        ticker = _unpacked(symbol, kept)
        return ticker.price_e8, ticker.at_ms
    _say_once(venue, is_away=True)
    try:
        data = market_data(venue)
        return data.price_e8(symbol), data.market_time_ms(symbol)
    except ExchangeError as error:
        logger.warning("price_not_asked", venue=venue, symbol=symbol, cause=str(error))
        return None


def prices(venue: str, market: str) -> dict[str, DayTicker]:
    """Every symbol's running day; empty where neither the feed nor the exchange says anything."""
    found = published(venue, market)
    _say_once(venue, is_away=not found)
    return found or _asked(venue)


def published(venue: str, market: str) -> dict[str, DayTicker]:
    """The same as the feed alone says it; empty while feed or Redis are away."""
    kept = cache().get_fields(_key(venue, market))
    return {symbol: _unpacked(symbol, row) for symbol, row in kept.items()}


async def changes(venue: str, market: str) -> AsyncIterator[dict[str, DayTicker]]:
    """What changes from now on, by symbol. Ends when Redis is away; whoever listens begins anew in a while."""
    async for told in cache().news(_key(venue, market)):
        yield {symbol: _unpacked(symbol, row) for symbol, row in told.items()}


def forget_asked() -> None:
    """Drop what this process remembers; for tests."""
    _remembered.clear()
    _said_away.clear()


def _key(venue: str, market: str) -> str:
    return f"prices:{venue}:{market}"


def _packed(ticker: DayTicker) -> list[int]:
    return list(astuple(ticker)[1:])


def _unpacked(symbol: str, row: list[Any]) -> DayTicker:
    return DayTicker(symbol, *row)


_remembered: dict[str, tuple[float, dict[str, DayTicker]]] = {}
_said_away: set[str] = set()
_asking = threading.Lock()


def _asked(venue: str) -> dict[str, DayTicker]:
    with _asking:
        at, known = _remembered.get(venue, (float("-inf"), {}))
        if time.monotonic() - at < ASK_SECONDS:
            return known
        try:
            known = {ticker.symbol: ticker for ticker in market_data(venue).day_tickers()}
        except ExchangeError as error:
            logger.warning("prices_not_asked", venue=venue, cause=str(error))
        _remembered[venue] = (time.monotonic(), known)
        return known


def _say_once(venue: str, *, is_away: bool) -> None:
    if is_away and venue not in _said_away:
        _said_away.add(venue)
        logger.warning("prices_by_request", venue=venue)
    elif not is_away:
        _said_away.discard(venue)
