"""What one user sees first: the figures of the dashboard, read from the books. Nothing here writes, and nothing asks an
exchange. A statement reads each of its parts when a template first asks for it, and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from django.db.models import Count, Q, Sum

from accounts.models import ApiKey
from bots.models import BotConfig
from bots.queries import bots_of
from bots.standing import DAILY_LIMITS
from trading.equity_curve import Curve, curve_of
from trading.models import Position, Trade, Wallet
from trading.open_positions import Cover, OpenPosition, last_prices, open_positions

ZERO = Decimal(0)
CURVE_DAYS: Final = 30
MOST_CLOSED: Final = 5_000


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
        """Bots that wait for their user; what a daily limit paused comes back by itself."""
        return [
            bot
            for bot in self.bots
            if bot.state.status in ("error", "paused") and bot.state.status_detail not in DAILY_LIMITS
        ]

    @cached_property
    def positions(self) -> list[OpenPosition]:
        return open_positions(bots_of(self.user).order_by(), self.now)

    @cached_property
    def unprotected(self) -> list[OpenPosition]:
        return [item for item in self.positions if item.cover is Cover.BARE]

    @cached_property
    def refused_keys(self) -> list[ApiKey]:
        return list(ApiKey.objects.for_user(self.user).filter(is_valid=False).order_by("label"))

    @property
    def has_alerts(self) -> bool:
        return bool(self.in_trouble or self.unprotected or self.refused_keys)

    @cached_property
    def curve(self) -> Curve | None:
        """What all bots have earned together, after each position that closed in the last days; the newest ones where
        there were very many."""
        since = self.midnight - timedelta(days=CURVE_DAYS - 1)
        closed = Position.objects.for_user(self.user).filter(closed_at__gte=since)
        newest = closed.order_by("-closed_at", "-pk").values_list("closed_at", "realized_pnl")[:MOST_CLOSED]
        rows = list(newest)[::-1]
        total = begin = self.ever - sum((pnl for _at, pnl in rows), ZERO)
        points = []
        for at, pnl in rows:
            total += pnl
            points.append((at, total))
        return curve_of(begin, points)

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
            **last_prices({f"{asset}USDT" for asset in amounts}, self.now),
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
