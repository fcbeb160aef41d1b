"""Letting go of what a bot has under way: planned entries are dropped, positions are asked to be sold.

The caller holds the bot's state row; `protection` carries a wished exit out, and finds it again after a crash.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bots.models import BotConfig, BotState
from engine.orders import OrderState, Purpose
from trading.models import Order, Position
from trading.orders import ledger
from trading.orders.planning import ExitInProgress
from trading.orders.protection import request_exit, wake

# An entry in one of these may still fill, whatever we decide now.
CLAIMED = (OrderState.SENDING, OrderState.UNKNOWN, OrderState.OPEN, OrderState.PARTIALLY_FILLED)


def drop_planned_entries(bot: BotConfig, *, why: str) -> None:
    """What no sender has claimed is dropped; its money is free again."""
    planned = Order.objects.filter(bot_config_id=bot.pk, purpose=Purpose.ENTRY, state=OrderState.PLANNED)
    # Locking waits for a claim under way; an order it took is no longer `planned` and stays with its sender.
    for order_id in planned.select_for_update().values_list("pk", flat=True):
        ledger.close_without_fill(order_id, OrderState.DROPPED, message=why)
        # The order says why it was dropped; to the bot a stop is no error.
        BotState.objects.filter(pk=bot.pk).update(last_error_message="")


def entry_under_way(bot: BotConfig) -> Order | None:
    """The entry that is already with the exchange, or may be."""
    found: Order | None = Order.objects.filter(
        bot_config_id=bot.pk, purpose=Purpose.ENTRY, state__in=CLAIMED
    ).first()
    return found


def sell_what_it_holds(bot: BotConfig, *, reason: str) -> Position | None:
    """Ask for the exit of the bot's open position, and have whatever an entry under way still buys sold too. Returns
    the position; asked again, nothing changes."""
    if entry_under_way(bot):
        BotState.objects.filter(pk=bot.pk).update(close_when_filled=True)
    position: Any = Position.objects.open().filter(bot_config_id=bot.pk).first()
    if position is None:
        return None
    # One that is being sold already keeps its reason.
    with suppress(ExitInProgress):
        request_exit(position, reason=reason)
    wake(position.pk)
    return position
