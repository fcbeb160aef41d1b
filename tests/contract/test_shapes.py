"""Every answer has exactly Binance's keys, and of Binance's types."""

import pytest

from tests.contract.shapes import CONDITIONAL, DAY, FILL, NUMBERS, ROLLING, SHAPES, difference
from tests.contract.venues import SYMBOL

PUBLIC = [
    ("GET /api/v3/time", {}, set()),
    ("GET /api/v3/depth", {"symbol": SYMBOL}, set()),
    ("GET /api/v3/trades", {"symbol": SYMBOL}, set()),
    ("GET /api/v3/historicalTrades", {"symbol": SYMBOL}, set()),
    ("GET /api/v3/aggTrades", {"symbol": SYMBOL}, set()),
    ("GET /api/v3/avgPrice", {"symbol": SYMBOL}, set()),
    ("GET /api/v3/ticker/price", {"symbol": SYMBOL}, {"price"}),
    ("GET /api/v3/ticker/bookTicker", {"symbol": SYMBOL}, {"bidPrice", "bidQty", "askPrice", "askQty"}),
    ("GET /api/v3/ticker/24hr", {"symbol": SYMBOL}, DAY),
    ("GET /api/v3/ticker", {"symbol": SYMBOL}, ROLLING),
]


@pytest.mark.parametrize(("endpoint", "query", "extra"), PUBLIC, ids=[row[0] for row in PUBLIC])
def test_public_answers(trader, endpoint, query, extra):
    answer = trader.public(endpoint.removeprefix("GET "), **query).json()
    assert difference(answer, SHAPES[endpoint], extra=extra) == []


def test_exchange_info(trader):
    shape = SHAPES["GET /api/v3/exchangeInfo"]
    answer = trader.public("/api/v3/exchangeInfo").json()
    assert answer.keys() == shape.keys() - {"sors"}  # no smart order routing here
    symbol = {
        key: value for key, value in answer["symbols"][0].items() if key not in ("filters", "permissions")
    }
    assert difference(symbol, shape["symbols"][0], without={"filters", "permissions"}) == []
    # `count` belongs to rateLimit/order; no recorded exchangeInfo has it.
    assert difference(answer["rateLimits"], shape["rateLimits"], without={"count"}) == []


def test_markets_a_client_may_ask_for_that_are_not_here(trader):
    assert trader.public("/dapi/v1/exchangeInfo").json()["symbols"] == []
    assert trader.public("/sapi/v1/margin/allPairs").json() == []


PRIVATE = [
    ("GET /api/v3/account", {}),
    ("GET /api/v3/account/commission", {"symbol": SYMBOL}),
    ("GET /api/v3/rateLimit/order", {}),
    ("GET /api/v3/myTrades", {"symbol": SYMBOL}),
    ("GET /sapi/v1/account/apiRestrictions", {}),
    ("GET /sapi/v1/asset/tradeFee", {"symbol": SYMBOL}),
]


@pytest.mark.parametrize(("endpoint", "query"), PRIVATE, ids=[row[0] for row in PRIVATE])
def test_signed_answers(holder, endpoint, query):
    answer = holder.get(endpoint.removeprefix("GET "), **query)
    assert difference(answer, SHAPES[endpoint]) == []


def test_a_filled_order(trader):
    shape = SHAPES["POST /api/v3/order"]
    answer = trader.buy()
    assert difference(answer, shape, extra=NUMBERS | FILL) == []
    assert answer.keys() >= NUMBERS
    assert answer["fills"][0].keys() >= FILL


def test_an_acknowledgement(trader):
    answer = trader.buy(newOrderRespType="ACK")
    assert list(answer) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]


def test_orders_queried_listed_and_cancelled(holder):
    placed = holder.sell_limit(holder.price("1.1")).json()
    mine = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    queried = holder.get("/api/v3/order", **mine)
    assert difference(queried, SHAPES["GET /api/v3/order"], without=CONDITIONAL) == []
    for path in ("openOrders", "allOrders"):
        rows = holder.get(f"/api/v3/{path}", symbol=SYMBOL)
        assert difference(rows, SHAPES[f"GET /api/v3/{path}"], without=CONDITIONAL) == []
    cancelled = holder.signed("DELETE", "/api/v3/order", **mine).json()
    without = CONDITIONAL | {"icebergQty", "stopPrice"}  # it has neither
    assert difference(cancelled, SHAPES["DELETE /api/v3/order"], without=without) == []


def test_a_cancelled_stop_shows_its_stop_price(holder):
    placed = holder.order(
        side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.002", price=holder.price("0.89"),
        stopPrice=holder.price("0.9"),
    ).json()  # fmt: skip
    cancelled = holder.signed("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"]).json()
    without = CONDITIONAL | {"icebergQty"}
    assert difference(cancelled, SHAPES["DELETE /api/v3/order"], without=without) == []


def test_all_open_orders_cancelled(holder):
    holder.sell_limit(holder.price("1.1"))
    cancelled = holder.signed("DELETE", "/api/v3/openOrders", symbol=SYMBOL).json()
    assert difference(cancelled, SHAPES["DELETE /api/v3/openOrders"]) == []


def test_lists(holder):
    without = CONDITIONAL | {"icebergQty"}
    placed = holder.oco().json()
    assert difference(placed, SHAPES["POST /api/v3/orderList/oco"], without=without) == []
    list_id = placed["orderListId"]
    queried = holder.get("/api/v3/orderList", orderListId=list_id)
    assert difference(queried, SHAPES["GET /api/v3/orderList"]) == []
    for path in ("openOrderList", "allOrderList"):
        assert difference(holder.get(f"/api/v3/{path}"), SHAPES[f"GET /api/v3/{path}"]) == []
    cancelled = holder.signed("DELETE", "/api/v3/orderList", symbol=SYMBOL, orderListId=list_id).json()
    extra = {"selfTradePreventionMode"}  # documented, lost in the example
    assert difference(cancelled, SHAPES["DELETE /api/v3/orderList"], without=without, extra=extra) == []


def test_a_replacement(holder):
    placed = holder.sell_limit(holder.price("1.1")).json()
    answer = holder.signed(
        "POST", "/api/v3/order/cancelReplace", symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.002",
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"],
    ).json()  # fmt: skip
    without = CONDITIONAL | {"icebergQty", "stopPrice"}
    assert difference(answer, SHAPES["POST /api/v3/order/cancelReplace"], without=without) == []


def test_a_test_order_with_commissions(trader):
    answer = trader.signed(
        "POST", "/api/v3/order/test", symbol=SYMBOL, side="BUY", type="MARKET", quoteOrderQty="100",
        computeCommissionRates="true",
    ).json()  # fmt: skip
    rates = {"maker": "", "taker": ""}
    documented = SHAPES["POST /api/v3/order/test"] | {
        f"{kind}CommissionForOrder": rates for kind in ("standard", "special", "tax")
    }
    assert difference(answer, documented, extra={"discount"}) == []
