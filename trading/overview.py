"""All bots of a user in figures, as `bots/summary` answers them: plain JSON values, so that Redis can keep them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Count, Q

from bots.models import BotConfig, BotStatus
from bots.queries import bots_of
from exchange.fields import plain
from trading.performance import HUNDRED, RATIO

ZERO = Decimal(0)


def summary_of(user: Any) -> dict[str, Any]:
    """One query. Bots newest first, money summed per quote asset; a row's dailies are of the last day it rolled."""
    closed = Q(positions__closed_at__isnull=False)
    counted = bots_of(user).annotate(
        closed=Count("positions", filter=closed),
        won=Count("positions", filter=closed & Q(positions__realized_pnl__gt=0)),
    )
    bots = list(counted)
    return {
        "count": len(bots),
        "active": sum(bot.is_active for bot in bots),
        "in_position": sum(bot.state.in_position for bot in bots),
        "paused": sum(bot.state.status == BotStatus.PAUSED for bot in bots),
        "in_error": sum(bot.state.status == BotStatus.ERROR for bot in bots),
        "totals": _totals(bots),
        "bots": [_row(bot) for bot in bots],
    }


def _row(bot: Any) -> dict[str, Any]:
    rate = plain((bot.won * HUNDRED / bot.closed).quantize(RATIO)) if bot.closed else None
    return {
        "id": bot.pk,
        "name": bot.name,
        "symbol": bot.symbol,
        "timeframe": bot.timeframe,
        "strategy": bot.strategy,
        "venue": bot.api_key.venue,
        "is_active": bot.is_active,
        "status": bot.state.status_text,
        "in_position": bot.state.in_position,
        "quote_asset": bot.quote_asset,
        "initial_capital": plain(bot.initial_capital),
        "realized_pnl": plain(bot.state.realized_pnl),
        "daily_pnl": plain(bot.state.daily_pnl),
        "daily_trades_count": bot.state.daily_trades_count,
        "positions": bot.closed,
        "wins": bot.won,
        "win_rate": rate,
    }


def _totals(bots: list[BotConfig]) -> list[dict[str, str]]:
    sums: dict[str, list[Decimal]] = {}
    for bot in bots:
        amounts = (bot.initial_capital, bot.state.realized_pnl, bot.state.daily_pnl)
        kept = sums.setdefault(bot.quote_asset, [ZERO, ZERO, ZERO])
        sums[bot.quote_asset] = [before + amount for before, amount in zip(kept, amounts, strict=True)]
    names = ("initial_capital", "realized_pnl", "daily_pnl")
    return [
        {"quote_asset": asset, **{name: plain(amount) for name, amount in zip(names, kept, strict=True)}}
        for asset, kept in sorted(sums.items())
    ]
