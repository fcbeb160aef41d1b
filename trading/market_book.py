"""Order book and tape of a symbol, as its page shows them: asked once a second for everybody who looks.

The answer is shared through Redis, else by this process; while the exchange is away the last one stays, and says so.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import structlog

from engine.amounts import decimal_from_e8
from exchange.cache import cache
from exchange.connect import market_data
from exchange.instants import instant_of
from exchange.port import ExchangeError
from trading.markets import MARKET, VENUE

logger = structlog.get_logger(__name__)

ASK_SECONDS: Final = 1.0
OLD_SECONDS: Final = 6.0
LEVELS: Final = 12
TRADES: Final = 16
# Bars grow in steps of a twentieth: classes, because a page has no inline style.
BAR_STEPS: Final = 20


@dataclass(frozen=True)
class Level:
    """One price of the book; `reach` is all that waits from the best price to here, `bar` its share, 0 to 20."""

    price: Decimal
    quantity: Decimal
    reach: Decimal
    bar: int


@dataclass(frozen=True)
class TapeTrade:
    price: Decimal
    quantity: Decimal
    at: datetime
    is_buy: bool


@dataclass(frozen=True)
class MarketDepth:
    """Best first on both sides. `asked_at` (epoch seconds) is None when the exchange has never answered."""

    bids: list[Level]
    asks: list[Level]
    trades: list[TapeTrade]
    asked_at: float | None
    is_old: bool

    @property
    def spread(self) -> Decimal | None:
        return self.asks[0].price - self.bids[0].price if self.asks and self.bids else None


_kept: dict[str, dict[str, Any]] = {}
_tried_at: dict[str, float] = {}
_away: set[str] = set()
_lock = threading.Lock()


def depth_of(symbol: str, *, now: float | None = None) -> MarketDepth:
    """The book and the newest trades. Never raises for an exchange or a Redis away."""
    now = time.time() if now is None else now
    raw = _shared(symbol, now)
    if raw is None:
        return MarketDepth([], [], [], None, True)
    reach = max(_total(raw["bids"]), _total(raw["asks"]), 1)
    return MarketDepth(
        bids=_levels(raw["bids"], reach),
        asks=_levels(raw["asks"], reach),
        trades=[_trade(*row) for row in raw["trades"]],
        asked_at=raw["at"],
        is_old=now - raw["at"] > OLD_SECONDS,
    )


def forget_depth() -> None:
    """For tests: what this process remembers belongs to another market."""
    _kept.clear()
    _tried_at.clear()


def _shared(symbol: str, now: float) -> dict[str, Any] | None:
    kept = cache().get(_key(symbol)) or _kept.get(symbol)
    if kept is not None and now - kept["at"] < ASK_SECONDS:
        return dict(kept)
    # Whoever finds another asking shows what is there; only the first of all has to wait.
    if not _lock.acquire(blocking=kept is None):
        return kept
    try:
        if abs(now - _tried_at.get(symbol, 0.0)) < ASK_SECONDS:
            return _kept.get(symbol, kept)
        _tried_at[symbol] = now
        asked = _asked(symbol, now) or kept
        if asked is not None:
            _kept[symbol] = asked
        return asked
    finally:
        _lock.release()


def _asked(symbol: str, now: float) -> dict[str, Any] | None:
    try:
        market = market_data(VENUE)
        book = market.book(symbol, levels=LEVELS)
        trades = market.recent_trades(symbol, limit=TRADES)
    except ExchangeError as error:
        # Asked every second: said once.
        if symbol not in _away:
            logger.warning("book_not_asked", symbol=symbol, error=type(error).__name__)
        _away.add(symbol)
        return None
    _away.discard(symbol)
    found = {
        "at": now,
        "bids": [list(level) for level in book.bids],
        "asks": [list(level) for level in book.asks],
        "trades": [[row.price_e8, row.quantity_e8, row.at_ms, not row.is_buyer_maker] for row in trades],
    }
    cache().put(_key(symbol), found, ttl_seconds=60)
    return found


def _total(levels: list[list[int]]) -> int:
    return sum(quantity for _price, quantity in levels)


def _levels(levels: list[list[int]], whole_e8: int) -> list[Level]:
    found, reach = [], 0
    for price_e8, quantity_e8 in levels:
        reach += quantity_e8
        bar = max(1, reach * BAR_STEPS // whole_e8)
        found.append(
            Level(decimal_from_e8(price_e8), decimal_from_e8(quantity_e8), decimal_from_e8(reach), bar)
        )
    return found


def _trade(price_e8: int, quantity_e8: int, at_ms: int, is_buy: bool) -> TapeTrade:
    return TapeTrade(decimal_from_e8(price_e8), decimal_from_e8(quantity_e8), instant_of(at_ms), is_buy)


def _key(symbol: str) -> str:
    return f"depth:{VENUE}:{MARKET}:{symbol}"
