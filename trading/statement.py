"""The figures that pages show, read from the books. Nothing here writes, and nothing asks an exchange.

A statement reads each of its parts when a template first asks for it, and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import ApiKey
from bots.models import BotConfig, BotVersion
from bots.queries import bots_of
from engine.market import INTERVAL_MS
from exchange.models import CandleRow, Market
from trading.models import Decision, Order, Position, Trade, Wallet

ZERO = Decimal(0)
E8 = Decimal(10**8)


def last_prices(symbols: set[str], now: datetime, source: str = "sandbox") -> dict[str, Decimal]:
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
    return {row["symbol"]: row["close"] / E8 for row in rows}


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """An open position valued at the last known price; `result` is None while no price is known."""

    bot: BotConfig
    position: Position
    price: Decimal | None

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.position.quantity * self.price

    @property
    def result(self) -> Decimal | None:
        return None if self.value is None else self.value - self.position.cost


@dataclass(frozen=True, slots=True)
class Holding:
    """An asset over all accounts of a user; `value` in USDT is None while no price is known."""

    asset: str
    total: Decimal
    reserved: Decimal
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class DayResult:
    pnl: Decimal
    closed: int
    won: int


def open_positions(bots: QuerySet[Any], now: datetime) -> list[OpenPosition]:
    rows = (
        Position.objects.open()
        .filter(bot_config__in=bots)
        .select_related("bot_config", "bot_config__api_key")
    )
    found = list(rows.order_by("-opened_at"))
    prices = last_prices({row.bot_config.symbol for row in found}, now) if found else {}
    return [OpenPosition(row.bot_config, row, prices.get(row.bot_config.symbol)) for row in found]


def result_since(user: Any, since: datetime) -> DayResult:
    """Realised result of the round trips that ended since, net of all fees."""
    ended = Trade.objects.for_user(user).filter(timestamp__gte=since, realized_pnl__isnull=False)
    sums = ended.aggregate(
        pnl=Sum("realized_pnl"), closed=Count("pk"), won=Count("pk", filter=Q(realized_pnl__gt=0))
    )
    return DayResult(sums["pnl"] or ZERO, sums["closed"], sums["won"])


class Dashboard:
    """What one user sees first."""

    def __init__(self, user: Any, now: datetime) -> None:
        self.user, self.now = user, now
        self.midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    @cached_property
    def bots(self) -> list[BotConfig]:
        return list(bots_of(self.user))

    @cached_property
    def running(self) -> list[BotConfig]:
        return [bot for bot in self.bots if bot.is_active and bot not in self.in_trouble]

    @cached_property
    def in_trouble(self) -> list[BotConfig]:
        return [bot for bot in self.bots if bot.state.status in ("error", "paused")]

    @cached_property
    def positions(self) -> list[OpenPosition]:
        return open_positions(bots_of(self.user).order_by(), self.now)

    @cached_property
    def unrealised(self) -> Decimal | None:
        known = [item.result for item in self.positions if item.result is not None]
        return sum(known, ZERO) if known else None

    @cached_property
    def today(self) -> DayResult:
        return result_since(self.user, self.midnight)

    @cached_property
    def ever(self) -> Decimal:
        """Realised result of all bots, deleted ones too; kept by the ledger, so that no history has to be added up."""
        kept = BotConfig.objects.for_user(self.user).aggregate(pnl=Sum("state__realized_pnl"))
        return kept["pnl"] or ZERO

    @cached_property
    def trades(self) -> list[Trade]:
        return list(
            Trade.objects.for_user(self.user).select_related("bot_config").order_by("-timestamp", "-pk")[:10]
        )

    @cached_property
    def holdings(self) -> list[Holding]:
        """What the exchange last said, and beside it the bots' own coins in assets it was not asked about."""
        rows = (
            Wallet.objects.filter(account__user=self.user)
            .values("asset")
            .annotate(held=Sum("free") + Sum("locked"), kept=Sum("reserved"))
        )
        amounts = {row["asset"]: (row["held"], row["kept"]) for row in rows if row["held"]}
        amounts = {asset: (quantity, ZERO) for asset, quantity in self.coins.items()} | amounts
        prices = {
            "USDTUSDT": Decimal(1),
            **(last_prices({f"{asset}USDT" for asset in amounts}, self.now) if amounts else {}),
        }
        held = [_holding(asset, *numbers, prices.get(f"{asset}USDT")) for asset, numbers in amounts.items()]
        return sorted(held, key=lambda item: (-(item.value or ZERO), item.asset))

    @cached_property
    def coins(self) -> dict[str, Decimal]:
        """What the bots bought and still hold: open positions, and what was too little to be sold with earlier ones."""
        dust = BotConfig.objects.for_user(self.user).filter(state__dust_quantity__gt=0)
        kept = dust.order_by().values_list("base_asset").annotate(Sum("state__dust_quantity"))
        found: dict[str, Decimal] = dict(kept)
        for item in self.positions:
            found[item.bot.base_asset] = found.get(item.bot.base_asset, ZERO) + item.position.quantity
        return found

    @cached_property
    def worth(self) -> Decimal | None:
        known = [item.value for item in self.holdings if item.value is not None]
        return sum(known, ZERO) if known else None

    @cached_property
    def keys(self) -> int:
        return ApiKey.objects.for_user(self.user).count()


def _holding(asset: str, total: Decimal, reserved: Decimal, price: Decimal | None) -> Holding:
    return Holding(asset, total, reserved, None if price is None else total * price)


class BotStatement:
    """Everything the page of one bot shows, except the chart."""

    ROWS = 10

    def __init__(self, bot: BotConfig, now: datetime) -> None:
        self.bot, self.now = bot, now
        self.state = bot.state

    @cached_property
    def position(self) -> OpenPosition | None:
        found = open_positions(BotConfig.objects.filter(pk=self.bot.pk), self.now)
        return found[0] if found else None

    @cached_property
    def orders(self) -> list[Order]:
        return list(Order.objects.filter(bot_config=self.bot).order_by("-id")[: self.ROWS])

    @cached_property
    def trades(self) -> list[Trade]:
        return list(Trade.objects.filter(bot_config=self.bot).order_by("-timestamp", "-pk")[: self.ROWS])

    @cached_property
    def decisions(self) -> list[Decision]:
        return list(Decision.objects.filter(bot_config=self.bot).order_by("-candle_open_ms")[:20])

    @cached_property
    def versions(self) -> list[BotVersion]:
        return list(
            BotVersion.objects.filter(bot_config=self.bot).select_related("author").order_by("-version")[:10]
        )

    @cached_property
    def results(self) -> dict[str, Any]:
        """Round trips so far: how many, how many won, and what they brought."""
        closed = Position.objects.filter(bot_config=self.bot, closed_at__isnull=False)
        sums = closed.aggregate(
            count=Count("pk"),
            won=Count("pk", filter=Q(realized_pnl__gt=0)),
            pnl=Sum("realized_pnl"),
            fees=Sum("fees"),
        )
        sums["win_rate"] = Decimal(100) * sums["won"] / sums["count"] if sums["count"] else None
        return sums

    @cached_property
    def capital(self) -> Decimal:
        """Current capital: what it began with and what its closed positions brought."""
        return self.bot.initial_capital + self.state.realized_pnl
