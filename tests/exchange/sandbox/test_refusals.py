"""Every no in Binance's own code and words, over HTTP, and nothing done behind it."""

import time
from urllib.parse import quote

import pytest

DECIMALS = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_IDS = "^[a-zA-Z0-9-_]{1,36}$"
SYMBOL_CHARACTERS = "^[A-Z0-9-_.]{1,20}$"
INTEGERS = "^[0-9]{1,20}$"


def answer(response) -> tuple[int, int, str]:
    body = response.json()
    return response.status_code, body["code"], body["msg"]


def illegal(name: str, legal: str) -> tuple[int, str]:
    return -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."


def missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
ORDERS = {
    "no symbol": ({"side": "BUY", "type": "MARKET", "quantity": "1"}, missing("symbol")),
    "no side": ({"symbol": "BTCUSDT", "type": "MARKET", "quantity": "1"}, missing("side")),
    "no type": ({"symbol": "BTCUSDT", "side": "BUY", "quantity": "1"}, missing("type")),
    "empty side": (BUY | {"side": "", "quantity": "1"}, (-1105, "Parameter 'side' was empty.")),
    "no size": (BUY, (-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!")),
    "two sizes": (
        BUY | {"quantity": "1", "quoteOrderQty": "10"},
        (-1128, "Combination of optional parameters invalid."),
    ),
    "exponent": (BUY | {"quantity": "1e-05"}, illegal("quantity", DECIMALS)),
    "negative": (BUY | {"quantity": "-1"}, illegal("quantity", DECIMALS)),
    "comma": (BUY | {"quoteOrderQty": "1,5"}, illegal("quoteOrderQty", DECIMALS)),
    "leading dot": (BUY | {"quantity": ".5"}, illegal("quantity", DECIMALS)),
    "newline": (BUY | {"quantity": "1\n"}, illegal("quantity", DECIMALS)),
    "nine places": (
        BUY | {"quantity": "0.000000001"},
        (-1111, "Parameter 'quantity' has too much precision."),
    ),
    "nine places of quote": (
        BUY | {"quoteOrderQty": "10.123456789"},
        (-1111, "Parameter 'quoteOrderQty' has too much precision."),
    ),
    "client id with colon": (
        BUY | {"quantity": "1", "newClientOrderId": "bot:1"},
        illegal("newClientOrderId", CLIENT_IDS),
    ),
    "client id of 37": (
        BUY | {"quantity": "1", "newClientOrderId": "a" * 37},
        illegal("newClientOrderId", CLIENT_IDS),
    ),
    "lower case symbol": (BUY | {"symbol": "btcusdt", "quantity": "1"}, illegal("symbol", SYMBOL_CHARACTERS)),
    "unknown symbol": (BUY | {"symbol": "DOGEUSDT", "quantity": "1"}, (-1121, "Invalid symbol.")),
    "unknown side": (BUY | {"side": "HOLD", "quantity": "1"}, (-1117, "Invalid side.")),
    "unknown type": (BUY | {"type": "GUESS", "quantity": "1"}, (-1116, "Invalid orderType.")),
    "limit": (
        BUY | {"type": "LIMIT", "quantity": "1", "price": "1", "timeInForce": "GTC"},
        (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ),
    "limit without a price": (
        BUY | {"type": "LIMIT", "quantity": "1", "timeInForce": "GTC"},
        missing("price"),
    ),
    "limit with a stop price": (
        BUY | {"type": "LIMIT", "quantity": "1", "timeInForce": "GTC", "price": "1", "stopPrice": "1"},
        (-1106, "Parameter 'stopPrice' sent when not required."),
    ),
    "maker with time in force": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "1", "timeInForce": "GTC", "price": "1"},
        (-1106, "Parameter 'timeInForce' sent when not required."),
    ),
    "limit off the tick": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "1", "price": "100000.001"},
        (-1013, "Filter failure: PRICE_FILTER"),
    ),
    "limit off the step": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "0.000935", "price": "100000"},
        (-1013, "Filter failure: LOT_SIZE"),
    ),
    "limit too small": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "0.00004", "price": "100000"},
        (-1013, "Filter failure: NOTIONAL"),
    ),
    "limit for nothing": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "1", "price": "0"},
        (-1013, "Invalid price."),
    ),
    "limit too dear": (
        BUY | {"type": "LIMIT_MAKER", "quantity": "1", "price": "100000"},
        (-2010, "Account has insufficient balance for requested action."),
    ),
    "stop without limit": (BUY | {"type": "STOP_LOSS_LIMIT", "quantity": "1"}, missing("timeInForce")),
    "stop at market": (
        BUY | {"type": "STOP_LOSS", "quantity": "0.001", "stopPrice": "110000"},
        (-1013, "Stop loss orders are not supported for this symbol."),
    ),
    "trailing stop": (
        BUY | {"type": "STOP_LOSS", "quantity": "0.001", "trailingDelta": "100"},
        (-2010, "Trailing stop orders are not supported for this symbol."),
    ),
    "iceberg": (
        BUY | {"type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "1", "icebergQty": "0.1"},
        (-2010, "Iceberg orders are not supported for this symbol."),
    ),
    "bad time in force": (BUY | {"quantity": "1", "timeInForce": "NOW"}, (-1115, "Invalid timeInForce.")),
    "market with time in force": (
        BUY | {"quantity": "1", "timeInForce": "GTC"},
        (-1106, "Parameter 'timeInForce' sent when not required."),
    ),
    "market with price": (
        BUY | {"quantity": "1", "price": "5"},
        (-1106, "Parameter 'price' sent when not required."),
    ),
    "market with stop price": (
        BUY | {"quantity": "1", "stopPrice": "5"},
        (-1106, "Parameter 'stopPrice' sent when not required."),
    ),
    "bad response type": (
        BUY | {"quantity": "1", "newOrderRespType": "LONG"},
        (-1130, "Data sent for parameter 'newOrderRespType' is not valid."),
    ),
    "bad prevention mode": (
        BUY | {"quantity": "1", "selfTradePreventionMode": "MAYBE"},
        (-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."),
    ),
    "prevention mode of other symbols": (
        BUY | {"quantity": "1", "selfTradePreventionMode": "DECREMENT"},
        (-2010, "This symbol does not allow the specified self-trade prevention mode."),
    ),
    "unknown parameter": (
        BUY | {"quantity": "1", "colour": "red"},
        (-1104, "Not all sent parameters were read; read '6' parameter(s) but was sent '7'."),
    ),
    "nothing": (BUY | {"quantity": "0"}, (-1013, "Invalid quantity.")),
    "off step": (BUY | {"quantity": "0.000935"}, (-1013, "Filter failure: LOT_SIZE")),
    "too much for a market order": (BUY | {"quantity": "130"}, (-1013, "Filter failure: MARKET_LOT_SIZE")),
    "below the minimum": (BUY | {"quoteOrderQty": "4.99"}, (-1013, "Filter failure: NOTIONAL")),
    "too dear": (
        BUY | {"quoteOrderQty": "10001"},
        (-2010, "Account has insufficient balance for requested action."),
    ),
    "nothing to sell": (
        BUY | {"side": "SELL", "quantity": "0.001"},
        (-2010, "Account has insufficient balance for requested action."),
    ),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_refused_in_binances_words(caller, sandbox, name):
    parameters, (code, message) = ORDERS[name]
    assert answer(caller.signed("POST", "/api/v3/order", **parameters)) == (400, code, message)
    assert sandbox.control.orders(api_key=caller.api_key) == []
    assert caller.free("USDT") == "10000.00000000"


def now_ms() -> int:
    return int(time.time() * 1000)


def account(caller, payload: str, **more):
    return caller.send("GET", "/api/v3/account", query=f"{payload}&signature={caller.sign(payload)}", **more)


def test_keys(caller, new_caller, sandbox):
    payload = f"timestamp={now_ms()}"
    assert answer(account(caller, payload, key=None)) == (401, -2014, "API-key format invalid.")
    assert answer(account(caller, payload, key="short")) == (401, -2014, "API-key format invalid.")
    foreign = new_caller(sandbox)
    wrong_key = account(caller, payload, key=foreign.api_key)
    assert answer(wrong_key) == (400, -1022, "Signature for this request is not valid.")
    foreign.signed("GET", "/api/v3/account")
    sandbox.control.revoke_key(foreign.api_key)
    assert answer(foreign.signed("GET", "/api/v3/account")) == (
        401, -2015, "Invalid API-key, IP, or permissions for action.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "code", "message"),
    [
        ("recvWindow=5000", *missing("timestamp")),
        ("timestamp=", -1105, "Parameter 'timestamp' was empty."),
        ("timestamp=soon", *illegal("timestamp", INTEGERS)),
        ("timestamp=NOW&recvWindow=60001", -1131, "recvWindow must be less than 60000."),
        ("timestamp=NOW&recvWindow=x", *illegal("recvWindow", DECIMALS)),
        ("timestamp=NOW&recvWindow=", -1105, "Parameter 'recvWindow' was empty."),
        ("timestamp=NOW&timestamp=NOW", -1101, "Duplicate values for a parameter detected."),
        ("timestamp=LATE", -1021, "Timestamp for this request is outside of the recvWindow."),
        ("timestamp=LATE&recvWindow=5999", -1021, "Timestamp for this request is outside of the recvWindow."),
        ("timestamp=EARLY", -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
def test_time(caller, payload, code, message):
    for name, shift_ms in (("NOW", 0), ("LATE", -6_000), ("EARLY", 2_000)):
        payload = payload.replace(name, str(now_ms() + shift_ms))
    assert answer(account(caller, payload)) == (400, code, message)


@pytest.mark.parametrize(
    "payload",
    [
        "timestamp=NOW&recvWindow=60000",
        "timestamp=NOW000",
        "timestamp=LATE&recvWindow=7000.125",
        "timestamp=AHEAD",
    ],
)
def test_times_within_the_window_are_accepted(caller, payload):
    for name, shift_ms in (("NOW", 0), ("LATE", -6_000), ("AHEAD", 700)):
        payload = payload.replace(name, str(now_ms() + shift_ms))
    assert account(caller, payload).status_code == 200


def test_a_request_without_signature(caller):
    response = caller.send("GET", "/api/v3/account", query=f"timestamp={now_ms()}")
    assert answer(response) == (400, *missing("signature"))


QUERIES = {
    "/api/v3/ping?x=1": (-1101, "Too many parameters; expected '0' and received '1'."),
    "/api/v3/time?x=1&y=2": (-1101, "Too many parameters; expected '0' and received '2'."),
    "/api/v3/klines?interval=1m": missing("symbol"),
    "/api/v3/klines?symbol=BTCUSDT": missing("interval"),
    "/api/v3/klines?symbol=BTCUSDT&interval=7m": (-1120, "Invalid interval."),
    "/api/v3/klines?symbol=XRPUSDT&interval=1m": (-1121, "Invalid symbol."),
    "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=0": (-1130, "Data sent for parameter 'limit' is not valid."),
    "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=x": illegal("limit", INTEGERS),
    "/api/v3/klines?symbol=BTCUSDT&symbol=BTCUSDT&interval=1m": (
        -1101, "Duplicate values for a parameter detected.",
    ),
    "/api/v3/klines?symbol=BTCUSDT&interval=1m&x=1": (
        -1104, "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
    ),
    "/api/v3/ticker/price?symbol=": (-1105, "Parameter 'symbol' was empty."),
    "/api/v3/ticker/price?symbol=NOPE": (-1121, "Invalid symbol."),
    "/api/v3/ticker/24hr?symbol=BTCUSDT&type=HUGE": (-1130, "Data sent for parameter 'type' is not valid."),
    "/api/v3/exchangeInfo?symbols=BTCUSDT": illegal(
        "symbols", r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
    ),
    "/api/v3/exchangeInfo?symbol=BTCUSDT&symbols=" + quote('["BTCUSDT"]'): (
        -1128, "Combination of optional parameters invalid.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("address", QUERIES)
def test_a_public_question_is_refused_in_binances_words(caller, address):
    path, _, query = address.partition("?")
    assert answer(caller.send("GET", path, query=query)) == (400, *QUERIES[address])


def test_questions_about_orders(caller):
    order_id = caller.order(side="BUY", quoteOrderQty="20", newClientOrderId="mine").json()["orderId"]

    def asked(**parameters):
        return answer(caller.signed("GET", "/api/v3/order", **parameters))

    both_missing = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert asked(symbol="BTCUSDT") == (400, -1102, both_missing)
    assert asked(symbol="BTCUSDT", orderId=999_999) == (400, -2013, "Order does not exist.")
    assert asked(symbol="ETHUSDT", origClientOrderId="mine") == (400, -2013, "Order does not exist.")
    assert asked(symbol="BTCUSDT", orderId=order_id, origClientOrderId="other") == (
        400, -2039, "Client order ID is not correct for this order ID.",
    )  # fmt: skip
    trades = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", startTime=0, endTime=86_400_001)
    assert answer(trades) == (400, -1127, "More than 24 hours between startTime and endTime.")
    trades = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", fromId=1, startTime=1)
    assert answer(trades) == (400, -1128, "Combination of optional parameters invalid.")


def test_another_keys_order_does_not_exist(caller, new_caller, sandbox):
    order_id = caller.order(side="BUY", quoteOrderQty="20").json()["orderId"]
    stranger = new_caller(sandbox)
    found = stranger.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)
    assert answer(found) == (400, -2013, "Order does not exist.")
    assert stranger.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT").json() == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v3/sor"), ("PUT", "/api/v3/order"), ("GET", "/")])
def test_what_is_not_here_is_named(caller, method, path):
    assert answer(caller.send(method, path)) == (404, -5000, f"Path {path}, Method {method} is invalid")
