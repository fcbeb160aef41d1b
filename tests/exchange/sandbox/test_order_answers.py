"""Resting orders, lists and replacements over HTTP: Binance's shapes, its words, and what a cancel leaves behind."""

import json
from pathlib import Path

import pytest

SHAPES = json.loads((Path(__file__).parent / "data" / "response_shapes.json").read_text())
# Binance sends these only where an order has them; its examples show all at once.
CONDITIONAL = {
    "preventedMatchId", "preventedQuantity", "strategyId", "strategyType", "trailingDelta", "trailingTime", "usedSor",
    "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice", "expiryReason", "stopPrice",
    "icebergQty",
}  # fmt: skip
MAKER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001", "price": "100000"}
PAIR = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "listClientOrderId": "pair",
    "aboveType": "LIMIT_MAKER", "abovePrice": "110000", "aboveClientOrderId": "target",
    "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "100000", "belowPrice": "98000", "belowTimeInForce": "GTC",
    "belowClientOrderId": "stop",
}  # fmt: skip


def kinds(value: dict, without: set = CONDITIONAL) -> dict:
    return {key: type(entry) for key, entry in value.items() if key not in without}


def said(response) -> tuple[int, int, str]:
    body = response.json()
    return response.status_code, body["code"], body["msg"]


@pytest.fixture
def maker(caller):
    return caller.order(**MAKER, newClientOrderId="maker").json()


@pytest.fixture
def pair(caller):
    caller.order(side="BUY", quantity="0.003")
    return caller.signed("POST", "/api/v3/orderList/oco", **PAIR).json()


def locked(caller) -> dict:
    balances = caller.signed("GET", "/api/v3/account", omitZeroBalances="true").json()["balances"]
    return {entry["asset"]: entry["locked"] for entry in balances}


def test_a_resting_order_is_acknowledged_and_its_money_locked(caller, maker):
    assert list(maker) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]
    assert locked(caller) == {"USDT": "100.00000000"}
    row = caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json()[0]
    assert kinds(row, CONDITIONAL - {"stopPrice", "icebergQty"}) == kinds(
        SHAPES["GET /api/v3/openOrders"][0], CONDITIONAL - {"stopPrice", "icebergQty"}
    )
    assert (row["status"], row["isWorking"], row["price"]) == ("NEW", True, "100000.00000000")


def test_all_orders_in_their_order(caller, maker):
    caller.order(side="BUY", quoteOrderQty="20")
    rows = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT").json()
    assert [row["type"] for row in rows] == ["LIMIT_MAKER", "MARKET"]
    assert kinds(rows[0]) == kinds(SHAPES["GET /api/v3/allOrders"][0])
    later = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=rows[1]["orderId"]).json()
    assert later == rows[1:]
    assert caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=1).json() == rows[1:]
    day = {"startTime": 0, "endTime": 86_400_001}
    assert said(caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", **day)) == (
        400, -1127, "More than 24 hours between startTime and endTime.",
    )  # fmt: skip


def test_a_cancel_has_an_id_of_its_own_and_frees_the_money(caller, maker):
    named = {"symbol": "BTCUSDT", "origClientOrderId": "maker"}
    gone = caller.signed("DELETE", "/api/v3/order", **named, newClientOrderId="away").json()
    assert kinds(gone) == kinds(SHAPES["DELETE /api/v3/order"])
    assert (gone["origClientOrderId"], gone["clientOrderId"], gone["status"]) == ("maker", "away", "CANCELED")
    assert caller.signed("GET", "/api/v3/order", **named).json()["status"] == "CANCELED"
    assert locked(caller) == {"USDT": "0.00000000"}
    again = caller.signed("DELETE", "/api/v3/order", **named)
    assert said(again) == (400, -2011, "Unknown order sent.")


def test_a_cancel_may_be_restricted(caller, maker):
    named = {"symbol": "BTCUSDT", "orderId": maker["orderId"]}
    partly = caller.signed("DELETE", "/api/v3/order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert said(partly) == (400, -2011, "Order was not canceled due to cancel restrictions.")
    odd = caller.signed("DELETE", "/api/v3/order", **named, cancelRestrictions="NEVER")
    assert said(odd) == (400, -1145, "Invalid cancelRestrictions")
    new = caller.signed("DELETE", "/api/v3/order", **named, cancelRestrictions="ONLY_NEW")
    assert new.json()["status"] == "CANCELED"


def test_a_body_may_carry_a_cancel(caller, maker):
    payload = f"symbol=BTCUSDT&origClientOrderId=maker&timestamp={caller.now_ms()}"
    gone = caller.send("DELETE", "/api/v3/order", body=f"{payload}&signature={caller.sign(payload)}")
    assert gone.json()["status"] == "CANCELED"


def test_an_id_is_taken_while_its_order_is_open(caller, maker):
    again = caller.order(**MAKER, newClientOrderId="maker")
    assert said(again) == (400, -2010, "Duplicate order sent.")
    caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="maker")
    assert caller.order(**MAKER, newClientOrderId="maker").status_code == 200


def test_a_list_in_binances_shape(caller, pair):
    shape = SHAPES["POST /api/v3/orderList/oco"]
    assert kinds(pair) == kinds(shape)
    assert kinds(pair["orders"][0]) == kinds(shape["orders"][0])
    assert [kinds(report) for report in pair["orderReports"]] == [kinds(shape["orderReports"][0])] * 2
    stop, target = pair["orderReports"]
    assert (stop["type"], stop["stopPrice"], stop["workingTime"]) == (
        "STOP_LOSS_LIMIT",
        "100000.00000000",
        -1,
    )
    assert (target["type"], target["clientOrderId"], target["price"]) == (
        "LIMIT_MAKER",
        "target",
        "110000.00000000",
    )
    assert locked(caller)["BTC"] == "0.00100000"


def test_a_list_is_found_by_either_id_and_among_the_open(caller, pair):
    by_id = caller.signed("GET", "/api/v3/orderList", orderListId=pair["orderListId"]).json()
    by_name = caller.signed("GET", "/api/v3/orderList", origClientOrderId="pair").json()
    assert kinds(by_id) == kinds(SHAPES["GET /api/v3/orderList"])
    assert [by_name] == caller.signed("GET", "/api/v3/openOrderList").json() == [by_id]
    assert caller.signed("GET", "/api/v3/allOrderList").json() == [by_id]
    assert said(caller.signed("GET", "/api/v3/orderList", orderListId=9_999)) == (
        400, -2018, "Order list does not exist.",
    )  # fmt: skip


def test_another_keys_list_does_not_exist(caller, pair, new_caller, sandbox):
    stranger = new_caller(sandbox)
    asked = stranger.signed("GET", "/api/v3/orderList", orderListId=pair["orderListId"])
    assert said(asked) == (400, -2018, "Order list does not exist.")
    cancelled = stranger.signed(
        "DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=pair["orderListId"]
    )
    assert said(cancelled) == (400, -2011, "Unknown order sent.")


def test_a_list_is_cancelled_whole(caller, pair):
    gone = caller.signed("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="pair").json()
    assert kinds(gone) == kinds(SHAPES["DELETE /api/v3/orderList"])
    report = kinds(SHAPES["DELETE /api/v3/orderList"]["orderReports"][0])
    assert kinds(gone["orderReports"][0]) == report | {"selfTradePreventionMode": str}
    assert (gone["listStatusType"], gone["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert {report["status"] for report in gone["orderReports"]} == {"CANCELED"}
    assert locked(caller)["BTC"] == "0.00000000"
    assert caller.signed("GET", "/api/v3/openOrderList").json() == []


def test_cancelling_a_leg_answers_for_the_list(caller, pair):
    gone = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="target").json()
    assert (gone["listOrderStatus"], len(gone["orderReports"])) == ("ALL_DONE", 2)


def test_everything_open_is_cancelled_at_once(caller, pair, maker):
    gone = caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert [sorted(entry)[0] for entry in gone] == ["clientOrderId", "contingencyType"]
    assert kinds(gone[0]) == kinds(SHAPES["DELETE /api/v3/openOrders"][0])
    assert caller.signed("GET", "/api/v3/openOrders").json() == []
    assert said(caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")) == (
        400, -2011, "Unknown order sent.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"aboveType": "STOP_LOSS_LIMIT"}, -1014, "Unsupported order combination."),
        (
            {"abovePrice": "105000"},
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        (
            {"belowStopPrice": "106000"},
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        (
            {"belowTimeInForce": None},
            -1102,
            "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed.",
        ),
        ({"aboveStopPrice": "110000"}, -1106, "Parameter 'aboveStopPrice' sent when not required."),
        ({"aboveType": "LIMIT"}, -1116, "Invalid orderType."),
        ({"belowClientOrderId": "target"}, -2010, "Duplicate order sent."),
        ({"quantity": "0.01"}, -2010, "Account has insufficient balance for requested action."),
        ({"belowPrice": "98000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"belowPrice": "200"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ],
)
def test_a_list_is_refused_in_binances_words(caller, change, code, text):
    caller.order(side="BUY", quantity="0.002")
    wish = {name: value for name, value in {**PAIR, **change}.items() if value is not None}
    assert said(caller.signed("POST", "/api/v3/orderList/oco", **wish)) == (400, code, text)
    assert locked(caller)["BTC"] == "0.00000000"


def test_the_ids_of_an_open_list_are_taken(caller, pair):
    again = caller.signed("POST", "/api/v3/orderList/oco", **PAIR)
    assert said(again) == (400, -2010, "Duplicate order sent.")


def test_at_most_five_conditional_orders_a_symbol(caller):
    caller.order(side="BUY", quantity="0.01")
    stop = {"side": "SELL", "type": "STOP_LOSS_LIMIT", "quantity": "0.001", "timeInForce": "GTC"}
    prices = {"stopPrice": "100000", "price": "99000"}
    for _ in range(5):
        assert caller.order(**stop, **prices).status_code == 200
    assert said(caller.order(**stop, **prices)) == (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert said(caller.signed("POST", "/api/v3/orderList/oco", **PAIR)) == (
        400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS",
    )  # fmt: skip


def replace(caller, **wish):
    return caller.signed(
        "POST", "/api/v3/order/cancelReplace", **{"cancelReplaceMode": "STOP_ON_FAILURE", **wish}
    )


def test_one_order_takes_the_place_of_another(caller, maker):
    wish = MAKER | {"price": "99000", "newOrderRespType": "FULL", "newClientOrderId": "better"}
    answer = replace(caller, **wish, cancelOrigClientOrderId="maker", cancelNewClientOrderId="away").json()
    shape = SHAPES["POST /api/v3/order/cancelReplace"]
    assert kinds(answer) == kinds(shape)
    assert kinds(answer["cancelResponse"]) == kinds(shape["cancelResponse"])
    assert kinds(answer["newOrderResponse"]) == kinds(shape["newOrderResponse"])
    assert answer["cancelResponse"]["clientOrderId"] == "away"
    assert locked(caller) == {"USDT": "99.00000000"}


def test_a_replacement_may_keep_the_id(caller, maker):
    answer = replace(caller, **MAKER, newClientOrderId="maker", cancelOrderId=maker["orderId"]).json()
    assert answer["newOrderResponse"]["clientOrderId"] == "maker"


def test_nothing_to_cancel_stops_the_replacement_or_not(caller):
    stopped = replace(caller, **MAKER, cancelOrigClientOrderId="nobody")
    assert (stopped.status_code, stopped.json()) == (
        400,
        {
            "code": -2022,
            "msg": "Order cancel-replace failed.",
            "data": {
                "cancelResult": "FAILURE",
                "newOrderResult": "NOT_ATTEMPTED",
                "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
                "newOrderResponse": None,
            },
        },
    )
    went_on = replace(caller, **MAKER, cancelOrigClientOrderId="nobody", cancelReplaceMode="ALLOW_FAILURE")
    body = went_on.json()
    assert (went_on.status_code, body["code"], body["msg"]) == (
        409,
        -2021,
        "Order cancel-replace partially failed.",
    )
    assert (body["data"]["cancelResult"], body["data"]["newOrderResult"]) == ("FAILURE", "SUCCESS")


def test_a_replacement_that_fails_leaves_the_old_order_cancelled(caller, maker):
    crossing = MAKER | {"price": "106000"}
    answer = replace(caller, **crossing, cancelOrigClientOrderId="maker")
    data = answer.json()["data"]
    assert (answer.status_code, data["cancelResult"], data["newOrderResponse"]) == (
        409, "SUCCESS", {"code": -2010, "msg": "Order would immediately match and take."},
    )  # fmt: skip
    assert caller.signed("GET", "/api/v3/openOrders").json() == []
    both = replace(
        caller, **crossing, cancelOrigClientOrderId="maker", cancelReplaceMode="ALLOW_FAILURE"
    ).json()
    assert (both["code"], both["data"]["newOrderResult"]) == (-2022, "FAILURE")


def test_filters_are_asked_before_anything_is_cancelled(caller, maker):
    answer = replace(caller, **MAKER | {"price": "100000.001"}, cancelOrigClientOrderId="maker")
    assert said(answer) == (400, -1013, "Filter failure: PRICE_FILTER")
    assert len(caller.signed("GET", "/api/v3/openOrders").json()) == 1


def test_commissions(caller):
    assert kinds(caller.signed("GET", "/api/v3/account/commission", symbol="BTCUSDT").json()) == kinds(
        SHAPES["GET /api/v3/account/commission"]
    )
    fees = caller.signed("GET", "/sapi/v1/asset/tradeFee", symbol="ETHUSDT").json()
    assert fees == [{"symbol": "ETHUSDT", "makerCommission": "0.001", "takerCommission": "0.001"}]
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    tested = caller.signed("POST", "/api/v3/order/test", **wish, computeCommissionRates="true").json()
    assert tested["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}


def test_the_book_begins_at_the_price(caller):
    book = caller.send("GET", "/api/v3/depth", query="symbol=BTCUSDT&limit=3").json()
    assert kinds(book) == kinds(SHAPES["GET /api/v3/depth"])
    assert [price for price, _ in book["bids"]] == ["105977.82000000", "105977.81000000", "105977.80000000"]
    assert [price for price, _ in book["asks"]] == ["105977.82000000", "105977.83000000", "105977.84000000"]


def test_trades_are_numbered_and_repeat(caller):
    rows = caller.send("GET", "/api/v3/trades", query="symbol=BTCUSDT&limit=5").json()
    assert kinds(rows[0]) == kinds(SHAPES["GET /api/v3/trades"][0])
    older = caller.send(
        "GET", "/api/v3/historicalTrades", query=f"symbol=BTCUSDT&limit=5&fromId={rows[0]['id']}"
    )
    assert older.json() == rows
    aggregates = caller.send(
        "GET",
        "/api/v3/aggTrades",
        query=f"symbol=BTCUSDT&startTime={rows[1]['time']}&endTime={rows[3]['time']}",
    ).json()
    assert kinds(aggregates[0]) == kinds(SHAPES["GET /api/v3/aggTrades"][0])
    assert [row["a"] for row in aggregates] == [row["id"] for row in rows[1:4]]


def test_averages_and_windows(caller, noon_ms):
    average = caller.send("GET", "/api/v3/avgPrice", query="symbol=BTCUSDT").json()
    assert kinds(average) == kinds(SHAPES["GET /api/v3/avgPrice"])
    assert average == {"mins": 5, "price": average["price"], "closeTime": noon_ms}
    hour = caller.send("GET", "/api/v3/ticker", query="symbol=BTCUSDT&windowSize=1h").json()
    assert len(hour) == 15
    assert kinds(SHAPES["GET /api/v3/ticker"]).items() <= kinds(hour).items()
    candles = caller.send("GET", "/api/v3/uiKlines", query="symbol=BTCUSDT&interval=1m&limit=60").json()
    assert hour["highPrice"] == max((row[2] for row in candles), key=float)
    assert hour["openPrice"] == candles[0][1]


def test_no_match_was_ever_prevented(caller):
    assert caller.signed("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=1).json() == []
