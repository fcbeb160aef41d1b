"""Answers to a signed caller who only asks: account, orders, lists, trades."""

from typing import Any

from exchange.sandbox import errors, shapes
from exchange.sandbox.call import Call
from exchange.sandbox.spot_market import known_symbol, wanted_symbols
from exchange.sandbox.spot_orders import wanted_list, wanted_order
from exchange.sandbox.state import OrderList

HOURS_BETWEEN = 24
DEFAULT_ROWS = 500
TRADE_FILTERS: list[set[str]] = [  # The combinations Binance documents for myTrades; any other is -1128.
    set(),
    {"orderId"},
    {"startTime"},
    {"endTime"},
    {"fromId"},
    {"startTime", "endTime"},
    {"orderId", "fromId"},
]


def account(call: Call) -> dict[str, Any]:
    filters = call.desk.world.filters.values()
    assets = list(dict.fromkeys(asset for entry in filters for asset in (entry.base, entry.quote)))
    return shapes.account(
        call.desk.state.accounts[call.uid], assets, omit_zero=call.values.get("omitZeroBalances", False)
    )


def api_restrictions(call: Call) -> dict[str, Any]:
    return shapes.api_restrictions(call.desk.state.accounts[call.uid])


def commission(call: Call) -> dict[str, Any]:
    return shapes.commission_of_account(known_symbol(call))


def trade_fees(call: Call) -> list[Any]:
    return [shapes.trade_fee(symbol) for symbol in wanted_symbols(call)]


def order_counts(call: Call) -> list[Any]:
    return call.desk.order_counts.report(call.uid, call.at.server_us)


def prevented_matches(call: Call) -> list[Any]:
    """Orders of this venue never meet each other, so no self-trade was ever prevented."""
    known_symbol(call)
    return []


def query_order(call: Call) -> dict[str, Any]:
    order = wanted_order(call)
    if order is None or call.desk.is_hidden(order.symbol, order.order_id):
        raise errors.no_such_order()
    return shapes.order_queried(order)


def open_orders(call: Call) -> list[Any]:
    wanted = known_symbol(call) if "symbol" in call.values else None
    return [
        shapes.order_queried(order)
        for order in call.desk.state.open_orders_of(call.uid)
        if wanted in (None, order.symbol) and not call.desk.is_hidden(order.symbol, order.order_id)
    ]


def all_orders(call: Call) -> list[Any]:
    """Oldest first: from an id or a time on the first `limit`, else the last `limit`."""
    values, symbol = call.values, known_symbol(call)
    check_time_range(values)
    state = call.desk.state
    start, end, first = values.get("startTime"), values.get("endTime"), values.get("orderId")
    orders = (state.order_by_id[symbol, order_id] for order_id in state.orders_of.get((call.uid, symbol), []))
    found = [
        order
        for order in orders
        if (first is None or order.order_id >= first)
        and (start is None or order.market_ms >= start)
        and (end is None or order.market_ms <= end)
        and not call.desk.is_hidden(symbol, order.order_id)
    ]
    return [shapes.order_queried(order) for order in _page(found, values, is_forward=first is not None)]


def query_list(call: Call) -> dict[str, Any]:
    found = wanted_list(call, client_id_name="origClientOrderId")
    if found is None or _is_hidden_list(call, found):
        raise errors.no_such_list()
    return shapes.order_list(found, call.desk.state.legs_of(found))


def open_lists(call: Call) -> list[Any]:
    return [_list_row(call, found) for found in _lists(call) if found.is_open]


def all_lists(call: Call) -> list[Any]:
    """Oldest first: from an id or a time on the first `limit`, else the last `limit`."""
    values = call.values
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise errors.invalid_combination()
    check_time_range(values)
    start, end, first = values.get("startTime"), values.get("endTime"), values.get("fromId")
    found = [
        entry
        for entry in _lists(call)
        if (first is None or entry.list_id >= first)
        and (start is None or entry.market_ms >= start)
        and (end is None or entry.market_ms <= end)
    ]
    return [_list_row(call, entry) for entry in _page(found, values, is_forward=first is not None)]


def _lists(call: Call) -> list[OrderList]:
    state = call.desk.state
    found = [state.lists[list_id - 1] for list_id in state.lists_of.get(call.uid, [])]
    return [entry for entry in found if not _is_hidden_list(call, entry)]


def _list_row(call: Call, found: OrderList) -> dict[str, Any]:
    return shapes.order_list(found, call.desk.state.legs_of(found))


def _is_hidden_list(call: Call, found: OrderList) -> bool:
    return any(call.desk.is_hidden(found.symbol, order_id) for order_id in found.order_ids)


def _page(rows: list[Any], values: dict[str, Any], *, is_forward: bool) -> list[Any]:
    limit = values.get("limit", DEFAULT_ROWS)
    return rows[:limit] if is_forward or "startTime" in values else rows[-limit:]


def my_trades(call: Call) -> list[Any]:
    """Oldest first. From an id or a time on: the first `limit` there; else the last `limit`."""
    values, symbol = call.values, known_symbol(call)
    _check_trade_filters(values)
    start, end, from_id = values.get("startTime"), values.get("endTime"), values.get("fromId")
    found = [
        trade
        for trade in call.desk.state.trades_of.get((call.uid, symbol), [])
        if values.get("orderId") in (None, trade.order_id)
        and (start is None or trade.market_ms >= start)
        and (end is None or trade.market_ms <= end)
        and (from_id is None or trade.trade_id >= from_id)
        and not call.desk.is_hidden(symbol, trade.order_id)
    ]
    return [shapes.my_trade(trade) for trade in _page(found, values, is_forward=from_id is not None)]


def _check_trade_filters(values: dict[str, Any]) -> None:
    given = {name for name in ("orderId", "startTime", "endTime", "fromId") if name in values}
    if given not in TRADE_FILTERS:
        raise errors.invalid_combination()
    check_time_range(values)


def check_time_range(values: dict[str, Any]) -> None:
    """Both ends given: no more than a day apart."""
    has_both = "startTime" in values and "endTime" in values
    if has_both and values["endTime"] - values["startTime"] > HOURS_BETWEEN * 3_600_000:
        raise errors.too_many_hours(HOURS_BETWEEN)
