"""New orders and lists: refused in Binance's order of checks, filled at once, or resting with their money locked.

Everything here reads; the events say what would happen. Raises errors.Refused.
"""

from dataclasses import replace

from exchange.sandbox import errors
from exchange.sandbox.commands import At, PlaceList, PlaceOrder
from exchange.sandbox.filling import lock_of, locking, settlement, spent_asset, traded
from exchange.sandbox.filters import (
    OpenCounts,
    Priced,
    SymbolFilters,
    check_counts,
    check_market_order,
    check_priced_order,
    quantity_for_quote,
)
from exchange.sandbox.state import BalanceChanged, Order, OrderList, State, Trade
from exchange.sandbox.tape import E8
from exchange.sandbox.waiting import CONDITIONAL, MARKET_AT_TRIGGER, STOPS, is_reached
from exchange.sandbox.world import World

Placed = list[Order | Trade | OrderList | BalanceChanged]


def place_order(state: State, command: PlaceOrder, at: At, world: World) -> Placed:
    filters = _open_market(command.symbol, (command.type,), at, world)
    if command.type == "MARKET":
        return _fill_at_market(state, command, at, world)
    _check_filters(command, filters, world, at)
    _check_counts(state, (command,), filters, lists=0)
    price = world.price_e8(command.symbol, at.market_ms)
    order = _new_order(state, command, at)
    _check_funds(state, order, filters, lock_of(order))
    _check_client_id(state, command)
    if command.type == "LIMIT" and is_reached(order, price):
        filled, trade = traded(state, order, filters, price=price, at=at, is_maker=False)
        return [filled, trade, *settlement(trade, filters, locked=0)]
    _check_not_reached(order, price)
    if command.type == "LIMIT" and command.time_in_force != "GTC":
        return [replace(order, status="EXPIRED", ended_ms=at.market_ms, ended_us=at.server_us)]
    return [order, locking(order, lock_of(order), filters)]


def place_list(state: State, command: PlaceList, at: At, world: World) -> Placed:
    above, below = command.legs
    filters = _open_market(command.symbol, (above.type, below.type), at, world)
    for leg in command.legs:
        _check_filters(leg, filters, world, at)
    _check_counts(state, command.legs, filters, lists=1)
    _check_relationship(above, below, world.price_e8(command.symbol, at.market_ms))
    orders = _list_orders(state, command, at)
    lock = max(lock_of(order) for order in orders)
    _check_funds(state, orders[0], filters, lock)
    _check_list_ids(state, command)
    order_list = OrderList(
        list_id=orders[0].list_id,
        uid=command.uid,
        symbol=command.symbol,
        client_order_id=command.list_client_order_id,
        order_ids=[order.order_id for order in orders],
        status_type="EXEC_STARTED",
        order_status="EXECUTING",
        market_ms=at.market_ms,
        accepted_us=at.server_us,
        updated_ms=at.market_ms,
    )
    return [order_list, *orders, locking(orders[0], lock, filters)]


def check_before_replacing(command: PlaceOrder, at: At, world: World) -> None:
    """What a cancel-replace holds against the new order before it cancels the old one."""
    filters = _open_market(command.symbol, (command.type,), at, world)
    if command.type != "MARKET":
        _check_filters(command, filters, world, at)


def _open_market(symbol: str, types: tuple[str, ...], at: At, world: World) -> SymbolFilters:
    filters = world.filters[symbol]
    for kind in types:
        if kind not in filters.order_types:
            raise errors.type_not_supported(kind)
    if not world.is_trading(symbol, at.market_ms):
        raise errors.market_closed()
    return filters


def _check_filters(command: PlaceOrder, filters: SymbolFilters, world: World, at: At) -> None:
    order = Priced(
        side=command.side,
        quantity=command.quantity or 0,
        price=command.price,
        stop_price=command.stop_price,
        is_market=command.type in MARKET_AT_TRIGGER,
    )
    check_priced_order(filters, order, average_e8=world.average_e8(command.symbol, at.market_ms))


def _check_counts(state: State, legs: tuple[PlaceOrder, ...], filters: SymbolFilters, *, lists: int) -> None:
    """Raises when these orders would be too many of their symbol, with what is open already."""
    uid, symbol = legs[0].uid, legs[0].symbol
    standing = [order for order in state.open_orders_of(uid) if order.symbol == symbol]
    types = [order.type for order in standing] + [leg.type for leg in legs]
    open_lists = {order.list_id for order in standing if order.list_id >= 0}
    check_counts(
        filters,
        OpenCounts(
            orders=len(types),
            algo_orders=sum(kind in CONDITIONAL for kind in types),
            lists=len(open_lists) + lists,
        ),
    )


def _check_not_reached(order: Order, price: int) -> None:
    if not is_reached(order, price):
        return
    if order.type in CONDITIONAL:
        raise errors.would_trigger_immediately()
    if order.type == "LIMIT_MAKER":
        raise errors.would_match_immediately()


def _check_relationship(above: PlaceOrder, below: PlaceOrder, price: int) -> None:
    """The stop leg lies below for a sale and above for a purchase, the market strictly between both."""
    stop = below if above.side == "SELL" else above
    is_between = (above.stop_price or above.price) > price > (below.stop_price or below.price)
    limits = [leg.price for leg in (above, below) if leg.type == "TAKE_PROFIT_LIMIT"]
    reached = [limit <= price if above.side == "SELL" else limit >= price for limit in limits]
    if stop.type not in STOPS or not is_between or any(reached):
        raise errors.wrong_price_relationship()


def _check_funds(state: State, order: Order, filters: SymbolFilters, needed: int) -> None:
    free = state.accounts[order.uid].balances.get(spent_asset(order, filters), [0, 0])[0]
    if free < needed:
        raise errors.insufficient_balance()


def _check_client_id(state: State, command: PlaceOrder) -> None:
    """Unique among OPEN orders only: a closed order's id may be used again, as on Binance."""
    newest = state.latest_by_client_id(command.uid, command.symbol, command.client_order_id)
    if newest is not None and newest.is_open:
        raise errors.duplicate_order()


def _check_list_ids(state: State, command: PlaceList) -> None:
    above, below = command.legs
    newest = state.latest_list_by_client_id(command.uid, command.list_client_order_id)
    if above.client_order_id == below.client_order_id or (newest is not None and newest.is_open):
        raise errors.duplicate_order()
    for leg in command.legs:
        _check_client_id(state, leg)


def _list_orders(state: State, command: PlaceList, at: At) -> list[Order]:
    """Both legs, the stop first as Binance answers them."""
    stop_first = sorted(command.legs, key=lambda leg: leg.type not in STOPS)
    first = _new_order(state, stop_first[0], at)
    list_id = len(state.lists) + 1
    second = replace(_new_order(state, stop_first[1], at), seq=first.seq + 1, order_id=first.order_id + 1)
    return [replace(order, list_id=list_id) for order in (first, second)]


def _new_order(state: State, command: PlaceOrder, at: At) -> Order:
    return Order(
        seq=len(state.orders) + 1,
        order_id=state.next_order_id.get(command.symbol, 1),
        uid=command.uid,
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        side=command.side,
        type=command.type,
        status="NEW",
        original_quantity=command.quantity or 0,
        original_quote=command.quote or 0,
        executed_quantity=0,
        executed_quote=0,
        prevention_mode=command.prevention_mode,
        market_ms=at.market_ms,
        accepted_us=at.server_us,
        strategy_id=command.strategy_id,
        strategy_type=command.strategy_type,
        price=command.price,
        stop_price=command.stop_price,
        time_in_force=command.time_in_force,
        is_working=command.type not in CONDITIONAL,
    )


def _fill_at_market(state: State, command: PlaceOrder, at: At, world: World) -> Placed:
    filters = world.filters[command.symbol]
    price = world.price_e8(command.symbol, at.market_ms)
    quantity = command.quantity
    if quantity is None:
        quantity = quantity_for_quote(command.quote or 0, price, filters)
    quote = quantity * price // E8
    check_market_order(
        filters, quantity_e8=quantity, notional_e8=quote if command.quote is None else command.quote
    )
    order = replace(_new_order(state, command, at), original_quantity=quantity)
    _check_funds(state, order, filters, quote if command.side == "BUY" else quantity)
    _check_client_id(state, command)
    filled, trade = traded(state, order, filters, price=price, at=at, is_maker=False)
    return [filled, trade, *settlement(trade, filters, locked=0)]
