"""Plans orders: rows in state `planned`, committed by the caller's transaction before the exchange hears of them.

The caller holds the bot's state row. An entry reserves its money on the wallet in the same transaction; an exit takes
its position (`action`), so that one exit at a time is under way.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bots.models import BotConfig
from engine.orders import Purpose, Side
from trading.models import Decision, Order, Position
from trading.models.money import PositionAction
from trading.money import reserve
from trading.orders.client_ids import next_client_order_id


class ExitInProgress(Exception):
    """Another action already has the position."""


def plan_entry(
    bot: BotConfig,
    *,
    decision: Decision,
    quote_quantity: Decimal,
    rules_version: int,
    fresh_until_ms: int,
    at: datetime,
) -> Order:
    """A MARKET buy for `quote_quantity` of quote money. Raises `trading.money.NotEnoughMoney`."""
    reserve(bot.account_id, bot.position_type, bot.quote_asset, quote_quantity)
    return Order.objects.create(
        bot_config=bot,
        account_id=bot.account_id,
        decision=decision,
        venue=bot.api_key.venue,
        market=bot.position_type,
        symbol=bot.symbol,
        purpose=Purpose.ENTRY,
        reason="entry",
        side=Side.BUY,
        quote_quantity=quote_quantity,
        reserved=quote_quantity,
        client_order_id=next_client_order_id(bot.pk, Purpose.ENTRY),
        rules_version=rules_version,
        fresh_until_ms=fresh_until_ms,
        planned_at=at,
    )


def plan_exit(
    bot: BotConfig,
    position: Position,
    *,
    reason: str,
    quantity: Decimal,
    rules_version: int,
    at: datetime,
    decision: Decision | None = None,
) -> Order:
    """A MARKET sell of `quantity` coins of the bot's own position. Raises ExitInProgress if another action has it."""
    taken = Position.objects.filter(
        pk=position.pk, closed_at__isnull=True, action=PositionAction.NONE
    ).update(action=PositionAction.EXIT, exit_reason=reason)
    if taken != 1:
        raise ExitInProgress(f"position {position.pk} is already being closed")
    return _exit_order(
        bot, position, reason=reason, quantity=quantity, rules_version=rules_version, at=at, decision=decision
    )


def plan_exit_again(
    bot: BotConfig, position: Position, *, quantity: Decimal, rules_version: int, at: datetime
) -> Order:
    """A new exit, with a new id, for a position whose last exit order came to nothing. It still has the action."""
    return _exit_order(
        bot,
        position,
        reason=position.exit_reason,
        quantity=quantity,
        rules_version=rules_version,
        at=at,
        decision=None,
    )


def _exit_order(
    bot: BotConfig,
    position: Position,
    *,
    reason: str,
    quantity: Decimal,
    rules_version: int,
    at: datetime,
    decision: Decision | None,
) -> Order:
    return Order.objects.create(
        bot_config=bot,
        account_id=bot.account_id,
        position=position,
        decision=decision,
        venue=bot.api_key.venue,
        market=bot.position_type,
        symbol=bot.symbol,
        purpose=Purpose.EXIT,
        reason=reason,
        side=Side.SELL,
        quantity=quantity,
        client_order_id=next_client_order_id(bot.pk, Purpose.EXIT),
        rules_version=rules_version,
        planned_at=at,
    )
