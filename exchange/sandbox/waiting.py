"""What open orders wait for, and what happens when the market touches it: the tape is known, each touch is found once.

A touch depends on the order and the path alone: results are the same however often anybody looks (SPEC §5.7).
"""

import heapq
from dataclasses import replace

from exchange.sandbox.commands import At
from exchange.sandbox.filling import (
    Ending,
    ended,
    expired_siblings,
    fill_resting,
    finished_list,
    locked_for,
    locking,
)
from exchange.sandbox.filters import SymbolFilters
from exchange.sandbox.state import Order, OrderChanged, State
from exchange.sandbox.tape import E8, MINUTE_MS
from exchange.sandbox.world import World

STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")
TARGETS = ("TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
CONDITIONAL = (*STOPS, *TARGETS)
MARKET_AT_TRIGGER = ("STOP_LOSS", "TAKE_PROFIT")


def awaited(order: Order) -> tuple[int, bool]:
    """(price in 1e-8, whether it must rise there) of an open order: its trigger, or once it works its limit."""
    if order.is_working:
        return order.price, order.side == "SELL"
    return order.stop_price, (order.side == "SELL") == (order.type in TARGETS)


def is_reached(order: Order, price: int) -> bool:
    """Whether the market at `price` stands at or beyond what the order waits for."""
    level, rising = awaited(order)
    return price >= level if rising else price <= level


def next_touch(state: State, world: World) -> tuple[int, Order] | None:
    """The first touch to come (market ms) and its order; at the same instant the older order first."""
    for seq in state.unwatched:
        order = state.orders[seq - 1]
        if order.is_open:
            level, rising = awaited(order)
            touch_ms = world.first_touch(order.symbol, order.waits_since_ms, level, rising)
            if touch_ms is not None:
                heapq.heappush(state.touches, (touch_ms, seq, order.waits_since_ms))
    state.unwatched.clear()
    if len(state.touches) > state.most_touches:
        _forget_stale(state)
    while state.touches:
        if _is_current(state, state.touches[0]):
            touch_ms, seq, _ = state.touches[0]
            return touch_ms, state.orders[seq - 1]
        heapq.heappop(state.touches)
    return None


def _is_current(state: State, touch: tuple[int, int, int]) -> bool:
    """False once the order has ended or waits for something else."""
    _, seq, since_ms = touch
    order = state.orders[seq - 1]
    return order.is_open and order.waits_since_ms == since_ms


def _forget_stale(state: State) -> None:
    """Orders that were cancelled long before their touch would otherwise pile up."""
    state.touches = [touch for touch in state.touches if _is_current(state, touch)]
    heapq.heapify(state.touches)
    state.most_touches = 1_000 + 2 * len(state.touches)


def touched(state: State, order: Order, world: World, at: At) -> Ending:
    """What the touch at `at` does: a resting limit fills at its own price, as maker; a condition triggers."""
    filters = world.filters[order.symbol]
    if order.is_working:
        return fill_resting(state, order, filters, price=order.price, at=at, is_maker=True)
    return _triggered(state, order, filters, at, price=_price_at_trigger(order, world, at.market_ms))


def _price_at_trigger(order: Order, world: World, market_ms: int) -> int:
    """Within a minute the path is continuous: the trigger itself. An opening that jumped over it: the opening."""
    if market_ms % MINUTE_MS == 0:
        return world.price_e8(order.symbol, market_ms)
    return order.stop_price


def _triggered(state: State, order: Order, filters: SymbolFilters, at: At, *, price: int) -> Ending:
    """From here on it works: at market, or at its limit where the market may already be; else it rests."""
    working = replace(
        order,
        is_working=True,
        working_ms=at.market_ms,
        updated_ms=at.market_ms,
        triggered_us=at.server_us,
    )
    trigger = OrderChanged(working, "TRIGGERED")
    if order.type in MARKET_AT_TRIGGER or is_reached(working, price):
        if _is_affordable(state, working, filters, price):
            return [
                trigger, *fill_resting(state, working, filters, price=price, at=at, is_maker=False)
            ]  # fmt: skip
        return [trigger, *_expired(state, working, filters, at)]
    if order.time_in_force != "GTC":
        return [trigger, *_expired(state, working, filters, at)]
    return [trigger, *expired_siblings(state, order, at)]


def _is_affordable(state: State, order: Order, filters: SymbolFilters, price: int) -> bool:
    """A buy whose opening jumped beyond what was locked for it needs the rest to be free."""
    if order.side == "SELL":
        return True
    free = state.accounts[order.uid].balances.get(filters.quote, [0, 0])[0]
    return order.original_quantity * price // E8 <= locked_for(state, order) + free


def _expired(state: State, order: Order, filters: SymbolFilters, at: At) -> Ending:
    gone = ended(order, "EXPIRED", at)
    return [
        OrderChanged(gone, "EXPIRED"),
        *expired_siblings(state, order, at),
        *finished_list(state, order, at),
        locking(gone, -locked_for(state, order), filters),
    ]
