"""Parameters are refused as Binance refuses them: presence, form, and what was not asked for."""

import pytest

from tests.contract.venues import SYMBOL, refusal

DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID = "^[a-zA-Z0-9-_]{1,36}$"
LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": "50000"}


def mandatory(name):
    return (400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name, legal):
    return (400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


@pytest.mark.parametrize("name", ["side", "type"])
def test_a_missing_parameter_is_named(trader, name):
    wish = {key: value for key, value in LIMIT.items() if key != name}
    assert refusal(trader.order(**wish)) == mandatory(name)


@pytest.mark.parametrize("name", ["timeInForce", "quantity", "price"])
def test_what_a_limit_order_needs(trader, name):
    wish = {key: value for key, value in LIMIT.items() if key != name}
    assert refusal(trader.order(**wish)) == mandatory(name)


def test_what_a_stop_needs(trader):
    stop = LIMIT | {"type": "TAKE_PROFIT_LIMIT", "stopPrice": "51000"}
    for name in ("timeInForce", "quantity", "price"):
        wish = {key: value for key, value in stop.items() if key != name}
        assert refusal(trader.order(**wish)) == mandatory(name)
    without = {key: value for key, value in stop.items() if key != "stopPrice"}
    said = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
    assert refusal(trader.order(**without)) == (400, -1102, said)


def test_a_market_order_has_a_quantity_of_one_kind(trader):
    said = "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
    assert refusal(trader.order(side="BUY", type="MARKET")) == (400, -1102, said)


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ({"side": "BUY", "type": "MARKET", "quantity": "0.001", "price": "20000"}, "price"),
        ({"side": "BUY", "type": "MARKET", "quantity": "0.001", "timeInForce": "GTC"}, "timeInForce"),
        ({"side": "BUY", "type": "MARKET", "quantity": "0.001", "stopPrice": "1"}, "stopPrice"),
        (LIMIT | {"stopPrice": "19000"}, "stopPrice"),
    ],
)
def test_what_a_type_does_not_take(trader, wish, name):
    assert refusal(trader.order(**wish)) == (400, -1106, f"Parameter '{name}' sent when not required.")


@pytest.mark.parametrize("text", ["1e-05", "-1", ".5", "1.", "1,5", "0x1", "1" * 21, "NaN"])
@pytest.mark.parametrize("name", ["quantity", "price"])
def test_decimals(trader, name, text):
    assert refusal(trader.order(**LIMIT | {name: text})) == illegal(name, DECIMAL)


@pytest.mark.parametrize("text", ["bot:1", "a b", "a/b", "é", "x" * 37])
def test_client_order_ids(trader, text):
    assert refusal(trader.order(**LIMIT, newClientOrderId=text)) == illegal("newClientOrderId", CLIENT_ID)


def test_the_longest_client_order_id(trader):
    longest = "a-Z_9" + "x" * 31
    assert trader.order(**LIMIT, newClientOrderId=longest).json()["clientOrderId"] == longest


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"side": "HOLD"}, (400, -1117, "Invalid side.")),
        ({"type": "GUESS"}, (400, -1116, "Invalid orderType.")),
        ({"timeInForce": "GTX"}, (400, -1115, "Invalid timeInForce.")),
        ({"symbol": "NOPEUSDT"}, (400, -1121, "Invalid symbol.")),
        ({"quantity": "0.000000001"}, (400, -1111, "Parameter 'quantity' has too much precision.")),
        ({"quantity": ""}, (400, -1105, "Parameter 'quantity' was empty.")),
        (
            {"colour": "red"},
            (400, -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_values(trader, changed, expected):
    assert refusal(trader.order(**LIMIT | changed)) == expected


def test_the_same_parameter_twice(trader):
    response = trader.send("GET", "/api/v3/depth", query=f"symbol={SYMBOL}&symbol={SYMBOL}", key=None)
    assert refusal(response) == (400, -1101, "Duplicate values for a parameter detected.")


def test_public_requests(trader):
    assert refusal(trader.public("/api/v3/klines", symbol=SYMBOL)) == mandatory("interval")
    assert refusal(trader.public("/api/v3/klines", symbol=SYMBOL, interval="7m")) == (
        400,
        -1120,
        "Invalid interval.",
    )
    assert refusal(trader.public("/api/v3/depth", symbol="NOPEUSDT")) == (400, -1121, "Invalid symbol.")
    assert refusal(trader.public("/api/v3/depth", symbol="btc!")) == illegal("symbol", "^[A-Z0-9-_.]{1,20}$")
    assert refusal(trader.public("/api/v3/time", colour="red"))[:2] == (400, -1101)


def test_an_unknown_path(trader):
    assert trader.public("/api/v3/nothing").status_code == 404


def test_either_id_is_needed_to_query_and_to_cancel(trader):
    said = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    for method in ("GET", "DELETE"):
        assert refusal(trader.signed(method, "/api/v3/order", symbol=SYMBOL)) == (400, -1102, said)
