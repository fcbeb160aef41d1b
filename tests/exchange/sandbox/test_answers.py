"""What the venue answers has Binance's shape: the same keys, the same types, the documented meaning."""

import json
from pathlib import Path

import pytest

SHAPES = json.loads((Path(__file__).parent / "data" / "response_shapes.json").read_text())
# Binance sends these only where an order has them; its example shows all at once.
CONDITIONAL_ORDER_KEYS = {
    "preventedMatchId", "preventedQuantity", "strategyId", "strategyType", "trailingDelta", "trailingTime", "usedSor",
    "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice", "expiryReason",
}  # fmt: skip


def kinds(value: dict, without: set = frozenset()) -> dict:
    return {key: type(entry) for key, entry in value.items() if key not in without}


@pytest.fixture
def bought(caller):
    return caller.order(side="BUY", quoteOrderQty="100", newClientOrderId="first").json()


def test_account(caller):
    shape = SHAPES["GET /api/v3/account"]
    answer = caller.signed("GET", "/api/v3/account").json()
    assert kinds(answer) == kinds(shape)
    assert kinds(answer["commissionRates"]) == kinds(shape["commissionRates"])
    assert kinds(answer["balances"][0]) == kinds(shape["balances"][0])
    assert answer["commissionRates"]["taker"] == "0.00100000"
    assert answer["balances"] == [
        {"asset": "BTC", "free": "0.00000000", "locked": "0.00000000"},
        {"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"},
        {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"},
    ]
    held = caller.signed("GET", "/api/v3/account", omitZeroBalances="true").json()["balances"]
    assert [entry["asset"] for entry in held] == ["USDT"]


def test_api_restrictions_allow_trading_and_no_withdrawals(caller):
    answer = caller.signed("GET", "/sapi/v1/account/apiRestrictions").json()
    assert kinds(answer) == kinds(SHAPES["GET /sapi/v1/account/apiRestrictions"])
    assert {name for name, value in answer.items() if value is True} == {
        "enableReading", "enableSpotAndMarginTrading",
    }  # fmt: skip


def test_exchange_info_lists_exactly_what_has_candles(caller):
    answer = caller.send("GET", "/api/v3/exchangeInfo").json()
    shape = SHAPES["GET /api/v3/exchangeInfo"]
    assert kinds(answer) == kinds(shape, {"sors"})
    assert kinds(answer["symbols"][0]) == kinds(shape["symbols"][0])
    assert [entry["symbol"] for entry in answer["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert {entry["status"] for entry in answer["symbols"]} == {"TRADING"}
    filters = {entry["filterType"]: entry for entry in answer["symbols"][0]["filters"]}
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"


def test_it_promises_only_what_it_executes(caller):
    symbol = caller.send("GET", "/api/v3/exchangeInfo", query="symbol=ETHUSDT").json()["symbols"][0]
    assert symbol["orderTypes"] == ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]
    assert [name for name, value in symbol.items() if value is True] == [
        "ocoAllowed", "quoteOrderQtyMarketAllowed", "cancelReplaceAllowed", "isSpotTradingAllowed",
    ]  # fmt: skip


def test_time_and_ping(caller):
    assert caller.send("GET", "/api/v3/ping").json() == {}
    assert kinds(caller.send("GET", "/api/v3/time").json()) == kinds(SHAPES["GET /api/v3/time"])


def test_a_new_order_in_three_lengths(caller):
    ack, result, full = (
        caller.order(side="BUY", quoteOrderQty="20", newOrderRespType=length, newClientOrderId="x").json()
        for length in ("ACK", "RESULT", "FULL")
    )
    assert list(ack) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"]
    assert set(full) - set(result) == {"fills"}
    assert kinds(SHAPES["POST /api/v3/order"]).items() <= kinds(full).items()
    assert kinds(SHAPES["POST /api/v3/order"]["fills"][0]).items() <= kinds(full["fills"][0]).items()
    assert [answer["clientOrderId"] for answer in (ack, result, full)] == ["x", "x", "x"]
    assert (full["orderId"] - result["orderId"], result["orderId"] - ack["orderId"]) == (1, 1)


def test_a_market_buy_at_the_standing_price(caller, bought, noon_ms):
    assert {key: value for key, value in bought.items() if key not in ("orderId", "fills")} == {
        "symbol": "BTCUSDT", "orderListId": -1, "clientOrderId": "first", "transactTime": noon_ms,
        "price": "0.00000000", "origQty": "0.00094000", "executedQty": "0.00094000",
        "origQuoteOrderQty": "100.00000000", "cummulativeQuoteQty": "99.61915080", "status": "FILLED",
        "timeInForce": "GTC", "type": "MARKET", "side": "BUY", "workingTime": noon_ms,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }  # fmt: skip
    fill = {key: value for key, value in bought["fills"][0].items() if key != "tradeId"}
    assert fill == {
        "price": "105977.82000000", "qty": "0.00094000", "commission": "0.00000094", "commissionAsset": "BTC",
    }  # fmt: skip
    assert (caller.free("USDT"), caller.free("BTC")) == ("9900.38084920", "0.00093906")


def test_an_order_is_found_by_either_id_and_by_both(caller, bought):
    by_id = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=bought["orderId"]).json()
    by_client = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="first").json()
    both = {"orderId": bought["orderId"], "origClientOrderId": "first"}
    assert by_id == by_client == caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", **both).json()
    assert kinds(by_id) == kinds(SHAPES["GET /api/v3/order"], CONDITIONAL_ORDER_KEYS)
    shared = set(bought) & set(by_id)
    assert {key: by_id[key] for key in shared} == {key: bought[key] for key in shared}


def test_strategy_marks_are_echoed(caller):
    caller.order(side="BUY", quoteOrderQty="20", strategyId=7, strategyType=1_000_001, newClientOrderId="s")
    order = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="s").json()
    assert (order["strategyId"], order["strategyType"]) == (7, 1_000_001)


def test_a_market_order_is_never_open(caller, bought):
    assert caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json() == []
    assert caller.signed("GET", "/api/v3/openOrders").json() == []


def test_the_same_client_id_twice_executes_twice(caller, bought):
    again = caller.order(side="BUY", quoteOrderQty="100", newClientOrderId="first").json()
    assert (again["status"], again["orderId"] > bought["orderId"]) == ("FILLED", True)
    newest = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="first").json()
    assert newest["orderId"] == again["orderId"]
    assert len(caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT").json()) == 2


def test_an_order_without_client_id_is_given_one(caller):
    order = caller.order(side="BUY", quoteOrderQty="20").json()
    assert len(order["clientOrderId"]) == 22


def test_order_test_checks_and_does_nothing(caller, sandbox):
    right = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"}
    assert caller.signed("POST", "/api/v3/order/test", **right).json() == {}
    assert (
        caller.signed("POST", "/api/v3/order/test", **right | {"quoteOrderQty": "1"}).json()["code"] == -1013
    )
    assert sandbox.control.orders(api_key=caller.api_key) == []


def test_my_trades_by_every_door(caller, noon_ms):
    orders = [caller.order(side="BUY", quoteOrderQty="20").json() for _ in range(4)]

    def ids(**wish) -> list[int]:
        return [
            row["id"] for row in caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", **wish).json()
        ]

    every = [order["fills"][0]["tradeId"] for order in orders]
    assert ids() == every == sorted(every)
    assert ids(limit=2) == every[-2:]
    assert ids(fromId=every[1]) == every[1:]
    assert ids(fromId=every[1], limit=2) == every[1:3]
    assert ids(orderId=orders[2]["orderId"]) == [every[2]]
    assert ids(startTime=noon_ms, limit=1) == every[:1]
    assert ids(startTime=noon_ms + 1) == []
    assert ids(startTime=noon_ms - 1000, endTime=noon_ms) == every
    assert ids(endTime=noon_ms - 1) == []
    row = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT").json()[0]
    assert kinds(row) == kinds(SHAPES["GET /api/v3/myTrades"][0])


def test_klines(caller, noon_ms):
    rows = caller.send("GET", "/api/v3/klines", query="symbol=BTCUSDT&interval=1m&limit=2").json()
    assert [len(row) for row in rows] == [12, 12]
    assert [row[0] for row in rows] == [noon_ms - 60_000, noon_ms]
    assert rows[1] == [
        noon_ms, *["105977.82000000"] * 4, "0.00000000", noon_ms + 59_999, "0.00000000", 0, "0.00000000",
        "0.00000000", "0",
    ]  # fmt: skip
    assert [type(entry) for entry in rows[0]] == [int, *[str] * 5, int, str, int, str, str, str]
    assert len(caller.send("GET", "/api/v3/klines", query="symbol=BTCUSDT&interval=1m").json()) == 500
    assert (
        len(caller.send("GET", "/api/v3/klines", query="symbol=BTCUSDT&interval=1m&limit=5000").json())
        == 1000
    )


def test_tickers(caller, noon_ms):
    def ticker(kind: str, query: str = "symbol=BTCUSDT"):
        return caller.send("GET", f"/api/v3/ticker/{kind}", query=query).json()

    assert ticker("price") == {"symbol": "BTCUSDT", "price": "105977.82000000"}
    assert [row["symbol"] for row in ticker("price", "")] == ["BTCUSDT", "ETHUSDT"]
    assert [row["symbol"] for row in ticker("price", "symbols=%5B%22ETHUSDT%22%5D")] == ["ETHUSDT"]
    book = ticker("bookTicker")
    assert list(book) == ["symbol", "bidPrice", "bidQty", "askPrice", "askQty"]
    assert (book["bidPrice"], book["askPrice"]) == ("105977.82000000", "105977.82000000")
    day, mini = ticker("24hr"), ticker("24hr", "symbol=BTCUSDT&type=MINI")
    assert (len(day), len(mini)) == (21, 12)
    assert kinds(SHAPES["GET /api/v3/ticker/24hr"]).items() <= kinds(day).items()
    assert {key: day[key] for key in mini} == mini
    assert (day["closeTime"], day["closeTime"] - day["openTime"]) == (noon_ms, 86_399_999)


def test_the_day_is_what_its_candles_say(caller):
    day = caller.send("GET", "/api/v3/ticker/24hr", query="symbol=ETHUSDT").json()
    rows = caller.send("GET", "/api/v3/klines", query="symbol=ETHUSDT&interval=1m&limit=1000").json()
    earlier = f"symbol=ETHUSDT&interval=1m&limit=440&endTime={rows[0][0] - 60_000}"
    rows = caller.send("GET", "/api/v3/klines", query=earlier).json() + rows
    rows = [row for row in rows if row[0] >= day["openTime"]]
    assert day["openPrice"] == rows[0][1]
    assert day["highPrice"] == max((row[2] for row in rows), key=float)
    assert day["lowPrice"] == min((row[3] for row in rows), key=float)
    assert day["lastPrice"] == rows[-1][4]
    assert float(day["volume"]) == pytest.approx(sum(float(row[5]) for row in rows), rel=1e-12)


def test_weight_is_counted_and_a_successful_order_weighs_nothing(caller):
    def used(response) -> int:
        assert response.headers["x-mbx-used-weight"] == response.headers["x-mbx-used-weight-1m"]
        return int(response.headers["x-mbx-used-weight-1m"])

    # Three answers in one minute of server time; a minute that ends between them starts from nothing.
    for _ in range(2):
        first = used(caller.send("GET", "/api/v3/ping"))
        second = used(caller.signed("GET", "/api/v3/account"))
        third = used(caller.order(side="BUY", quoteOrderQty="20"))
        fourth = used(caller.order(side="BUY", quoteOrderQty="1"))
        if fourth > first:
            break
    assert (second - first, third - second, fourth - third) == (20, 0, 1)
