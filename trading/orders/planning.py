"""Plans orders: rows in state `planned`, committed by the caller's transaction before the exchange hears of them.

The caller holds the bot's state row. An entry reserves its money on the wallet in the same transaction; an exit takes
its position (`action`), so that one exit at a time is under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bots.models import BotConfig
from engine.orders import OrderType, Purpose, Side
from trading.models import Decision, Order, Position
from trading.models.money import PositionAction
from trading.money import reserve
from trading.orders.client_ids import next_client_order_id, next_entry_ids, next_list_ids


class ExitInProgress(Exception):
    """Another action already has the position."""


@dataclass(frozen=True, kw_only=True)
class Exits:
    """What protection is to stand: prices, the kind the symbol allows for the stop, and the quantity of both."""

    quantity: Decimal
    stop_price: Decimal | None
    stop_kind: OrderType
    stop_limit: Decimal | None
    stop_reason: str
    target_price: Decimal | None
    rules_version: int


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
    entry = Entry(
        bot=bot,
        decision=decision,
        quote_quantity=quote_quantity,
        rules_version=rules_version,
        fresh_until_ms=fresh_until_ms,
    )
    return plan_entries([entry], at=at)[0]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A MARKET buy for `quote_quantity` of quote money that a bot has decided on, not to be sent after
    `fresh_until_ms`."""

    bot: BotConfig
    decision: Decision
    quote_quantity: Decimal
    rules_version: int
    fresh_until_ms: int


def plan_entries(entries: Sequence[Entry], *, at: datetime) -> list[Order]:
    """The orders of several bots that share one wallet, in the order given. Raises `trading.money.NotEnoughMoney` for
    all of them; the caller holds the bots' state rows and the wallet's."""
    if not entries:
        return []
    payer = entries[0].bot
    together = sum((entry.quote_quantity for entry in entries), start=Decimal(0))
    reserve(payer.account_id, payer.position_type, payer.quote_asset, together)
    ids = next_entry_ids(entry.bot.pk for entry in entries)
    return list(Order.objects.bulk_create(_entry_order(entry, ids[entry.bot.pk], at) for entry in entries))


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
    """A MARKET sell of `quantity` coins of the bot's own position, of which no other order may be left. Raises
    ExitInProgress if it is being closed already."""
    take_for_closing(position, reason=reason)
    return _exit_order(
        bot, position, quantity=quantity, rules_version=rules_version, at=at, decision=decision
    )


def take_for_closing(position: Position, *, reason: str) -> None:
    """From here on the position is being closed, for `reason`; whatever protects it will be cancelled first."""
    open_ones = Position.objects.filter(pk=position.pk, closed_at__isnull=True)
    taken = open_ones.exclude(action=PositionAction.EXIT).update(
        action=PositionAction.EXIT, exit_reason=reason
    )
    if taken != 1:
        raise ExitInProgress(f"position {position.pk} is already being closed")
    position.action, position.exit_reason = PositionAction.EXIT, reason


def plan_exit_again(
    bot: BotConfig, position: Position, *, quantity: Decimal, rules_version: int, at: datetime
) -> Order:
    """The sale of a position that is being closed, when no order of it is left."""
    return _exit_order(bot, position, quantity=quantity, rules_version=rules_version, at=at, decision=None)


def plan_protection(bot: BotConfig, position: Position, exits: Exits, *, at: datetime) -> list[Order]:
    """The wanted stop and target of a position: two orders that share a list id, or the one that is wanted."""
    if exits.stop_price is None:
        return [_saved(_target(bot, position, exits, at=at))] if exits.target_price is not None else []
    if exits.target_price is None:
        return [_saved(_stop(bot, position, exits, at=at))]
    list_id, stop_id, target_id = next_list_ids(bot.pk)
    legs = (
        _stop(bot, position, exits, at=at, list_client_order_id=list_id, client_order_id=stop_id),
        _target(bot, position, exits, at=at, list_client_order_id=list_id, client_order_id=target_id),
    )
    return list(Order.objects.bulk_create(legs))


def plan_replacement(bot: BotConfig, old: Order, exits: Exits, *, at: datetime) -> Order:
    """A new lone stop in the place of `old`, whose cancel is wanted from here on."""
    Order.objects.filter(pk=old.pk).update(cancel_wanted_at=at, updated_at=at)
    assert old.position is not None  # a stop has one
    return _saved(_stop(bot, old.position, exits, at=at, replaces=old))


def _stop(bot: BotConfig, position: Position, exits: Exits, *, at: datetime, **more: Any) -> Order:
    return _closing(
        bot,
        position,
        Purpose.STOP,
        at=at,
        reason=exits.stop_reason,
        kind=exits.stop_kind,
        stop_price=exits.stop_price,
        price=exits.stop_limit,
        quantity=exits.quantity,
        rules_version=exits.rules_version,
        **more,
    )


def _target(bot: BotConfig, position: Position, exits: Exits, *, at: datetime, **more: Any) -> Order:
    return _closing(
        bot,
        position,
        Purpose.TARGET,
        at=at,
        reason="take_profit",
        kind=OrderType.LIMIT_MAKER,
        price=exits.target_price,
        quantity=exits.quantity,
        rules_version=exits.rules_version,
        **more,
    )


def _exit_order(
    bot: BotConfig,
    position: Position,
    *,
    quantity: Decimal,
    rules_version: int,
    at: datetime,
    decision: Decision | None,
) -> Order:
    return _saved(
        _closing(
            bot,
            position,
            Purpose.EXIT,
            at=at,
            reason=position.exit_reason,
            quantity=quantity,
            rules_version=rules_version,
            decision=decision,
        )
    )


def _closing(bot: BotConfig, position: Position, purpose: Purpose, *, at: datetime, **values: Any) -> Order:
    if "client_order_id" not in values:
        values["client_order_id"] = next_client_order_id(bot.pk, purpose)
    return _order(bot, purpose, at=at, position=position, side=Side.SELL, **values)


def _entry_order(entry: Entry, client_order_id: str, at: datetime) -> Order:
    return _order(
        entry.bot,
        Purpose.ENTRY,
        at=at,
        client_order_id=client_order_id,
        decision=entry.decision,
        reason="entry",
        side=Side.BUY,
        quote_quantity=entry.quote_quantity,
        reserved=entry.quote_quantity,
        rules_version=entry.rules_version,
        fresh_until_ms=entry.fresh_until_ms,
    )


def _saved(order: Order) -> Order:
    order.save(force_insert=True)
    return order


def _order(bot: BotConfig, purpose: Purpose, *, at: datetime, **values: Any) -> Order:
    return Order(
        bot_config=bot,
        account_id=bot.account_id,
        venue=bot.api_key.venue,
        market=bot.position_type,
        symbol=bot.symbol,
        purpose=purpose,
        planned_at=at,
        **values,
    )
