"""How orders that rest, lists, cancels and replacements go out, and every way they can end (SPEC §7.3, §7.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.orders import OrderType, Side
from exchange.binance.client import BinanceExchange
from exchange.port import (
    DuplicateOrder,
    ExchangeError,
    OutcomeUnknown,
    ProtectiveList,
    RateLimited,
    Rejected,
    RestingOrder,
    Stamp,
    Unavailable,
)
from tests.exchange.edge import Edge, Ending, closing, half, http, refusal

E8 = 100_000_000
STAMP = Stamp(1_700_000_000_123, 2_000)
STOP = RestingOrder(
    "BTCUSDT", Side.SELL, OrderType.STOP_LOSS_LIMIT, "tb-7-stop-1", 150_000, 58_800 * E8, 60_000 * E8
)
TARGET = RestingOrder("BTCUSDT", Side.SELL, OrderType.LIMIT_MAKER, "tb-7-target-1", 150_000, 70_000 * E8)
BOTH = ProtectiveList("tb-7-list-1", TARGET, STOP)


def order(client_order_id: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": 7,
        "clientOrderId": client_order_id,
        "transactTime": 1507725176595,
        "price": "58800.00",
        "origQty": "0.00150000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "type": kind,
        "side": "SELL",
        **fields,
    }


STOP_ANSWER = order("tb-7-stop-1", "STOP_LOSS_LIMIT", stopPrice="60000.00", workingTime=-1)
CANCELLED = order("made-by-binance", "STOP_LOSS_LIMIT", origClientOrderId="tb-7-stop-1", status="CANCELED")
LIST_ANSWER = {
    "orderListId": 7,
    "contingencyType": "OCO",
    "listStatusType": "EXEC_STARTED",
    "listOrderStatus": "EXECUTING",
    "listClientOrderId": "tb-7-list-1",
    "transactionTime": 1507725176595,
    "symbol": "BTCUSDT",
    "orders": [{"clientOrderId": "tb-7-stop-1"}, {"clientOrderId": "tb-7-target-1"}],
    "orderReports": [STOP_ANSWER, order("tb-7-target-1", "LIMIT_MAKER", workingTime=1507725176595)],
}


ACTS: dict[str, Callable[[BinanceExchange], object]] = {
    "place_resting_order": lambda client: client.place_resting_order(STOP, STAMP),
    "place_list": lambda client: client.place_list(BOTH, STAMP),
    "cancel_order": lambda client: client.cancel_order("BTCUSDT", "tb-7-stop-1"),
    "cancel_list": lambda client: client.cancel_list("BTCUSDT", "tb-7-list-1"),
    "replace_order": lambda client: client.replace_order("tb-7-stop-1", STOP, STAMP),
}


def sent(edge: Edge) -> tuple[str, dict[str, str]]:
    """The one request's first line and its parameters without signature and time."""
    (request,) = edge.requests
    line, parameters = request.partition("\r\n")[0], request.rpartition("\r\n")[2]
    found = dict(pair.split("=") for pair in parameters.split("&"))
    return line.removesuffix(" HTTP/1.1"), {name: found[name] for name in found if name != "signature"}


def ending(client: BinanceExchange, act: Callable[[BinanceExchange], object]) -> ExchangeError:
    with pytest.raises(ExchangeError) as raised:
        act(client)
    return raised.value


def test_a_stop_goes_out_in_plain_numbers_with_its_stamp(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, {**STOP_ANSWER, "fills": []}))
    report = client.place_resting_order(STOP, STAMP)
    assert sent(edge) == (
        "POST /api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_LOSS_LIMIT",
            "quantity": "0.0015",
            "price": "58800",
            "stopPrice": "60000",
            "timeInForce": "GTC",
            "newClientOrderId": "tb-7-stop-1",
            "newOrderRespType": "FULL",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "timestamp": "1700000000123",
            "recvWindow": "2000",
        },
    )
    assert (report.kind, report.status, report.is_working, report.list_id, report.fills) == (
        "STOP_LOSS_LIMIT",
        "NEW",
        False,
        7,
        (),
    )
    assert (report.price_e8, report.stop_price_e8, report.original_e8) == (58_800 * E8, 60_000 * E8, 150_000)


def test_a_list_goes_out_with_its_target_above(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, LIST_ANSWER))
    report = client.place_list(BOTH, STAMP)
    assert sent(edge) == (
        "POST /api/v3/orderList/oco",
        {
            "symbol": "BTCUSDT",
            "side": "SELL",
            "quantity": "0.0015",
            "listClientOrderId": "tb-7-list-1",
            "aboveType": "LIMIT_MAKER",
            "aboveClientOrderId": "tb-7-target-1",
            "abovePrice": "70000",
            "belowType": "STOP_LOSS_LIMIT",
            "belowClientOrderId": "tb-7-stop-1",
            "belowPrice": "58800",
            "belowStopPrice": "60000",
            "belowTimeInForce": "GTC",
            "newOrderRespType": "FULL",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "timestamp": "1700000000123",
            "recvWindow": "2000",
        },
    )
    assert (report.list_id, report.list_client_order_id, report.status) == (7, "tb-7-list-1", "EXECUTING")
    assert report.client_order_ids == ("tb-7-stop-1", "tb-7-target-1")
    assert [leg.is_working for leg in report.orders] == [False, True]


def test_of_a_purchase_the_stop_lies_above(client: BinanceExchange, edge: Edge) -> None:
    stop = RestingOrder("BTCUSDT", Side.BUY, OrderType.STOP_LOSS, "s", 150_000, None, 70_000 * E8)
    target = RestingOrder("BTCUSDT", Side.BUY, OrderType.LIMIT_MAKER, "t", 150_000, 60_000 * E8)
    edge.endings.append(http(200, LIST_ANSWER))
    client.place_list(ProtectiveList("l", target, stop), STAMP)
    _, parameters = sent(edge)
    assert (parameters["aboveType"], parameters["aboveStopPrice"]) == ("STOP_LOSS", "70000")
    assert (parameters["belowType"], parameters["belowPrice"]) == ("LIMIT_MAKER", "60000")
    assert {
        "abovePrice",
        "aboveTimeInForce",
        "belowStopPrice",
        "belowTimeInForce",
    } & parameters.keys() == set()


CRIPPLED = {name: value for name, value in LIST_ANSWER.items() if name != "orderReports"}
UNCERTAIN: dict[str, Ending] = {
    "closed": closing,
    "half": half,
    "200 without JSON": http(200, "ok"),
    "200 with another shape": http(200, {"orderListId": 1}),
    "408": refusal(408, -1007, "Timeout waiting for response from backend server."),
    "409 with nothing to read": refusal(409, -2021, "Order cancel-replace partially failed."),
    "-1006": refusal(400, -1006, "An unexpected response was received from the message bus."),
    "503": http(503, "<html>"),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_acts_is_unknown_unless_its_end_is_certain(
    client: BinanceExchange, edge: Edge, act: str, name: str
) -> None:
    edge.endings.append(UNCERTAIN[name])
    assert type(ending(client, ACTS[act])) is OutcomeUnknown
    assert len(edge.requests) == 1


@pytest.mark.parametrize("act", ACTS)
def test_what_acts_and_is_not_answered_in_time_is_unknown(
    client: BinanceExchange, edge: Edge, act: str
) -> None:
    edge.endings.append(edge.never)
    assert type(ending(client, ACTS[act])) is OutcomeUnknown


@pytest.mark.parametrize("act", ACTS)
def test_certain_ends_of_what_acts(client: BinanceExchange, edge: Edge, act: str) -> None:
    edge.endings.append(refusal(400, -2010, "Order would trigger immediately."))
    assert (type(refused := ending(client, ACTS[act])), refused.args) == (
        Rejected,
        ("Order would trigger immediately. (-2010)",),
    )
    edge.endings.append(refusal(400, -2010, "Duplicate order sent."))
    assert type(ending(client, ACTS[act])) is DuplicateOrder
    edge.endings.append(refusal(429, -1003, "Too much request weight used", Retry_After="7"))
    assert type(ending(client, ACTS[act])) is RateLimited


@pytest.mark.parametrize("act", ACTS)
def test_nobody_listening_is_certain(edge: Edge, client: BinanceExchange, act: str) -> None:
    client.signing_time_ms()
    edge.shutdown()
    edge.server_close()
    assert type(ending(client, ACTS[act])) is Unavailable


def test_a_list_without_its_orders_is_no_answer(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, CRIPPLED))
    assert type(ending(client, ACTS["place_list"])) is OutcomeUnknown


def test_a_cancel_names_the_order_by_our_id(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, CANCELLED))
    report = client.cancel_order("BTCUSDT", "tb-7-stop-1")
    assert report is not None
    assert (report.client_order_id, report.status) == ("tb-7-stop-1", "CANCELED")
    line, parameters = sent(edge)
    assert (line, parameters["origClientOrderId"]) == ("DELETE /api/v3/order", "tb-7-stop-1")


def test_a_cancelled_leg_answers_with_its_list(client: BinanceExchange, edge: Edge) -> None:
    done = {**LIST_ANSWER, "listOrderStatus": "ALL_DONE", "orderReports": [CANCELLED]}
    edge.endings.extend([http(200, done), http(200, done)])
    leg = client.cancel_order("BTCUSDT", "tb-7-stop-1")
    whole = client.cancel_list("BTCUSDT", "tb-7-list-1")
    assert (leg and leg.status, whole and whole.status) == ("CANCELED", "ALL_DONE")
    assert "DELETE /api/v3/orderList " in edge.requests[1]
    assert "listClientOrderId=tb-7-list-1" in edge.requests[1]


@pytest.mark.parametrize("message", ["Unknown order sent.", "Unknown order list sent."])
def test_an_unknown_order_is_a_question_not_an_end(client: BinanceExchange, edge: Edge, message: str) -> None:
    edge.endings.extend([refusal(400, -2011, message)] * 2)
    assert client.cancel_order("BTCUSDT", "tb-7-stop-1") is None
    assert client.cancel_list("BTCUSDT", "tb-7-list-1") is None


def test_another_refused_cancel_is_a_refusal(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(refusal(400, -2011, "Order was not canceled due to cancel restrictions."))
    assert type(ending(client, ACTS["cancel_order"])) is Rejected


def halves(cancel: str, new: str, cancelled: Any, placed: Any) -> dict[str, Any]:
    return {
        "cancelResult": cancel,
        "newOrderResult": new,
        "cancelResponse": cancelled,
        "newOrderResponse": placed,
    }


UNKNOWN_ORDER = {"code": -2011, "msg": "Unknown order sent."}
NO_MONEY = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
PLACED = {**STOP_ANSWER, "clientOrderId": "tb-7-stop-2", "orderListId": -1}


def failed(status: int, code: int, data: Any) -> Ending:
    return http(status, {"code": code, "msg": "Order cancel-replace failed.", "data": data})


def test_a_replacement_says_what_became_of_both(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, halves("SUCCESS", "SUCCESS", CANCELLED, PLACED)))
    report = client.replace_order("tb-7-stop-1", STOP, STAMP)
    assert report.cancelled is not None
    assert report.placed is not None
    assert (report.cancelled.status, report.placed.client_order_id, report.refusal) == (
        "CANCELED",
        "tb-7-stop-2",
        None,
    )
    line, parameters = sent(edge)
    assert line == "POST /api/v3/order/cancelReplace"
    assert (parameters["cancelReplaceMode"], parameters["cancelOrigClientOrderId"]) == (
        "STOP_ON_FAILURE",
        "tb-7-stop-1",
    )
    assert (parameters["timestamp"], parameters["recvWindow"]) == ("1700000000123", "2000")


def test_a_replacement_whose_cancel_failed_placed_nothing(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(failed(400, -2022, halves("FAILURE", "NOT_ATTEMPTED", UNKNOWN_ORDER, None)))
    report = client.replace_order("tb-7-stop-1", STOP, STAMP)
    assert (report.cancelled, report.placed) == (None, None)
    assert (report.refusal and report.refusal.code) == -2011


def test_a_replacement_whose_order_was_refused_has_cancelled(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(failed(409, -2021, halves("SUCCESS", "FAILURE", CANCELLED, NO_MONEY)))
    report = client.replace_order("tb-7-stop-1", STOP, STAMP)
    assert (report.cancelled and report.cancelled.client_order_id, report.placed) == ("tb-7-stop-1", None)
    assert (report.refusal and report.refusal.code) == -2010


LATE = {"code": -1007, "msg": "Timeout waiting for response from backend server."}
TWICE = {"code": -2010, "msg": "Duplicate order sent."}
UNREADABLE = {
    "no data": refusal(400, -2022, "Order cancel-replace failed."),
    "data is text": failed(400, -2022, "none"),
    "no halves": failed(409, -2021, {}),
    "cancel not certain": failed(400, -2022, halves("FAILURE", "NOT_ATTEMPTED", LATE, None)),
    "new order not certain": failed(409, -2021, halves("SUCCESS", "FAILURE", CANCELLED, LATE)),
    "new order exists": failed(409, -2021, halves("SUCCESS", "FAILURE", CANCELLED, TWICE)),
    "failure without a word": failed(409, -2021, halves("SUCCESS", "FAILURE", CANCELLED, None)),
    "placed although not cancelled": failed(409, -2021, halves("FAILURE", "SUCCESS", UNKNOWN_ORDER, PLACED)),
    "half without its report": http(200, halves("SUCCESS", "SUCCESS", CANCELLED, None)),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_replacement_that_cannot_be_read_is_unknown(client: BinanceExchange, edge: Edge, name: str) -> None:
    edge.endings.append(UNREADABLE[name])
    failure = ending(client, ACTS["replace_order"])
    assert type(failure) is OutcomeUnknown
    assert (failure.__cause__, failure.__context__) == (None, None)


@pytest.mark.parametrize(("code", "message"), [(-2018, "Order list does not exist."), (-2013, "No.")])
def test_a_list_that_is_not_there(client: BinanceExchange, edge: Edge, code: int, message: str) -> None:
    edge.endings.append(refusal(400, code, message))
    assert client.find_list("tb-7-list-1") is None


def test_a_list_is_found_by_its_id(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(http(200, CRIPPLED))
    found = client.find_list("tb-7-list-1")
    assert found is not None
    assert (found.client_order_ids, found.orders) == (("tb-7-stop-1", "tb-7-target-1"), ())
    assert "GET /api/v3/orderList?origClientOrderId=tb-7-list-1&" in edge.requests[0]


def test_open_orders_of_all_symbols(client: BinanceExchange, edge: Edge) -> None:
    resting = order("tb-7-stop-1", "STOP_LOSS_LIMIT", isWorking=False, updateTime=5, workingTime=-1)
    edge.endings.append(http(200, [resting]))
    (found,) = client.open_orders(None)
    assert (found.client_order_id, found.is_working) == ("tb-7-stop-1", False)
    assert "symbol=" not in edge.requests[0]


def test_the_book(client: BinanceExchange, edge: Edge) -> None:
    edge.endings.append(
        http(200, {"lastUpdateId": 1, "bids": [["64000.00", "0.5"]], "asks": [["64000.01", "1"]]})
    )
    book = client.book("BTCUSDT", levels=5)
    assert (book.bids, book.asks) == (((64_000 * E8, E8 // 2),), ((6_400_001 * E8 // 100, E8),))


@pytest.mark.parametrize(
    "wrong",
    [
        RestingOrder("BTCUSDT", Side.SELL, OrderType.STOP_LOSS_LIMIT, "a", 1, None, 1),
        RestingOrder("BTCUSDT", Side.SELL, OrderType.STOP_LOSS, "a", 1, 1, 1),
        RestingOrder("BTCUSDT", Side.SELL, OrderType.LIMIT_MAKER, "a", 1, 0),
        RestingOrder("BTCUSDT", Side.SELL, OrderType.LIMIT, "a", 0, 1),
        RestingOrder("BTCUSDT", Side.SELL, OrderType.MARKET, "a", 1),
        RestingOrder("BTCUSDT", Side.SELL, OrderType.LIMIT, "a/b", 1, 1),
    ],
)
def test_what_cannot_be_meant_is_refused_here(
    client: BinanceExchange, edge: Edge, wrong: RestingOrder
) -> None:
    assert isinstance(ending(client, lambda own: own.place_resting_order(wrong, STAMP)), Rejected)
    assert isinstance(ending(client, lambda own: own.replace_order("x", wrong, STAMP)), Rejected)
    assert edge.requests == []


@pytest.mark.parametrize(
    ("target", "stop"),
    [
        (STOP, TARGET),
        (TARGET, RestingOrder("ETHUSDT", Side.SELL, OrderType.STOP_LOSS, "s", 150_000, None, 1)),
        (TARGET, RestingOrder("BTCUSDT", Side.SELL, OrderType.STOP_LOSS, "s", 150_001, None, 1)),
    ],
)
def test_a_list_has_a_target_and_a_stop_for_the_same_coins(
    client: BinanceExchange, edge: Edge, target: RestingOrder, stop: RestingOrder
) -> None:
    wrong = ProtectiveList("tb-7-list-1", target, stop)
    assert isinstance(ending(client, lambda own: own.place_list(wrong, STAMP)), Rejected)
    assert edge.requests == []
