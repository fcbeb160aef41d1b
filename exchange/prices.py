"""Prices as the feed hears them: a hash in Redis that lives as long as the feed does, and news of what changes.

Without feed or Redis nothing is known here: who needs a price then asks the exchange.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import astuple
from typing import Any, Final

from exchange.cache import cache
from exchange.port import DayTicker

# A feed that is cut off replaces its stream after 15 s; prices older than this are nobody's.
TTL_SECONDS: Final = 20.0


def publish(venue: str, market: str, tickers: Iterable[DayTicker]) -> bool:
    """Keep the newest price of these symbols and tell the listeners; without tickers, what is kept lives on."""
    fields = {ticker.symbol: _packed(ticker) for ticker in tickers}
    return cache().put_fields(_key(venue, market), fields, ttl_seconds=TTL_SECONDS, news=_key(venue, market))


def published(venue: str, market: str) -> dict[str, DayTicker]:
    """Every symbol's running day as the feed says it; empty while feed or Redis are away."""
    kept = cache().get_fields(_key(venue, market))
    return {symbol: _unpacked(symbol, row) for symbol, row in kept.items()}


async def changes(venue: str, market: str) -> AsyncIterator[dict[str, DayTicker]]:
    """What changes from now on, by symbol. Ends when Redis is away; whoever listens begins anew in a while."""
    async for told in cache().news(_key(venue, market)):
        yield {symbol: _unpacked(symbol, row) for symbol, row in told.items()}


def _key(venue: str, market: str) -> str:
    return f"prices:{venue}:{market}"


def _packed(ticker: DayTicker) -> list[int]:
    return list(astuple(ticker)[1:])


def _unpacked(symbol: str, row: list[Any]) -> DayTicker:
    return DayTicker(symbol, *row)
