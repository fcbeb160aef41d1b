"""The control API: the auditor's view, fresh accounts, the clock; with the token only."""

import pytest
import requests

from exchange.sandbox.control import ControlClient, ControlRefused
from exchange.sandbox.control_api import ControlError, check_allowed
from exchange.sandbox.credentials import secret_for, uid_of


def refusal(doing) -> tuple[int, str]:
    with pytest.raises(ControlRefused) as refused:
        doing()
    return refused.value.status, refused.value.message


def test_without_the_token_nothing_is_told(sandbox):
    assert refusal(ControlClient(sandbox.url, "guess").accounts) == (401, "A bearer token is needed.")
    assert requests.get(f"{sandbox.url}/sandbox/v1/fills", timeout=5).status_code == 401


@pytest.mark.parametrize("address", ["10.0.0.7", "::2", "", "localhost"])
def test_other_machines_are_refused_even_with_the_token(address):
    with pytest.raises(ControlError) as refused:
        check_allowed(address, "Bearer t", "t")
    assert refused.value.status == 403


def test_a_fresh_account_trades_at_once(sandbox):
    api_key, secret = sandbox.control.new_account()
    assert secret == secret_for(api_key, sandbox.key_secret)
    (account,) = sandbox.control.accounts(api_key=api_key)
    assert (account["uid"], account["balances"]) == (
        uid_of(api_key), [{"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"}],
    )  # fmt: skip


def test_the_first_signed_request_opens_the_account(sandbox, caller):
    assert sandbox.control.accounts(api_key=caller.api_key) == []
    caller.signed("GET", "/api/v3/account")
    assert [row["uid"] for row in sandbox.control.accounts(api_key=caller.api_key)] == [
        uid_of(caller.api_key)
    ]


def test_orders_and_fills_by_key_by_account_and_since(sandbox, caller, noon_ms):
    first, second = (
        caller.order(side="BUY", quoteOrderQty="20", newClientOrderId=name).json() for name in "ab"
    )
    fills = sandbox.control.fills(api_key=caller.api_key)
    assert fills == sandbox.control.fills(uid=uid_of(caller.api_key))
    assert sandbox.control.fills(api_key=caller.api_key, since=fills[0]["id"]) == fills[1:]
    assert [(row["clientOrderId"], row["orderId"], row["tradeId"], row["time"]) for row in fills] == [
        ("a", first["orderId"], first["fills"][0]["tradeId"], noon_ms),
        ("b", second["orderId"], second["fills"][0]["tradeId"], noon_ms),
    ]
    orders = sandbox.control.orders(api_key=caller.api_key)
    assert [(row["clientOrderId"], row["orderId"], row["status"]) for row in orders] == [
        ("a", first["orderId"], "FILLED"), ("b", second["orderId"], "FILLED"),
    ]  # fmt: skip
    assert [row["accepted_at"] for row in orders] == [row["accepted_at"] for row in fills]
    assert orders[0]["accepted_at"] < orders[1]["accepted_at"]


def test_the_clock_steps_whole_candles(own_sandbox, noon_ms):
    control = own_sandbox.control
    clock = control.clock()
    assert (clock["mode"], clock["market_ms"], clock["shift_weeks"]) == ("step", noon_ms, 0)
    assert (clock["recording_from"], clock["recording_to"]) == (1_747_699_200_000, 1_755_541_680_000)
    assert control.advance(3)["market_ms"] == noon_ms + 180_000
    fast = control.set_clock(mode="fast", speed=600.0)
    assert (fast["mode"], fast["speed"], fast["market_ms"] >= noon_ms + 180_000) == ("fast", 600.0, True)
    real = control.set_clock(mode="real")
    assert real["market_ms"] >= fast["market_ms"]
    stepped = control.set_clock(mode="step")
    assert stepped["market_ms"] >= real["market_ms"]
    assert stepped["market_ms"] % 60_000 == 0


def test_the_recording_ends_in_a_break(own_sandbox, new_caller, noon_ms):
    caller = new_caller(own_sandbox)
    caller.order(side="BUY", quoteOrderQty="20")
    end_ms = own_sandbox.control.clock()["recording_to"]
    own_sandbox.control.advance((end_ms - noon_ms) // 60_000)
    statuses = {row["status"] for row in caller.send("GET", "/api/v3/exchangeInfo").json()["symbols"]}
    assert statuses == {"BREAK"}
    closed = {"code": -2010, "msg": "Market is closed."}
    assert caller.order(side="SELL", quantity="0.0001").json() == closed
    last = caller.send("GET", "/api/v3/ticker/price", query="symbol=BTCUSDT").json()["price"]
    own_sandbox.control.advance(5_000)
    assert (
        caller.send("GET", "/api/v3/ticker/price", query="symbol=BTCUSDT").json()["price"]
        == last
        == "116400.00000000"
    )
    day = caller.send("GET", "/api/v3/ticker/24hr", query="symbol=BTCUSDT").json()
    assert (day["lastPrice"], day["count"], day["closeTime"]) == (last, 0, end_ms + 5_000 * 60_000)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"mode": "soon"}, "mode must be one of real, step, fast"),
        ({"mode": "fast", "speed": 0}, "speed must be above 0 and at most 100000"),
        ({"speed": "x", "mode": "fast"}, "speed must be a number"),
        ({"advance_candles": 0}, "advance_candles must be a whole number of at least 1"),
        ({"advance_candles": 1.5}, "advance_candles must be a whole number of at least 1"),
        ({"hour": 7}, "Send an object with some of advance_candles, mode, speed."),
        ([], "Send an object with some of advance_candles, mode, speed."),
    ],
)
def test_impossible_clocks_are_refused_in_words(sandbox, wish, message):
    before = sandbox.control.clock()["market_ms"]
    response = requests.post(
        f"{sandbox.url}/sandbox/v1/clock",
        json=wish,
        headers={"Authorization": f"Bearer {sandbox.token}"},
        timeout=5,
    )
    assert (response.status_code, response.json()) == (400, {"detail": message})
    assert sandbox.control.clock()["market_ms"] == before


def test_unknown_names_and_bodies(sandbox):
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    unknown = requests.get(f"{sandbox.url}/sandbox/v1/secrets", headers=headers, timeout=5)
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "There is no GET /sandbox/v1/secrets."})
    garbled = requests.put(f"{sandbox.url}/sandbox/v1/faults", data="{", headers=headers, timeout=5)
    assert (garbled.status_code, garbled.json()) == (400, {"detail": "The body is not JSON."})
    since = requests.get(f"{sandbox.url}/sandbox/v1/fills?since=x", headers=headers, timeout=5)
    assert (since.status_code, since.json()) == (400, {"detail": "since and limit must be whole numbers"})


def test_long_lists_come_whole_over_several_pages(sandbox, caller):
    class Small(ControlClient):
        page_rows = 2

    names = [str(number) for number in range(5)]
    for name in names:
        caller.order(side="BUY", quoteOrderQty="20", newClientOrderId=name)
    seen = Small(sandbox.url, sandbox.token).fills(api_key=caller.api_key)
    assert [row["clientOrderId"] for row in seen] == names


def test_an_auditor_sees_what_rested_how_it_ended_and_when(own_sandbox, new_caller, noon_ms):
    caller = new_caller(own_sandbox)
    caller.order(side="BUY", quantity="0.002")
    pair = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER", "abovePrice": "106000",
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "104000", "belowPrice": "100000", "belowTimeInForce": "GTC",
        "aboveClientOrderId": "target", "belowClientOrderId": "stop",
    }  # fmt: skip
    caller.signed("POST", "/api/v3/orderList/oco", **pair)
    maker = {"side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001", "price": "100000"}
    caller.order(**maker, newClientOrderId="maker")
    named = {"symbol": "BTCUSDT", "origClientOrderId": "maker", "newClientOrderId": "away"}
    caller.signed("DELETE", "/api/v3/order", **named)
    own_sandbox.control.advance(60)
    rows = {row["clientOrderId"]: row for row in own_sandbox.control.orders(api_key=caller.api_key)}
    target, stop, cancelled = rows["target"], rows["stop"], rows["maker"]
    assert (target["status"], target["type"], target["price"], target["orderListId"]) == (
        "FILLED", "LIMIT_MAKER", "106000.00000000", 1,
    )  # fmt: skip
    assert noon_ms < target["ended_market_ms"] <= noon_ms + 3_600_000
    assert target["accepted_at"] < target["ended_at"]
    assert (stop["status"], stop["stopPrice"], stop["expiryReason"], stop["triggered_at"]) == (
        "EXPIRED", "104000.00000000", "OCO_TRIGGER", None,
    )  # fmt: skip
    assert stop["ended_market_ms"] == target["ended_market_ms"]
    assert (cancelled["status"], cancelled["originalClientOrderId"], cancelled["cancelClientOrderId"]) == (
        "CANCELED", "maker", "away",
    )  # fmt: skip
    fill = own_sandbox.control.fills(api_key=caller.api_key)[-1]
    assert (fill["isMaker"], fill["orderListId"], fill["clientOrderId"], fill["time"]) == (
        True, 1, "target", target["ended_market_ms"],
    )  # fmt: skip
