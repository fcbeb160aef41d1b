"""What a decision turns into: rows in the transaction that decided, and after its commit what the exchange is told.

An entry is planned, its money reserved; an exit takes its position; a stop that moves is a new wanted price. Sending
and protecting come after the commit and go on from the rows, should this process end in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from bots.models import BotConfig
from engine.amounts import decimal_from_e8
from engine.decide import Action, freshness_ms
from engine.decide import Decision as Decided
from engine.orders import FINAL_STATES, OrderState, Purpose
from engine.reasons import Reason
from trading.market_view import View
from trading.models import Decision, Order, Position
from trading.money import NotEnoughMoney
from trading.orders.execution import load, send_loaded
from trading.orders.planning import plan_entry, plan_exit, take_for_closing
from trading.orders.protection import move_exits, tend
from trading.stop_slots import taken_stop_slots, wants_a_stop


@dataclass(frozen=True)
class Planned:
    """What a run left to be done: an order to send, a position to tend, or both one after the other."""

    order_id: int | None = None
    position_id: int | None = None


NOTHING = Planned()


def plan(bot: BotConfig, view: View, decided: Decided, decision: Decision | None) -> Planned:
    """Write down what the decision asks for. The caller holds the bot's state row and saves it."""
    if decided.action is Action.ENTER:
        assert decision is not None  # an action always says something new
        return _enter(bot, view, decided, decision)
    if decided.action is Action.EXIT:
        return _leave(bot, view, decided, decision)
    if decided.action is Action.MOVE_STOP:
        position = Position.objects.open().get(bot_config=bot)
        moved_to = decimal_from_e8(decided.stop_ticks * view.rules.tick_e8)
        move_exits(position, bot.state, trailing_stop_price=moved_to)
        return Planned(position_id=position.pk)
    return NOTHING


def carry_out(planned: Planned) -> Order | None:
    """Say it to the exchange; returns the order that was sent, as it stands then. An entry that was filled is protected
    before this returns. Raises ExchangeError where the exchange was away, and VaultError."""
    if planned.order_id is not None:
        return see_through(load(planned.order_id), position_id=planned.position_id)
    if planned.position_id is not None:
        tend(planned.position_id)
    return None


def see_through(order: Order, *, position_id: int | None = None, market_now_ms: int | None = None) -> Order:
    """Send an order as `load_all` reads it, and tend its position (or the one named). Raises as `carry_out`."""
    sent = send_loaded(order, market_now_ms=market_now_ms)
    position_id = position_id or sent.position_id
    if position_id is not None:
        tend(position_id, order.bot_config)
    return sent


def _enter(bot: BotConfig, view: View, decided: Decided, decision: Decision) -> Planned:
    """Plan the entry; when another bot of the account took the money or the last stop a moment ago, the decision says
    so instead."""
    try:
        with transaction.atomic():
            order = plan_entry(
                bot,
                decision=decision,
                quote_quantity=decimal_from_e8(decided.quote_e8),
                rules_version=view.rules_version,
                fresh_until_ms=decided.acts_at_ms + freshness_ms(view.interval_ms),
                at=timezone.now(),
            )
            _check_stop_slot(bot, view)
    except NotEnoughMoney as refusal:
        return _turned_down(bot, decision, Reason.NOT_ENOUGH_MONEY, str(refusal))
    except NoStopSlot as refusal:
        return _turned_down(bot, decision, Reason.NO_STOP_SLOT, str(refusal))
    return Planned(order_id=order.pk)


class NoStopSlot(Exception):
    """The account may have no more stops on this symbol."""


def _check_stop_slot(bot: BotConfig, view: View) -> None:
    """Asked again with our own entry counted: reserving has locked the wallet, so entries pass here one by one."""
    if not wants_a_stop(bot):
        return
    most = view.rules.max_algo_orders
    if taken_stop_slots(bot.account, bot.symbol) > most:
        raise NoStopSlot(
            f"Entry signal, but {bot.symbol} takes {most} stops of this account and all are taken."
        )


def _turned_down(bot: BotConfig, decision: Decision, reason: Reason, text: str) -> Planned:
    decision.action, decision.reason, decision.text = Action.NONE, reason, text[:300]
    decision.save(update_fields=["action", "reason", "text", "updated_at"])
    bot.state.last_reason = reason
    return NOTHING


def _leave(bot: BotConfig, view: View, decided: Decided, decision: Decision | None) -> Planned:
    """Nothing of the position at the exchange: the sale is planned at once. Otherwise that has to go first."""
    position = Position.objects.open().get(bot_config=bot)
    if Order.objects.unsettled().filter(position=position).exists():
        take_for_closing(position, reason=decided.exit_reason)
        return Planned(position_id=position.pk)
    order = plan_exit(
        bot,
        position,
        reason=decided.exit_reason,
        quantity=decimal_from_e8(decided.quantity_steps * view.rules.step_e8),
        rules_version=view.rules_version,
        at=timezone.now(),
        decision=decision,
    )
    return Planned(order_id=order.pk, position_id=position.pk)


def in_words(order: Order) -> str:
    """One line for the log: what became of the order."""
    if order.state == OrderState.FILLED:
        verb = "entered" if order.purpose == Purpose.ENTRY else "exited"
        price = order.executed_quote / order.executed_quantity
        return f"{verb} {order.symbol} {order.executed_quantity.normalize():f} @ {price:.8g}"
    if order.state in FINAL_STATES:
        return f"{order.purpose} {order.state} ({order.error_message or order.error_code})"
    return f"{order.purpose} {order.state}"
