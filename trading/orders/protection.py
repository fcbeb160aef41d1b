"""Brings what stands at the exchange to what a position wants: protected by its stop and target, or sold.

`tend` may be called any number of times, from anywhere: what to do next is read from the rows, one thing at a time, and
nothing is planned while an order of the position that could sell is not final. No lock is held while talking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bots.lifecycle import fail
from bots.models import BotConfig, BotState
from engine.amounts import decimal_from_e8, e6_from_percent, e8_from_decimal
from engine.exits import stop_limit_ticks
from engine.orders import PROTECTION, OrderState, OrderType, Purpose
from engine.protection import Leg, Move, Wanted, next_move
from engine.rules import SymbolRules
from exchange.connect import market_data
from exchange.port import CredentialsRefused, Rejected
from exchange.symbols import rules_for
from trading.limits import after_protection_failure
from trading.models import Order, Position
from trading.models.money import PositionAction
from trading.orders.asking import settle
from trading.orders.cancelling import cancel_wanted, want_cancel
from trading.orders.cover import STANDS, tighten
from trading.orders.execution import send
from trading.orders.placing import place_loaded
from trading.orders.planning import (
    Exits,
    plan_exit_again,
    plan_protection,
    plan_replacement,
    take_for_closing,
)
from trading.waking import queue

logger = structlog.get_logger(__name__)

TEND_TASK: Final = "trading.tend_position"
HEAR_TASK: Final = "trading.hear_of_position"
# From bare to protected takes two moves, from protected to sold four; more than these in one go is a quarrel.
MOST_MOVES: Final = 8
DEFAULT_OFFSET_PERCENT: Final = Decimal(2)
STOP_GAP: Final = "stop_gap"
# A position whose protection the exchange refuses for good is not kept.
UNPROTECTED: Final = "unprotected"
PROTECTION_REFUSED: Final = "protection refused"
# Refused for now: the firewall, the clock, the load; asked again after a pause.
PASSING_CODES: Final = frozenset({0, -1003, -1008, -1015, -1021})
EXIT_PAUSES: Final = (timedelta(seconds=2), timedelta(minutes=5))
PROTECTION_PAUSES: Final = (timedelta(seconds=0.5), timedelta(seconds=5))
# Where the exchange said nothing about the order itself, it is tried again this soon after.
PASSING_PAUSE: Final = timedelta(seconds=3)
# What stands is not asked about more often than this, whatever prices say.
HEARD: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class _Kept:
    """Leave this price as it is."""


KEEP: Final = _Kept()
type Price = Decimal | None | _Kept


def tend(position_id: int, bot: BotConfig | None = None) -> int:
    """Do what can be done now, move by move; returns how many moves that took. Raises ExchangeError when the exchange
    does not answer. `bot`: its bot with key, where the caller has just read it."""
    for moves in range(MOST_MOVES):
        act = _next_act(position_id, bot)
        if act is None:
            return moves
        if not act():
            return moves + 1
    return MOST_MOVES


def hear(position_id: int) -> int:
    """Ask what became of what stands, and tend: a price has reached it. Returns and raises as `tend` does."""
    standing = Order.objects.filter(position_id=position_id, purpose__in=PROTECTION, state__in=STANDS)
    due = Q(asked_at__isnull=True) | Q(asked_at__lt=timezone.now() - HEARD)
    for order_id in standing.filter(due).order_by("pk").values_list("pk", flat=True):
        settle(order_id)
    return tend(position_id)


def wake(position_id: int) -> None:
    """Tend the position once the caller's transaction is committed; without a broker the next pass does."""
    transaction.on_commit(partial(queue, TEND_TASK, position_id))


def request_exit(position: Position, *, reason: str) -> None:
    """Mark an open position for closing. The caller holds the bot's state row and wakes it. Raises ExitInProgress."""
    take_for_closing(position, reason=reason)


def move_exits(
    position: Position,
    state: BotState,
    *,
    stop_loss_price: Price = KEEP,
    trailing_stop_price: Price = KEEP,
    target_price: Price = KEEP,
) -> None:
    """Write down where protection is to stand from now on; None takes an exit away. The caller has checked the prices,
    holds the bot's state row, and wakes the position."""
    if not isinstance(stop_loss_price, _Kept):
        state.stop_loss_price = stop_loss_price
    if not isinstance(trailing_stop_price, _Kept):
        state.trailing_stop_price = trailing_stop_price
    if not isinstance(target_price, _Kept):
        state.take_profit_price = target_price
    tighten(position, state)
    position.save(update_fields=["stop_price", "stop_reason", "target_price", "updated_at"])
    state.save(update_fields=["stop_loss_price", "trailing_stop_price", "take_profit_price", "updated_at"])


def _bot_of(position_id: int) -> BotConfig:
    bot: BotConfig = BotConfig.objects.select_related("api_key").get(positions=position_id)
    return bot


def _next_act(position_id: int, bot: BotConfig | None = None) -> Callable[[], bool] | None:
    """Decide under the lock, plan what is to be planned, and hand back what is to be said to the exchange. The act
    tells whether it is worth looking again at once."""
    bot = bot or _bot_of(position_id)
    assert bot.api_key is not None  # a bot with a position is never archived
    rules, version = rules_for(bot.api_key.venue, bot.position_type, bot.symbol)
    now = timezone.now()
    with transaction.atomic():
        state = BotState.objects.select_for_update().get(pk=bot.pk)
        position = Position.objects.get(pk=position_id)
        alive = list(Order.objects.unsettled().filter(position=position).exclude(purpose=Purpose.ENTRY))
        if position.closed_at is not None:
            return partial(_end_leftovers, position_id, [order.pk for order in alive]) if alive else None
        wanted = _wanted(position, rules)
        move = next_move(wanted, [_leg(order, rules, now) for order in alive])
        return _MOVES[move](_Scene(bot, state, position, alive, rules, version, now))


@dataclass(frozen=True)
class _Scene:
    """A position under its lock, as it is looked at once."""

    bot: BotConfig
    state: BotState
    position: Position
    alive: list[Order]
    rules: SymbolRules
    rules_version: int
    now: datetime

    @property
    def sellable(self) -> Decimal:
        steps = e8_from_decimal(self.position.quantity) // self.rules.step_e8
        return decimal_from_e8(steps * self.rules.step_e8)

    def take(self, action: PositionAction) -> None:
        if self.position.action not in (action, PositionAction.EXIT):
            Position.objects.filter(pk=self.position.pk).update(action=action, updated_at=self.now)


def _wanted(position: Position, rules: SymbolRules) -> Wanted:
    return Wanted(
        quantity_steps=e8_from_decimal(position.quantity) // rules.step_e8,
        stop_ticks=_ticks(position.stop_price, rules),
        target_ticks=_ticks(position.target_price, rules),
        closing=position.action == PositionAction.EXIT,
    )


def _leg(order: Order, rules: SymbolRules, now: datetime) -> Leg:
    price = order.stop_price if order.purpose == Purpose.STOP else order.price
    triggered_for = None
    if order.triggered_at is not None:
        triggered_for = int((now - order.triggered_at).total_seconds() * 1000)
    return Leg(
        purpose=Purpose(order.purpose),
        state=OrderState(order.state),
        ticks=_ticks(price, rules),
        quantity_steps=e8_from_decimal(order.quantity or 0) // rules.step_e8,
        cancel_wanted=order.cancel_wanted_at is not None,
        triggered_for_ms=triggered_for,
    )


def _ticks(price: Decimal | None, rules: SymbolRules) -> int:
    return 0 if price is None else e8_from_decimal(price) // rules.tick_e8


def _rest(scene: _Scene) -> None:
    """All is as wanted."""
    if scene.position.action in (PositionAction.PROTECT, PositionAction.REPLACE):
        scene.take(PositionAction.NONE)


def _wait(scene: _Scene) -> Callable[[], bool] | None:
    """Only wished cancels can be helped along."""
    if any(order.cancel_wanted_at is not None for order in scene.alive):
        return partial(_carry_out_cancels, scene.position.pk)
    return None


def _cancel(scene: _Scene) -> Callable[[], bool]:
    scene.take(PositionAction.REPLACE)
    want_cancel([order.pk for order in scene.alive if order.purpose in PROTECTION], at=scene.now)
    return partial(_carry_out_cancels, scene.position.pk)


def _place(scene: _Scene) -> Callable[[], bool] | None:
    if _is_too_soon(scene, PROTECTION, PROTECTION_PAUSES):
        return None
    scene.take(PositionAction.PROTECT)
    planned = plan_protection(scene.bot, scene.position, _exits(scene), at=scene.now)
    return partial(_place_and_hear, scene.position.pk, planned)


def _replace(scene: _Scene) -> Callable[[], bool]:
    scene.take(PositionAction.REPLACE)
    (old,) = scene.alive
    new = plan_replacement(scene.bot, old, _exits(scene), at=scene.now)
    return partial(_place_and_hear, scene.position.pk, [new])


def _give_up_stop(scene: _Scene) -> Callable[[], bool]:
    """Triggered, and nobody took it at its limit: the market has jumped over it (SPEC §5.5)."""
    since = min(order.triggered_at for order in scene.alive if order.triggered_at is not None)
    Position.objects.filter(pk=scene.position.pk, unprotected_since__isnull=True).update(
        unprotected_since=since
    )
    take_for_closing(scene.position, reason=STOP_GAP)
    logger.warning("stop_gap", bot_config_id=scene.bot.pk, position_id=scene.position.pk)
    return lambda: True


def _sell(scene: _Scene) -> Callable[[], bool] | None:
    if _is_too_soon(scene, (Purpose.EXIT,), EXIT_PAUSES):
        return None
    order = plan_exit_again(
        scene.bot,
        scene.position,
        quantity=scene.sellable,
        rules_version=scene.rules_version,
        at=scene.now,
    )
    return partial(_send_exit, order.pk)


_MOVES: Final[dict[Move, Callable[[_Scene], Any]]] = {
    Move.NOTHING: _rest,
    Move.WAIT: _wait,
    Move.PLACE: _place,
    Move.REPLACE: _replace,
    Move.CANCEL: _cancel,
    Move.GIVE_UP_STOP: _give_up_stop,
    Move.SELL: _sell,
}


def _exits(scene: _Scene) -> Exits:
    """What is wanted, in the kinds the symbol allows (SPEC §5.5)."""
    position, rules = scene.position, scene.rules
    kind = OrderType.STOP_LOSS if OrderType.STOP_LOSS in rules.order_types else OrderType.STOP_LOSS_LIMIT
    limit = None
    if position.stop_price is not None and kind is OrderType.STOP_LOSS_LIMIT:
        offset = e6_from_percent(scene.bot.stop_limit_offset_perc or DEFAULT_OFFSET_PERCENT)
        limit = decimal_from_e8(stop_limit_ticks(_ticks(position.stop_price, rules), offset) * rules.tick_e8)
    return Exits(
        quantity=scene.sellable,
        stop_price=position.stop_price,
        stop_kind=kind,
        stop_limit=limit,
        stop_reason=position.stop_reason,
        target_price=position.target_price,
        rules_version=scene.rules_version,
    )


def _is_too_soon(scene: _Scene, purposes: tuple[Purpose, ...], pauses: tuple[timedelta, timedelta]) -> bool:
    """Refusals in a row double the pause, so that a venue that says no is not asked without end. An exit that found no
    taker pauses too; what is proved never to have arrived is planned again at once."""
    attempts = Order.objects.filter(position=scene.position, purpose__in=purposes).order_by("-id")
    newest = list(attempts.values_list("state", "settled_at", "error_code")[:20])
    if not newest or newest[0][1] is None:
        return False
    last_state, settled_at, error_code = newest[0]
    refused = [state == OrderState.REJECTED for state, *_ in newest]
    in_a_row = refused.index(False) if False in refused else len(refused)
    if not in_a_row and (purposes == PROTECTION or last_state == OrderState.DROPPED):
        return False
    longest = (
        min(PASSING_PAUSE, pauses[1]) if error_code is None or error_code in PASSING_CODES else pauses[1]
    )
    return bool(scene.now < settled_at + min(pauses[0] * 2**in_a_row, longest))


def _carry_out_cancels(position_id: int) -> bool:
    """Cancel, and ask about whatever the exchange did not know. Worth another look where anything was asked."""
    if not cancel_wanted(position_id):
        return False
    wished = Order.objects.unsettled().filter(position_id=position_id, cancel_wanted_at__isnull=False)
    for order_id in wished.values_list("pk", flat=True):
        settle(order_id)
    return True


def _end_leftovers(position_id: int, order_ids: list[int]) -> bool:
    """The other leg of a list ends by itself; whatever does not is cancelled."""
    for order_id in order_ids:
        settle(order_id)
    with transaction.atomic():
        BotState.objects.select_for_update().get(bot_config__positions=position_id)
        want_cancel(order_ids, at=timezone.now())
    return _carry_out_cancels(position_id)


def _send_exit(order_id: int) -> bool:
    send(order_id)
    return True


def _place_and_hear(position_id: int, orders: list[Order]) -> bool:
    refusal = place_loaded(orders)
    if refusal is not None:
        _react(position_id, refusal)
    return refusal is not None


def _react(position_id: int, refusal: Rejected) -> None:
    """A price that has been passed is an exit; a refusal for good closes the position (SPEC §5.5); others pass."""
    if isinstance(refusal, CredentialsRefused) or refusal.code in PASSING_CODES or refusal.says_closed:
        return
    bot = _bot_of(position_id)
    assert bot.api_key is not None
    price = decimal_from_e8(market_data(bot.api_key.venue).price_e8(bot.symbol))
    with transaction.atomic():
        state = BotState.objects.select_for_update().get(pk=bot.pk)
        position = Position.objects.get(pk=position_id)
        if position.closed_at is not None or position.action == PositionAction.EXIT:
            return
        if not refusal.says_price_passed:
            fail(state, f"The exchange refused the stop: {refusal.message}", PROTECTION_REFUSED)
            take_for_closing(position, reason=UNPROTECTED)
            after_protection_failure(state)
            state.save()
            logger.error("protection_refused", bot_config_id=bot.pk, code=refusal.code)
        elif position.stop_price is not None and price <= position.stop_price:
            take_for_closing(position, reason=position.stop_reason)
        elif position.target_price is not None and price >= position.target_price:
            take_for_closing(position, reason="take_profit")
