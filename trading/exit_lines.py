"""Stop and target of an open position as lines of the bot's chart, with what a drag of them needs to say in money."""

from __future__ import annotations

from typing import Any

from bots.models import BotConfig
from engine.amounts import decimal_from_e8
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.models import Position
from trading.models.money import PositionAction
from trading.open_positions import TAKER_FEE


def exits_on(bot: BotConfig) -> dict[str, Any] | None:
    """None without a position. A line names the field that moving it sets; prices are numbers, ready to draw."""
    position = Position.objects.open().filter(bot_config_id=bot.pk).first() if bot.state.in_position else None
    if position is None:
        return None
    lines = []
    if position.stop_price is not None:
        field = "trailing_stop_price" if position.stop_reason == "trailing_stop" else "stop_loss_price"
        lines.append({"kind": "stop", "field": field, "price": float(position.stop_price)})
    if position.target_price is not None:
        lines.append({"kind": "target", "field": "take_profit_price", "price": float(position.target_price)})
    return {
        "lines": lines,
        "is_closing": position.action == PositionAction.EXIT,
        "quantity": float(position.quantity),
        "cost": float(position.cost),
        "fee": float(TAKER_FEE),
        "tick": tick_of(bot),
    }


def tick_of(bot: BotConfig) -> float | None:
    """The step of the symbol's prices; None while its rules are not known, and then nothing can be moved."""
    try:
        rules, _version = rules_for(bot.account.venue, bot.position_type, bot.symbol)
    except (ExchangeError, UnknownSymbol):
        return None
    return float(decimal_from_e8(rules.tick_e8))
