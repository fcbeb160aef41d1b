"""Cancels: an order, a list, or everything open of a symbol. Cancelling one leg ends the whole list, as on Binance."""

from dataclasses import replace

from exchange.sandbox import errors
from exchange.sandbox.commands import At, CancelAll, CancelList, CancelOrder
from exchange.sandbox.filling import Ending, ended, finished_list, list_of, locked_for, locking
from exchange.sandbox.state import Order, OrderChanged, State
from exchange.sandbox.world import World


def cancel_order(state: State, command: CancelOrder, at: At, world: World) -> Ending:
    order = state.find_order(command.uid, command.symbol, command.order_id)
    if order is None or not order.is_open:
        raise errors.unknown_order_sent()
    if command.restriction not in (None, order.status):
        raise errors.cancel_restricted()
    return _cancelled(state, order, command.new_client_order_id, at, world)


def cancel_list(state: State, command: CancelList, at: At, world: World) -> Ending:
    order_list = state.find_list(command.uid, command.list_id)
    if order_list is None or not order_list.is_open or order_list.symbol != command.symbol:
        raise errors.unknown_order_sent()
    leg = next(order for order in state.legs_of(order_list) if order.is_open)
    return _cancelled(state, leg, command.new_client_order_id, at, world)


def cancel_all(state: State, command: CancelAll, at: At, world: World) -> Ending:
    standing = [order for order in state.open_orders_of(command.uid) if order.symbol == command.symbol]
    if not standing:
        raise errors.unknown_order_sent()
    events: Ending = []
    lists_seen: set[int] = set()
    for order in standing:
        if order.list_id in lists_seen:
            continue
        if order.list_id >= 0:
            lists_seen.add(order.list_id)
        events += _cancelled(state, order, command.new_client_order_id, at, world)
    return events


def _cancelled(state: State, order: Order, new_client_order_id: str, at: At, world: World) -> Ending:
    """The order, or every open leg of its list; their money is free again."""
    order_list = list_of(state, order)
    legs = [order] if order_list is None else state.legs_of(order_list)
    gone = [
        replace(ended(leg, "CANCELED", at), cancel_client_order_id=new_client_order_id)
        for leg in legs
        if leg.is_open
    ]
    return [
        *(OrderChanged(leg, "CANCELED") for leg in gone),
        *finished_list(state, order, at, cancel_client_order_id=new_client_order_id),
        locking(gone[0], -locked_for(state, order), world.filters[order.symbol]),
    ]
