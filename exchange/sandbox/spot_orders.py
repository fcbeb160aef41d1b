"""Answers to who places and cancels. An order is on disk before its answer leaves."""

from typing import Any

from exchange.sandbox import errors, shapes
from exchange.sandbox.call import Call
from exchange.sandbox.commands import CancelAll, CancelList, CancelOrder, PlaceOrder
from exchange.sandbox.desk import new_client_order_id
from exchange.sandbox.order_parameters import FULL_BY_DEFAULT, list_command, order_command
from exchange.sandbox.reading import choice_field
from exchange.sandbox.spot_market import known_symbol
from exchange.sandbox.state import Order, OrderList

RESTRICTIONS = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
RESTRICTION_FIELD = choice_field(
    "cancelRestrictions", tuple(RESTRICTIONS), errors.invalid_cancel_restrictions
)


def command_of(call: Call) -> PlaceOrder:
    filters = call.desk.world.filters[known_symbol(call)]
    client_order_id = call.values.get("newClientOrderId") or new_client_order_id()
    return order_command(call.values, filters, uid=call.uid, client_order_id=client_order_id)


def new_order(call: Call) -> dict[str, Any]:
    command = command_of(call)
    call.desk.order_counts.check(call.uid, 1, call.at.server_us)
    return placed(call, call.desk.place(command, call.at))


def placed(call: Call, order: Order) -> dict[str, Any]:
    """The order in the length the caller wished, else in the length of its type."""
    length = "FULL" if order.type in FULL_BY_DEFAULT else "ACK"
    match call.values.get("newOrderRespType", length):
        case "ACK":
            return shapes.order_ack(order)
        case "RESULT":
            return shapes.order_result(order)
        case _:
            trades = call.desk.state.trades_of.get((order.uid, order.symbol), [])
            return shapes.order_full(
                order, [trade for trade in trades[-1:] if trade.order_id == order.order_id]
            )


def test_order(call: Call) -> dict[str, Any]:
    call.desk.check(command_of(call), call.at)
    return shapes.commission_of_order() if call.values.get("computeCommissionRates") else {}


def new_list(call: Call) -> dict[str, Any]:
    filters = call.desk.world.filters[known_symbol(call)]
    command = list_command(call.values, filters, uid=call.uid, new_id=new_client_order_id)
    call.desk.order_counts.check(call.uid, len(command.legs), call.at.server_us)
    order_list = call.desk.place_list(command, call.at)
    orders = call.desk.state.legs_of(order_list)
    answer = shapes.order_list(order_list, orders)
    length = call.values.get("newOrderRespType", "RESULT")
    reports = [shapes.order_ack(order) if length == "ACK" else shapes.order_result(order) for order in orders]
    return answer | {"orderReports": reports}


def wanted_order(call: Call) -> Order | None:
    """By order id, by client id (the newest of that id), or by both, which then must agree."""
    values, state, symbol = call.values, call.desk.state, known_symbol(call)
    client_id = values.get("origClientOrderId")
    if "orderId" in values:
        order = state.find_order(call.uid, symbol, values["orderId"])
    elif client_id is not None:
        order = state.latest_by_client_id(call.uid, symbol, client_id)
    else:
        raise errors.missing_both(errors.ORDER_OR_CLIENT_ID)
    if order is not None and client_id is not None and order.client_order_id != client_id:
        raise errors.client_id_differs()
    return order


def cancel_command(call: Call) -> CancelOrder:
    order = wanted_order(call)
    if order is None:
        raise errors.unknown_order_sent()
    return CancelOrder(
        uid=call.uid,
        symbol=order.symbol,
        order_id=order.order_id,
        new_client_order_id=call.values.get("newClientOrderId") or new_client_order_id(),
        restriction=RESTRICTIONS.get(call.values.get("cancelRestrictions", "")),
    )


def cancel_order(call: Call) -> dict[str, Any]:
    """One order's report; for a leg that of its list, which it ended."""
    command = cancel_command(call)
    call.desk.execute(command, call.at)
    order = call.desk.state.order_by_id[command.symbol, command.order_id]
    if order.list_id < 0:
        return shapes.order_cancelled(order)
    return _list_cancelled(call, call.desk.state.lists[order.list_id - 1])


def _list_cancelled(call: Call, order_list: OrderList) -> dict[str, Any]:
    orders = call.desk.state.legs_of(order_list)
    reports = [shapes.order_cancelled(order) for order in orders if order.status == "CANCELED"]
    return shapes.order_list(order_list, orders) | {"orderReports": reports}


def wanted_list(call: Call, *, client_id_name: str) -> OrderList | None:
    """A list of this account by its id or its client id."""
    values, state = call.values, call.desk.state
    if "orderListId" in values:
        return state.find_list(call.uid, values["orderListId"])
    if client_id_name in values:
        return state.latest_list_by_client_id(call.uid, values[client_id_name])
    raise errors.missing_both((client_id_name, "orderListId"))


def cancel_list(call: Call) -> dict[str, Any]:
    symbol = known_symbol(call)
    found = wanted_list(call, client_id_name="listClientOrderId")
    if found is None:
        raise errors.unknown_order_sent()
    new_id = call.values.get("newClientOrderId") or new_client_order_id()
    command = CancelList(uid=call.uid, symbol=symbol, list_id=found.list_id, new_client_order_id=new_id)
    call.desk.execute(command, call.at)
    return _list_cancelled(call, call.desk.state.lists[found.list_id - 1])


def cancel_open_orders(call: Call) -> list[Any]:
    """Orders and lists alike, each as its own cancel would have answered."""
    symbol = known_symbol(call)
    state = call.desk.state
    standing = [order for order in state.open_orders_of(call.uid) if order.symbol == symbol]
    command = CancelAll(uid=call.uid, symbol=symbol, new_client_order_id=new_client_order_id())
    call.desk.execute(command, call.at)
    lists = dict.fromkeys(order.list_id for order in standing if order.list_id >= 0)
    single = [state.orders[order.seq - 1] for order in standing if order.list_id < 0]
    return [
        *(shapes.order_cancelled(order) for order in single),
        *(_list_cancelled(call, state.lists[list_id - 1]) for list_id in lists),
    ]
