"""How a bot has done: figures over its closed positions, exact in money, read from the books and written nowhere.

Amounts are net of all fees. Equity begins with the initial capital and moves when a position closes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from bots.models import BotConfig
from trading.models import Position

ZERO = Decimal(0)
HUNDRED = Decimal(100)
# Ratios have no end: eight places are kept.
RATIO = Decimal("0.00000001")


class Closed(NamedTuple):
    """A position that is over."""

    opened_at: datetime
    closed_at: datetime
    pnl: Decimal
    fees: Decimal
    funding: Decimal
    reason: str


class EquityPoint(NamedTuple):
    at: datetime
    equity: Decimal


@dataclass
class Day:
    day: date
    positions: int = 0
    realized_pnl: Decimal = ZERO


@dataclass
class Performance:
    """None where there is nothing to divide by."""

    initial_capital: Decimal
    positions: int = 0
    wins: int = 0
    losses: int = 0
    realized_pnl: Decimal = ZERO
    gross_profit: Decimal = ZERO
    gross_loss: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    best: Decimal | None = None
    worst: Decimal | None = None
    max_drawdown: Decimal = ZERO
    max_drawdown_perc: Decimal = ZERO
    holding_seconds: int = 0
    exit_reasons: Counter[str] = field(default_factory=Counter)
    equity: list[EquityPoint] = field(default_factory=list)
    by_day: list[Day] = field(default_factory=list)

    @property
    def current_capital(self) -> Decimal:
        return self.initial_capital + self.realized_pnl

    @property
    def return_perc(self) -> Decimal | None:
        return _ratio(self.realized_pnl * HUNDRED, self.initial_capital)

    @property
    def win_rate(self) -> Decimal | None:
        """Percent of positions that brought something."""
        return _ratio(self.wins * HUNDRED, Decimal(self.positions))

    @property
    def profit_factor(self) -> Decimal | None:
        """What the winners brought for each unit the losers cost."""
        return _ratio(self.gross_profit, self.gross_loss)

    @property
    def expectancy(self) -> Decimal | None:
        """What a position brought on average."""
        return _ratio(self.realized_pnl, Decimal(self.positions))

    @property
    def average_win(self) -> Decimal | None:
        return _ratio(self.gross_profit, Decimal(self.wins))

    @property
    def average_loss(self) -> Decimal | None:
        return _ratio(-self.gross_loss, Decimal(self.losses))

    @property
    def average_holding_seconds(self) -> int | None:
        return self.holding_seconds // self.positions if self.positions else None


def performance_of(bot: BotConfig) -> Performance:
    """One query, however many positions."""
    closed = Position.objects.filter(bot_config=bot, closed_at__isnull=False)
    rows = closed.order_by("closed_at", "pk").values_list(
        "opened_at", "closed_at", "realized_pnl", "fees", "funding", "exit_reason"
    )
    return measured(bot.initial_capital, (Closed(*row) for row in rows))  # type: ignore[arg-type]


def measured(initial_capital: Decimal, positions: Iterable[Closed]) -> Performance:
    """The figures of positions in the order in which they closed."""
    result = Performance(initial_capital)
    peak = initial_capital
    for position in positions:
        _count(result, position)
        equity = result.current_capital
        result.equity.append(EquityPoint(position.closed_at, equity))
        peak = max(peak, equity)
        result.max_drawdown = max(result.max_drawdown, peak - equity)
        result.max_drawdown_perc = max(
            result.max_drawdown_perc, _ratio((peak - equity) * HUNDRED, peak) or ZERO
        )
    return result


def _count(result: Performance, position: Closed) -> None:
    pnl = position.pnl
    result.positions += 1
    result.realized_pnl += pnl
    result.fees += position.fees
    result.funding += position.funding
    result.holding_seconds += int((position.closed_at - position.opened_at).total_seconds())
    result.exit_reasons[position.reason] += 1
    if pnl > 0:
        result.wins += 1
        result.gross_profit += pnl
    elif pnl < 0:
        result.losses += 1
        result.gross_loss -= pnl
    result.best = pnl if result.best is None else max(result.best, pnl)
    result.worst = pnl if result.worst is None else min(result.worst, pnl)
    day = position.closed_at.astimezone(UTC).date()
    if not result.by_day or result.by_day[-1].day != day:
        result.by_day.append(Day(day))
    result.by_day[-1].positions += 1
    result.by_day[-1].realized_pnl += pnl


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(RATIO) if whole else None
