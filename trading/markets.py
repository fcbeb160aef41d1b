"""Prices of every symbol as the markets pages show them: from the feed, else from the exchange, asked rarely.

Nothing here is needed for trading. What is old stays on show and says since when: nothing is invented.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import structlog

from engine.amounts import decimal_from_e8
from exchange import prices
from exchange.cache import cache
from exchange.connect import market_data
from exchange.instants import instant_of
from exchange.models import Market, Venue
from exchange.port import DayTicker, ExchangeError

logger = structlog.get_logger(__name__)

# Pages without bots of their own look at this market; a venue more is a choice more, here.
VENUE: Final = Venue.SANDBOX.value
MARKET: Final = Market.SPOT.value
# A process asks the exchange for all tickers at most this often, and only while nobody else has.
ASK_SECONDS: Final = 3.0
# Prices older than this stand still.
STILL_SECONDS: Final = 12.0
LAST_GOOD_SECONDS: Final = 86_400


class Quote(NamedTuple):
    """A symbol's price and its running 24 hours, in 1e-8; `at_ms` is market time."""

    symbol: str
    price_e8: int
    open_e8: int
    high_e8: int
    low_e8: int
    quote_volume_e8: int
    at_ms: int

    @property
    def price(self) -> Decimal:
        return decimal_from_e8(self.price_e8)

    @property
    def high(self) -> Decimal:
        return decimal_from_e8(self.high_e8)

    @property
    def low(self) -> Decimal:
        return decimal_from_e8(self.low_e8)

    @property
    def volume(self) -> Decimal:
        """Of the last 24 hours, in the quote asset."""
        return decimal_from_e8(self.quote_volume_e8)

    @property
    def change(self) -> Decimal | None:
        """Of the last 24 hours, in percent."""
        if not self.open_e8:
            return None
        return Decimal(self.price_e8 - self.open_e8) * 100 / Decimal(self.open_e8)


@dataclass(frozen=True)
class Board:
    """All quotes, and when (epoch seconds) somebody who knows last told us; None: never."""

    quotes: dict[str, Quote] = field(default_factory=dict)
    learnt_at: float | None = None

    @property
    def learnt_ms(self) -> int | None:
        return None if self.learnt_at is None else int(self.learnt_at * 1000)

    @property
    def learnt_moment(self) -> datetime | None:
        return None if self.learnt_ms is None else instant_of(self.learnt_ms)

    def stands_still(self, now: float) -> bool:
        return self.learnt_at is None or now - self.learnt_at > STILL_SECONDS


def board_of(venue: str = VENUE, market: str = MARKET, *, now: float | None = None) -> Board:
    """What the feed says, else what the exchange does, for at most one request. Never raises for any of them away."""
    now = time.time() if now is None else now
    told = prices.published(venue, market)
    return board_from(told.values(), now) if told else asked_board(venue, market, now=now)


def asked_board(venue: str = VENUE, market: str = MARKET, *, now: float | None = None) -> Board:
    """What the exchange says when it is asked, which is rarely. Never raises for an exchange or a Redis away."""
    now = time.time() if now is None else now
    return _asking.board(venue, market, now)


def board_from(tickers: Iterable[DayTicker], learnt_at: float) -> Board:
    found = (
        Quote(row.symbol, row.price_e8, row.open_e8, row.high_e8, row.low_e8, row.quote_volume_e8, row.at_ms)
        for row in tickers
    )
    return Board({quote.symbol: quote for quote in found}, learnt_at)


class _Asking:
    """One memory a process: who comes while another thread asks takes what is known."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Board] = {}
        self._tried_at: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._is_away = False

    def board(self, venue: str, market: str, now: float) -> Board:
        name = (venue, market)
        known = self._known.get(name)
        # The first caller has nothing to show yet: it waits for whoever asks.
        if not self._lock.acquire(blocking=known is None):
            return known or Board()
        try:
            if abs(now - self._tried_at.get(name, 0.0)) >= ASK_SECONDS:
                found = self._asked(venue, market, now)
                self._known[name] = _newer(self._known.get(name, Board()), found)
                # What another process has learnt is as old as it is; a failure is not tried again at once.
                is_new = found.learnt_at is not None and now - found.learnt_at < ASK_SECONDS
                self._tried_at[name] = found.learnt_at if is_new and found.learnt_at else now
            return self._known[name]
        finally:
            self._lock.release()

    def _asked(self, venue: str, market: str, now: float) -> Board:
        shared = _unpacked(cache().get(_key(venue, market)))
        if shared.learnt_at is not None and now - shared.learnt_at < ASK_SECONDS:
            return shared
        try:
            tickers = market_data(venue).day_tickers()
        except ExchangeError as error:
            # Asked every few seconds: said once.
            if not self._is_away:
                logger.warning("tickers_not_asked", venue=venue, error=type(error).__name__)
            self._is_away = True
            return shared
        self._is_away = False
        found = board_from(tickers, now)
        cache().put(_key(venue, market), _packed(found), ttl_seconds=LAST_GOOD_SECONDS)
        return found

    def forget(self) -> None:
        self._known.clear()
        self._tried_at.clear()


_asking = _Asking()


def forget_board() -> None:
    """What this process remembers belongs to another installation; for tests."""
    _asking.forget()


def _newer(one: Board, other: Board) -> Board:
    return other if (other.learnt_at or 0.0) >= (one.learnt_at or 0.0) else one


def _packed(board: Board) -> dict[str, Any]:
    return {"at": board.learnt_at, "rows": [list(quote) for quote in board.quotes.values()]}


def _unpacked(kept: dict[str, Any] | None) -> Board:
    if kept is None:
        return Board()
    return Board({row[0]: Quote(*row) for row in kept["rows"]}, kept["at"])


def _key(venue: str, market: str) -> str:
    return f"board:{venue}:{market}"
