"""Faults strike as ordered: what was executed stays executed, whatever the caller heard."""

import time

import pytest
import requests

from exchange.sandbox.control import ControlRefused
from exchange.sandbox.faults import Fault, FaultError, fault_from

ORDER = {"method": "POST", "path": "/api/v3/order"}


@pytest.fixture
def faulty(sandbox, caller):
    """A function that sets faults for this test's key only; they are cleared afterwards."""

    def set_faults(*rules: dict) -> None:
        sandbox.control.set_faults([{**ORDER, "api_key": caller.api_key, **rule} for rule in rules])

    yield set_faults
    sandbox.control.clear_faults()


def buy(caller):
    return caller.order(side="BUY", quoteOrderQty="20")


def executed(sandbox, caller) -> int:
    return len(sandbox.control.fills(api_key=caller.api_key))


def test_execute_then_drop(sandbox, caller, faulty):
    faulty({"kind": "execute_then_drop"})
    with pytest.raises(requests.ConnectionError):
        buy(caller)
    assert executed(sandbox, caller) == 1
    assert buy(caller).status_code == 200
    assert executed(sandbox, caller) == 2


def test_drop_before(sandbox, caller, faulty):
    faulty({"kind": "drop_before"})
    with pytest.raises(requests.ConnectionError):
        buy(caller)
    assert executed(sandbox, caller) == 0


def test_503_after_and_before(sandbox, caller, faulty):
    faulty({"kind": "error_503_after"}, {"kind": "error_503_before"})
    after = buy(caller)
    assert (after.status_code, after.json()) == (503, {
        "code": -1007,
        "msg": "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    })  # fmt: skip
    assert executed(sandbox, caller) == 1
    before = buy(caller)
    assert (before.status_code, before.json()) == (503, {
        "code": -1001, "msg": "Internal error; unable to process your request. Please try again.",
    })  # fmt: skip
    assert executed(sandbox, caller) == 1


def test_delay_after_keeps_the_caller_waiting_not_the_order(sandbox, caller, faulty):
    faulty({"kind": "delay_after_ms", "ms": 300})
    started = time.time()
    assert buy(caller).status_code == 200
    accepted_at = sandbox.control.fills(api_key=caller.api_key)[0]["accepted_at"] / 1000
    assert time.time() - accepted_at >= 0.3
    assert accepted_at - started < 0.3


def test_delay_before_can_outlast_the_window(sandbox, caller, faulty):
    faulty({"kind": "delay_before_ms", "ms": 200})
    late = caller.order(side="BUY", quoteOrderQty="20", recvWindow=100)
    assert late.json()["code"] == -1021
    assert executed(sandbox, caller) == 0


def test_hidden_orders_appear_later(sandbox, caller, faulty):
    faulty({"kind": "hide_order_ms", "ms": 400})
    order_id = buy(caller).json()["orderId"]
    query = {"symbol": "BTCUSDT", "orderId": order_id}
    hidden = caller.signed("GET", "/api/v3/order", **query)
    assert hidden.json() == {"code": -2013, "msg": "Order does not exist."}
    assert caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT").json() == []
    assert executed(sandbox, caller) == 1
    deadline = time.monotonic() + 5
    while (seen := caller.signed("GET", "/api/v3/order", **query)).status_code != 200:
        assert time.monotonic() < deadline, "it stays hidden"
        time.sleep(0.02)
    assert seen.json()["status"] == "FILLED"


def test_only_the_named_key_and_count_are_struck(sandbox, caller, new_caller, faulty):
    faulty({"kind": "error_503_before", "count": 2})
    other = new_caller(sandbox)
    assert [buy(other).status_code, buy(caller).status_code, buy(caller).status_code, buy(caller).status_code] == [
        200, 503, 503, 200,
    ]  # fmt: skip
    assert [(rule["fired"], rule["count"]) for rule in sandbox.control.faults()] == [(2, 2)]


def test_chance_is_seeded():
    def strikes(seed: int) -> list[bool]:
        rule, struck = Fault("drop_before", "GET", "/x", count=None, probability=0.3, seed=seed), []
        for _ in range(200):
            after = rule.next_draw()
            struck.append(after.fired > rule.fired)
            rule = after
        return struck

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 40 <= sum(strikes(1)) <= 80


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "explode", **ORDER}, "kind must be one of"),
        ({"kind": "drop_before", "path": "/x"}, "method and path are needed"),
        ({"kind": "drop_before", "method": "GET", "path": "x"}, "method and path are needed"),
        ({"kind": "delay_after_ms", **ORDER}, "delay_after_ms needs ms, a whole number of at least 1"),
        ({"kind": "drop_before", "count": 0, **ORDER}, "count must be a whole number of at least 1"),
        ({"kind": "drop_before", "probability": 2, **ORDER}, "probability must be between 0 and 1"),
        ({"kind": "drop_before", "colour": "red", **ORDER}, "unknown field colour"),
    ],
)
def test_senseless_rules_are_refused_in_words(rule, message):
    with pytest.raises(FaultError) as refusal:
        fault_from(rule)
    assert str(refusal.value).startswith(message)


def test_a_senseless_list_changes_nothing(sandbox, faulty):
    faulty({"kind": "drop_before"})
    before = sandbox.control.faults()
    with pytest.raises(ControlRefused) as refusal:
        sandbox.control.set_faults([{"kind": "drop_before", **ORDER}, {"kind": "?"}])
    assert refusal.value.status == 400
    assert sandbox.control.faults() == before


MAKER = {"side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001", "price": "100000"}


def test_a_request_may_be_refused_with_any_words(sandbox, caller, faulty):
    faulty(
        {"kind": "reject_with", "code": -1015, "msg": "Too many new orders.", "status": 429, "retry_after": 3}
    )
    refused = buy(caller)
    assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (
        429, {"code": -1015, "msg": "Too many new orders."}, "3",
    )  # fmt: skip
    assert executed(sandbox, caller) == 0


def test_only_requests_with_a_certain_text_may_be_hit(sandbox, caller, faulty):
    faulty({"kind": "drop_before", "contains": "type=LIMIT_MAKER", "count": None})
    assert buy(caller).status_code == 200
    with pytest.raises(requests.ConnectionError):
        caller.order(**MAKER)


def test_a_cancel_can_succeed_unheard(sandbox, caller, faulty):
    caller.order(**MAKER, newClientOrderId="maker")
    faulty({"kind": "execute_then_drop", "method": "DELETE"})
    named = {"symbol": "BTCUSDT", "origClientOrderId": "maker"}
    with pytest.raises(requests.ConnectionError):
        caller.signed("DELETE", "/api/v3/order", **named)
    assert caller.signed("GET", "/api/v3/order", **named).json()["status"] == "CANCELED"
    assert caller.signed("DELETE", "/api/v3/order", **named).json()["code"] == -2011


def test_a_list_can_be_hidden_and_cancelled_all_the_same(sandbox, caller, faulty):
    buy(caller)
    pair = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.0001", "listClientOrderId": "pair",
        "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "100000", "belowPrice": "98000", "belowTimeInForce": "GTC",
    }  # fmt: skip
    faulty({"kind": "hide_order_ms", "ms": 60_000, "path": "/api/v3/orderList/oco"})
    assert caller.signed("POST", "/api/v3/orderList/oco", **pair).status_code == 200
    assert caller.signed("GET", "/api/v3/openOrderList").json() == []
    assert caller.signed("GET", "/api/v3/orderList", origClientOrderId="pair").json()["code"] == -2018
    gone = caller.signed("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="pair")
    assert gone.json()["listOrderStatus"] == "ALL_DONE"


@pytest.mark.parametrize(
    "rule",
    [{"code": -1}, {"msg": "no"}, {"code": "-1", "msg": "no"}, {"code": -1, "msg": "no", "status": 200}],
)
def test_a_refusal_needs_its_words(rule):
    with pytest.raises(FaultError):
        fault_from({**ORDER, "kind": "reject_with", **rule})
