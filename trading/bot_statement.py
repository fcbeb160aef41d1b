"""Everything the page of one bot shows, except the chart, read from the books. Nothing here writes, and nothing asks an
exchange. Each part is read when a template first asks for it, and once.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, Sum

from bots.models import BotConfig
from trading.equity_curve import Curve, curve_of
from trading.models import Decision, Order, Position, Trade
from trading.open_positions import OpenPosition, open_positions
from trading.order_timeline import Entry, timeline_of
from trading.performance import Performance, performance_of


class BotStatement:
    ROWS = 10
    ORDERS = 16
    DECISIONS = 20

    def __init__(self, bot: BotConfig, now: datetime) -> None:
        self.bot, self.now = bot, now
        self.state = bot.state

    @cached_property
    def position(self) -> OpenPosition | None:
        found = open_positions(BotConfig.objects.filter(pk=self.bot.pk), self.now)
        return found[0] if found else None

    @cached_property
    def timeline(self) -> list[Entry]:
        return timeline_of(Order.objects.filter(bot_config=self.bot).order_by("-id")[: self.ORDERS])

    @cached_property
    def trades(self) -> list[Trade]:
        return list(Trade.objects.filter(bot_config=self.bot).order_by("-timestamp", "-pk")[: self.ROWS])

    @cached_property
    def decisions(self) -> list[Decision]:
        newest = Decision.objects.filter(bot_config=self.bot).order_by("-candle_open_ms", "-pk")
        return list(newest[: self.DECISIONS])

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


class PerformanceStatement:
    """The figures over all closed positions, and their curve. Reads every one of them: asked for by itself."""

    def __init__(self, bot: BotConfig) -> None:
        self.bot = bot

    @cached_property
    def figures(self) -> Performance:
        return performance_of(self.bot)

    @cached_property
    def curve(self) -> Curve | None:
        points = [(point.at, point.equity) for point in self.figures.equity]
        return curve_of(self.figures.initial_capital, points)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why positions ended, the most frequent first."""
        return self.figures.exit_reasons.most_common()
