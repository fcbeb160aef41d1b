"""Open positions as pages show them: what they are worth at the last known price, where stop and target lie, and
whether that protection stands at the exchange. Nothing here writes, and nothing asks an exchange.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet

from bots.models import BotConfig
from engine.amounts import decimal_from_e8
from engine.market import INTERVAL_MS
from engine.orders import PROTECTION, OrderState, Purpose
from exchange import prices
from exchange.models import CandleRow, Market
from trading.models import Order, Position
from trading.models.money import PositionAction
from trading.orders.cover import STANDS

# What a market sale costs, as a share of its amount.
TAKER_FEE: Final = Decimal("0.001")


def last_prices(symbols: set[str], now: datetime, source: str = "sandbox") -> dict[str, Decimal]:
    """As the feed hears them; those it does not know, as the newest stored candle closed."""
    heard = prices.published(source, Market.SPOT) if symbols else {}
    known = {symbol: decimal_from_e8(heard[symbol].price_e8) for symbol in symbols if symbol in heard}
    missing = symbols - known.keys()
    return known | (_closes(missing, now, source) if missing else {})


def _closes(symbols: set[str], now: datetime, source: str) -> dict[str, Decimal]:
    """Close of the newest stored candle of each symbol, whatever its interval; none older than a few days."""
    newest = CandleRow.objects.filter(
        # Every column of the index is named, so that the days asked for are all that is read.
        source=source,
        market=Market.SPOT,
        symbol__in=symbols,
        interval__in=list(INTERVAL_MS),
        open_ms__gte=int((now - timedelta(days=3)).timestamp() * 1000),
    )
    rows = newest.order_by("symbol", "-open_ms", "interval").distinct("symbol").values("symbol", "close")
    return {row["symbol"]: decimal_from_e8(row["close"]) for row in rows}


class Cover(StrEnum):
    """How a position is protected now."""

    NONE = "none"  # no stop is wanted
    STANDS = "stands"  # its stop stands at the exchange, at the price wanted
    MOVING = "moving"  # a stop stands, and another price is on its way
    COMING = "coming"  # a stop is wanted and on its way
    BARE = "bare"  # a stop is wanted, none stands, and that time is counted
    CLOSING = "closing"  # the position is being sold


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """An open position valued at the last known price; what rests on that price is None while none is known."""

    bot: BotConfig
    position: Position
    price: Decimal | None
    now: datetime
    protecting: list[Order] = field(default_factory=list)

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.position.quantity * self.price

    @property
    def result(self) -> Decimal | None:
        return None if self.value is None else self.value - self.position.cost

    @property
    def result_percent(self) -> Decimal | None:
        return (
            None if self.result is None or not self.position.cost else 100 * self.result / self.position.cost
        )

    def result_at(self, price: Decimal | None) -> Decimal | None:
        """What the round trip would bring if it were sold at `price`, its fee taken off."""
        if price is None:
            return None
        return self.position.quantity * price * (1 - TAKER_FEE) - self.position.cost

    @property
    def result_at_stop(self) -> Decimal | None:
        return self.result_at(self.position.stop_price)

    @property
    def result_at_target(self) -> Decimal | None:
        return self.result_at(self.position.target_price)

    @property
    def stop_distance(self) -> Decimal | None:
        return self._distance(self.position.stop_price)

    @property
    def target_distance(self) -> Decimal | None:
        return self._distance(self.position.target_price)

    def _distance(self, price: Decimal | None) -> Decimal | None:
        """Percent from the last price."""
        return None if price is None or not self.price else 100 * (price - self.price) / self.price

    @property
    def is_trailing(self) -> bool:
        return self.position.stop_reason == "trailing_stop"

    @property
    def cover(self) -> Cover:
        position = self.position
        if position.action == PositionAction.EXIT:
            return Cover.CLOSING
        if position.stop_price is None:
            return Cover.NONE
        if position.unprotected_since is not None:
            return Cover.BARE
        standing = [
            order for order in self.protecting if order.purpose == Purpose.STOP and order.state in STANDS
        ]
        if any(order.stop_price == position.stop_price for order in standing):
            return Cover.STANDS
        return Cover.MOVING if standing else Cover.COMING

    @property
    def bare_seconds(self) -> int | None:
        since = self.position.unprotected_since
        return None if since is None else max(0, int((self.now - since).total_seconds()))


def open_positions(bots: QuerySet[Any] | list[int], now: datetime) -> list[OpenPosition]:
    """Of these bots, newest first; three queries, however many there are."""
    rows = (
        Position.objects.open()
        .filter(bot_config__in=bots)
        .select_related("bot_config", "bot_config__api_key")
    )
    found = list(rows.order_by("-opened_at"))
    known = last_prices({row.bot_config.symbol for row in found}, now)
    orders = protecting_orders(row.pk for row in found)
    return [
        OpenPosition(row.bot_config, row, known.get(row.bot_config.symbol), now, orders[row.pk])
        for row in found
    ]


def protecting_orders(position_ids: Iterable[int]) -> defaultdict[int, list[Order]]:
    """Stops and targets that are not final, by position."""
    found: defaultdict[int, list[Order]] = defaultdict(list)
    ids = list(position_ids)
    alive = Order.objects.unsettled().exclude(state=OrderState.PLANNED) if ids else Order.objects.none()
    for order in alive.filter(position__in=ids, purpose__in=PROTECTION):
        found[order.position_id or 0].append(order)
    return found


def with_cover(bots: Iterable[Any], now: datetime) -> list[Any]:
    """The same bots, each with what it holds as `holding` (None: nothing)."""
    rows = list(bots)
    held = {item.bot.pk: item for item in open_positions([row.pk for row in rows], now)}
    for row in rows:
        row.holding = held.get(row.pk)
    return rows
