"""Books what the exchange says became of an order. Every fill is booked once, whoever reports it and however often;
a position's numbers are always the replay of its fills, so booking twice changes nothing.

Locks are taken in one order everywhere: the bot's state row, the order, the wallet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import structlog
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from accounts import live
from bots.lifecycle import roll_day, set_locked_status
from bots.models import BotState, BotStatus, PositionSide
from engine import positions
from engine.amounts import E8, decimal_from_e8, e8_from_decimal
from engine.orders import FINAL_STATES, PROTECTION, OrderState, Purpose, Side, check_transition
from engine.rules import BELOW_MIN_NOTIONAL, BELOW_MIN_QUANTITY, SymbolRules, market_fault
from exchange.instants import instant_of
from exchange.port import FillReport, OrderReport
from exchange.symbols import rules_for
from trading.limits import after_exit
from trading.models import Fill, Order, Position
from trading.models.money import PositionAction
from trading.money import earn, release, spend
from trading.orders.cover import forget_exits, note_cover, want_exits
from trading.orders.history import LedgerConflict, write_trade
from trading.orders.replaying import after_fills, replay, write_numbers

logger = structlog.get_logger(__name__)

NOTHING = Decimal(0)
STATE_OF_STATUS = {
    "NEW": OrderState.OPEN,
    "PENDING_NEW": OrderState.OPEN,
    "PENDING_CANCEL": OrderState.OPEN,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED,
}
# An order of these is at the exchange and not over.
WORKING = ("NEW", "PARTIALLY_FILLED")
# What booking writes of an order.
BOOKED = (
    "position", "state", "reserved", "exchange_order_id", "exchange_list_id", "accepted_at", "triggered_at",
    "executed_quantity", "executed_quote", "settled_at", "updated_at",
)  # fmt: skip
# Statuses a run or a fill may overwrite; `stopped`, `paused` and `error` belong to the user or to a rule.
LIVELY = (BotStatus.PENDING, BotStatus.RUNNING, BotStatus.WAITING)


# What is left and breaks one of these cannot be sold: it is dust, and joins the bot's next position.
TOO_LITTLE = (BELOW_MIN_QUANTITY, BELOW_MIN_NOTIONAL)
# An order, the exchange's report of it, and the fills that go with it.
type Heard = tuple[Order, OrderReport, Sequence[FillReport]]


def book(order_id: int, report: OrderReport, fills: Sequence[FillReport]) -> Order:
    """Record an order as the exchange reports it, with its fills. Any number of times; raises LedgerConflict."""
    order: Order = Order.objects.get(pk=order_id)
    return book_together([(order, report, fills)])[0]


def book_together(heard: Sequence[Heard]) -> list[Order]:
    """Record several orders of one bot at once: those of a list, which the exchange reports together. Of the given
    orders only what never changes is believed."""
    ids, known = [order.pk for order, *_ in heard], heard[0][0]
    rules, _version = rules_for(known.venue, known.market, known.symbol)
    with transaction.atomic():
        state = _lock_state(known.bot_config_id, [fill for _, _, fills in heard for fill in fills])
        locked = Order.objects.select_for_update(of=("self",)).select_related("bot_config", "position")
        orders = {order.pk: order for order in locked.filter(pk__in=ids).order_by("pk")}
        _share_position(orders.values())
        are_new = all(order.position is None for order in orders.values())
        changed = [
            orders[order.pk]
            for order, report, fills in heard
            if _book_one(orders[order.pk], state, rules, report=report, fills=fills)
        ]
        _note_cover_of(changed, are_new=are_new)
        if any(order.purpose == Purpose.ENTRY or order.executed_quantity for order in changed):
            state.save()
        if changed:
            transaction.on_commit(lambda: announce(changed[0]))
    return [orders[order_id] for order_id in ids]


def _book_one(
    order: Order, state: BotState, rules: SymbolRules, *, report: OrderReport, fills: Sequence[FillReport]
) -> bool:
    """One order and, where it has executed, its position. False: it was final, and nothing is new."""
    booked = _booked_fills(order, fills)
    known = {fill.trade_id for fill in booked}
    new_fills = [fill for fill in fills if fill.trade_id not in known]
    if order.state in FINAL_STATES:
        if new_fills:
            raise LedgerConflict(
                f"order {order.client_order_id} is {order.state}, and new fills are reported"
            )
        return False
    order.exchange_order_id = report.order_id
    order.exchange_list_id = report.list_id
    order.accepted_at = order.accepted_at or instant_of(report.at_ms)
    _note_trigger(order, report, at=timezone.now())
    if new_fills:
        booked = _add_fills(order, booked, new_fills)
    new_state = _state_after(order, report)
    _move_money(order, new_fills, ends=new_state in FINAL_STATES)
    if new_state != order.state or new_fills:
        _move(order, new_state)
    if order.executed_quantity:
        _rebuild_position(order, state, rules, booked)
    if order.purpose == Purpose.ENTRY and order.state in FINAL_STATES:
        # Also where it bought nothing: a wish to sell it says nothing about the next one.
        state.close_when_filled = False
    order.save(update_fields=BOOKED)
    return True


def _note_cover_of(orders: Sequence[Order], *, are_new: bool) -> None:
    """Once all rows are as reported: does a stop stand? The orders are of one position, or of none; where that position
    is new (`are_new`) it has no others."""
    for order in orders[:1]:
        if order.position is not None:
            began = order.claimed_at if order.purpose == Purpose.ENTRY else order.asked_at
            note_cover(
                order.position, at=timezone.now(), bare_since=began, just_booked=orders, is_new=are_new
            )
            order.position.save()


def _share_position(orders: Iterable[Order]) -> None:
    """Orders of one position look at one object: what one of them changes the next must see."""
    shared: dict[int, Position] = {}
    for order in orders:
        if order.position is not None:
            order.position = shared.setdefault(order.position.pk, order.position)


def close_without_fill(
    order_id: int,
    end: OrderState,
    *,
    only_from: OrderState | None = None,
    code: int | None = None,
    message: str = "",
) -> Order:
    """Record that an order came to nothing (dropped or rejected): its reservation ends, the bot says why.

    With `only_from` nothing happens to an order that somebody else has moved on meanwhile."""
    with transaction.atomic():
        bot_id = Order.objects.values_list("bot_config_id", flat=True).get(pk=order_id)
        state = BotState.objects.select_for_update().get(pk=bot_id)
        order: Order = (
            Order.objects.select_for_update(of=("self",))
            .select_related("bot_config", "position")
            .get(pk=order_id)
        )
        if order.state in FINAL_STATES or (only_from is not None and order.state != only_from):
            return order
        order.error_code, order.error_message = code, message[:300]
        _move(order, end)
        order.save()
        if order.position is not None and order.position.closed_at is None:
            note_cover(order.position, at=timezone.now(), bare_since=order.asked_at)
            order.position.save()
        if order.purpose not in PROTECTION:
            # Refused protection is placed again or ends the position; which of them, its tending says.
            state.last_error_message = message[:300]
        if order.purpose == Purpose.ENTRY:
            state.close_when_filled = False
        state.save()
        transaction.on_commit(lambda: announce(order))
    logger.info("order_ended_unfilled", order=order.client_order_id, state=str(end), code=code)
    return order


def _lock_state(bot_id: int, fills: Sequence[FillReport]) -> BotState:
    """The bot's state row, ours until the transaction ends, on the UTC day of the newest fill (or a later one)."""
    rows = BotState.objects.filter(pk=bot_id)
    state: BotState = rows.select_for_update().get()
    today = instant_of(max(fill.at_ms for fill in fills)).date() if fills else None
    if today is None or (state.counters_date is not None and state.counters_date >= today):
        return state
    roll_day(rows, today)
    return rows.get()


def _move(order: Order, new: OrderState) -> None:
    check_transition(order.state, new)
    order.state = new
    if new in FINAL_STATES:
        order.settled_at = timezone.now()
        release(order)


def _state_after(order: Order, report: OrderReport) -> OrderState:
    """The order's state by the exchange's word; not final before every fill it speaks of has been booked."""
    new = STATE_OF_STATUS[report.status]
    if new in FINAL_STATES and e8_from_decimal(order.executed_quantity) < report.executed_e8:
        return OrderState.PARTIALLY_FILLED
    return new


def _booked_fills(order: Order, reported: Sequence[FillReport]) -> list[Fill]:
    """The order's fills so far, in the exchange's order. Raises LedgerConflict where one that is reported belongs to
    another order."""
    if not reported and not order.executed_quantity:
        return []
    same_trades = Q(
        account_id=order.account_id,
        market=order.market,
        symbol=order.symbol,
        trade_id__in=[fill.trade_id for fill in reported],
    )
    booked = list(Fill.objects.filter(Q(order=order) | same_trades).order_by("trade_id"))
    if any(fill.order_id != order.pk for fill in booked):
        raise LedgerConflict(f"a fill of order {order.client_order_id} is already booked for another order")
    return booked


def _add_fills(order: Order, booked: list[Fill], fills: Sequence[FillReport]) -> list[Fill]:
    """Book what is new; returns all fills of the order, in the exchange's order."""
    added = Fill.objects.bulk_create(
        Fill(
            order=order,
            account_id=order.account_id,
            market=order.market,
            symbol=order.symbol,
            trade_id=fill.trade_id,
            price=decimal_from_e8(fill.price_e8),
            quantity=decimal_from_e8(fill.quantity_e8),
            quote_quantity=decimal_from_e8(fill.quote_e8),
            commission=decimal_from_e8(fill.commission_e8),
            commission_asset=fill.commission_asset,
            is_maker=fill.is_maker,
            filled_at=instant_of(fill.at_ms),
        )
        for fill in fills
    )
    every = sorted([*booked, *added], key=lambda fill: fill.trade_id)
    order.executed_quantity = sum((fill.quantity for fill in every), start=NOTHING)
    order.executed_quote = sum((fill.quote_quantity for fill in every), start=NOTHING)
    return every


def _move_money(order: Order, fills: Sequence[FillReport], *, ends: bool) -> None:
    """What new fills took from the wallet, or brought it."""
    if not fills:
        return
    money = decimal_from_e8(sum(fill.quote_e8 for fill in fills))
    if order.side == Side.BUY:
        spend(order, money, ends=ends)
    else:
        quote_fees = sum(
            fill.commission_e8 for fill in fills if fill.commission_asset == order.bot_config.quote_asset
        )
        earn(order, money - decimal_from_e8(quote_fees))


def _note_trigger(order: Order, report: OrderReport, *, at: datetime) -> None:
    """A stop that has become a working order is no protection any more until it is filled."""
    if order.purpose == Purpose.STOP and report.is_working and report.status in WORKING:
        order.triggered_at = order.triggered_at or at


def _rebuild_position(order: Order, state: BotState, rules: SymbolRules, booked: list[Fill]) -> None:
    """The position and the bot's state as the fills so far make them; the trade and the day's numbers at the end.
    `booked`: the order's own fills."""
    if order.position is None:
        order.position = _open_position(order, state, booked[0].filled_at)
        numbers = after_fills(order.position, [(order.side, fill) for fill in booked])
    else:
        numbers = replay(order.position)
    position = order.position
    position.bot_config = order.bot_config
    last_fill_at = booked[-1].filled_at
    write_numbers(position, numbers)
    is_final = order.state in FINAL_STATES
    if order.purpose == Purpose.ENTRY and position.closed_at is None:
        want_exits(position, state, order.bot_config, tick_e8=rules.tick_e8)
        if state.close_when_filled:
            # A stop or a going flat came while this entry was on its way, and wished it sold.
            position.action, position.exit_reason = PositionAction.EXIT, "manual"
    if is_final:
        write_trade(order, position, numbers, booked)
    if is_final and order.purpose == Purpose.ENTRY and state.counters_date == last_fill_at.date():
        state.daily_trades_count += 1
    if is_final and order.side == Side.SELL and _leaves_dust(order, numbers, rules):
        position.exit_reason = order.reason
    if is_final and numbers.sold_e8 and _leaves_dust(order, numbers, rules) and not _is_still_bought(order):
        _close_position(position, state, numbers, at=last_fill_at)
    elif position.closed_at is None:
        _show_position(position, state)


def _leaves_dust(order: Order, numbers: positions.Position, rules: SymbolRules) -> bool:
    """Whether what is left could not be sold, at the price of this order: less than a step, or worth too little."""
    if numbers.is_flat(rules.step_e8):
        return True
    price_e8 = e8_from_decimal(order.executed_quote) * E8 // e8_from_decimal(order.executed_quantity)
    steps = numbers.sellable_steps(rules.step_e8)
    return market_fault(price_e8 // rules.tick_e8, steps, rules.market_limits) in TOO_LITTLE


def _is_still_bought(order: Order) -> bool:
    """Part of the position was sold before all of its entry is known: what is still to be booked belongs to it."""
    entries = Order.objects.unsettled().filter(position=order.position, purpose=Purpose.ENTRY)
    return bool(entries.exclude(pk=order.pk).exists())


def _open_position(order: Order, state: BotState, opened_at: datetime) -> Position:
    """A new round trip. The dust of earlier ones joins it, at its cost."""
    newest = Position.objects.filter(bot_config_id=order.bot_config_id).aggregate(last=Max("sequence"))[
        "last"
    ]
    position: Position = Position.objects.create(
        bot_config=order.bot_config,
        sequence=(newest or 0) + 1,
        side=PositionSide.LONG,
        opened_at=opened_at,
        entry_reason=order.reason,
        opening_dust_quantity=state.dust_quantity,
        opening_dust_cost=state.dust_cost,
    )
    state.dust_quantity = state.dust_cost = 0
    return position


def _close_position(
    position: Position, state: BotState, numbers: positions.Position, *, at: datetime
) -> None:
    dust = numbers.dust()
    position.quantity = position.cost = decimal_from_e8(0)
    position.closed_at = at
    position.action = PositionAction.NONE
    forget_exits(state)
    state.dust_quantity = decimal_from_e8(dust.quantity_e8)
    state.dust_cost = decimal_from_e8(dust.cost_e8)
    state.realized_pnl += position.realized_pnl
    if state.counters_date == at.date():
        state.daily_pnl += position.realized_pnl
    state.in_position, state.position_side = False, ""
    state.entry_price = None
    state.current_position_size_coins = decimal_from_e8(0)
    if state.status in LIVELY:
        set_locked_status(state, BotStatus.WAITING, "position closed")
    after_exit(state, position)


def _show_position(position: Position, state: BotState) -> None:
    state.in_position, state.position_side = True, position.side
    state.entry_price = position.entry_price
    state.current_position_size_coins = position.quantity
    if state.status in LIVELY:
        set_locked_status(state, BotStatus.RUNNING)


def announce(order: Order) -> None:
    """Tell the owner's open pages what changed; state in the database is what counts."""
    live.publish(order.bot_config.user_id, f"bot-{order.bot_config_id}", "trades", "dashboard")
