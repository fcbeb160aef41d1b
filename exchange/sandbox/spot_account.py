"""Answers to a signed caller: account, orders, trades. An order is on disk before its answer leaves."""

from typing import Any

from exchange.sandbox import errors, shapes
from exchange.sandbox.call import Call
from exchange.sandbox.desk import new_client_order_id
from exchange.sandbox.order_parameters import order_command
from exchange.sandbox.spot_market import known_symbol
from exchange.sandbox.venue import PlaceOrder

HOURS_BETWEEN = 24
DEFAULT_TRADES = 500
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


def _command(call: Call) -> PlaceOrder:
    filters = call.desk.world.filters[known_symbol(call)]
    client_order_id = call.values.get("newClientOrderId") or new_client_order_id()
    return order_command(call.values, filters, uid=call.uid, client_order_id=client_order_id)


def new_order(call: Call) -> dict[str, Any]:
    order = call.desk.place(_command(call), call.at)
    match call.values.get("newOrderRespType", "FULL"):
        case "ACK":
            return shapes.order_ack(order)
        case "RESULT":
            return shapes.order_result(order)
        case _:
            trades = call.desk.state.trades_of[order.uid, order.symbol]
            return shapes.order_full(
                order, [trade for trade in trades[-1:] if trade.order_id == order.order_id]
            )


def test_order(call: Call) -> dict[str, Any]:
    call.desk.check(_command(call), call.at)
    return {}


def query_order(call: Call) -> dict[str, Any]:
    """By order id, by client id (the newest of that id), or by both, which then must agree."""
    values, state, symbol = call.values, call.desk.state, known_symbol(call)
    client_id = values.get("origClientOrderId")
    if "orderId" in values:
        order = state.find_order(call.uid, symbol, values["orderId"])
    elif client_id is not None:
        order = state.latest_by_client_id(call.uid, symbol, client_id)
    else:
        raise errors.missing_both(errors.ORDER_OR_CLIENT_ID)
    if order is None or call.desk.is_hidden(symbol, order.order_id):
        raise errors.no_such_order()
    if client_id is not None and order.client_order_id != client_id:
        raise errors.client_id_differs()
    return shapes.order_queried(order)


def open_orders(call: Call) -> list[Any]:
    wanted = known_symbol(call) if "symbol" in call.values else None
    return [
        shapes.order_queried(order)
        for order in call.desk.state.open_orders_of(call.uid)
        if wanted in (None, order.symbol) and not call.desk.is_hidden(order.symbol, order.order_id)
    ]


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
    limit = values.get("limit", DEFAULT_TRADES)
    chosen = found[-limit:] if start is None and from_id is None else found[:limit]
    return [shapes.my_trade(trade) for trade in chosen]


def _check_trade_filters(values: dict[str, Any]) -> None:
    given = {name for name in ("orderId", "startTime", "endTime", "fromId") if name in values}
    if given not in TRADE_FILTERS:
        raise errors.invalid_combination()
    if {"startTime", "endTime"} <= given and values["endTime"] - values[
        "startTime"
    ] > HOURS_BETWEEN * 3_600_000:
        raise errors.too_many_hours(HOURS_BETWEEN)
