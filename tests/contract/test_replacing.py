"""Cancel-replace: both halves told apart, whichever of them failed."""

import pytest

from tests.contract.venues import SYMBOL, refusal

PATH = "/api/v3/order/cancelReplace"


@pytest.fixture
def resting(holder):
    return holder.sell_limit(holder.price("1.1"), newClientOrderId="old").json()


def replace(holder, mode="STOP_ON_FAILURE", **changed):
    wish = {
        "symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.002",
        "price": holder.price("1.2"), "cancelReplaceMode": mode, "cancelOrigClientOrderId": "old",
        "newClientOrderId": "new",
    }  # fmt: skip
    return holder.signed("POST", PATH, **wish | changed)


def results(body):
    return body["cancelResult"], body["newOrderResult"]


def status_of(holder, client_order_id):
    return holder.get("/api/v3/order", symbol=SYMBOL, origClientOrderId=client_order_id).get("status")


def test_both_succeed(holder, resting):
    response = replace(holder, cancelNewClientOrderId="cancel")
    body = response.json()
    assert (response.status_code, results(body)) == (200, ("SUCCESS", "SUCCESS"))
    cancelled, placed = body["cancelResponse"], body["newOrderResponse"]
    assert (cancelled["origClientOrderId"], cancelled["clientOrderId"]) == ("old", "cancel")
    assert (placed["clientOrderId"], placed["status"]) == ("new", "NEW")
    assert (status_of(holder, "old"), status_of(holder, "new")) == ("CANCELED", "NEW")


def test_a_leg_of_a_list_becomes_a_market_sale(holder):
    """The exit by signal: one request ends the protection and sells."""
    placed = holder.oco(belowClientOrderId="old").json()
    body = holder.signed(
        "POST", PATH, symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.002",
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId="old",
    ).json()  # fmt: skip
    assert results(body) == ("SUCCESS", "SUCCESS")
    assert body["newOrderResponse"]["status"] == "FILLED"
    assert holder.get("/api/v3/orderList", orderListId=placed["orderListId"])["listOrderStatus"] == "ALL_DONE"
    assert holder.get("/api/v3/openOrders") == []


def test_the_cancel_fails_and_stops_the_new_order(holder, resting):
    response = replace(holder, cancelOrigClientOrderId="unknown")
    body = response.json()
    assert refusal(response) == (400, -2022, "Order cancel-replace failed.")
    assert results(body["data"]) == ("FAILURE", "NOT_ATTEMPTED")
    assert body["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert body["data"]["newOrderResponse"] is None
    assert status_of(holder, "old") == "NEW"


def test_the_cancel_fails_and_the_new_order_goes_on(holder, resting):
    response = replace(holder, "ALLOW_FAILURE", cancelOrigClientOrderId="unknown")
    body = response.json()
    assert refusal(response) == (409, -2021, "Order cancel-replace partially failed.")
    assert results(body["data"]) == ("FAILURE", "SUCCESS")
    assert (status_of(holder, "old"), status_of(holder, "new")) == ("NEW", "NEW")


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_the_new_order_fails_and_the_old_one_is_gone(holder, resting, mode):
    response = replace(holder, mode, quantity="1")
    body = response.json()
    assert refusal(response) == (409, -2021, "Order cancel-replace partially failed.")
    assert results(body["data"]) == ("SUCCESS", "FAILURE")
    said = "Account has insufficient balance for requested action."
    assert body["data"]["newOrderResponse"] == {"code": -2010, "msg": said}
    assert status_of(holder, "old") == "CANCELED"


def test_both_fail(holder, resting):
    response = replace(holder, "ALLOW_FAILURE", cancelOrigClientOrderId="unknown", quantity="1")
    assert refusal(response) == (400, -2022, "Order cancel-replace failed.")
    assert results(response.json()["data"]) == ("FAILURE", "FAILURE")
    assert status_of(holder, "old") == "NEW"


def test_a_filter_keeps_the_old_order(holder, resting):
    assert refusal(replace(holder, price="0.011"))[:2] == (400, -1013)
    assert status_of(holder, "old") == "NEW"


def test_what_must_be_said(holder, resting):
    said = "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!"
    wish = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.002"}
    response = holder.signed("POST", PATH, **wish, cancelReplaceMode="STOP_ON_FAILURE")
    assert refusal(response) == (400, -1102, said)
    missing = "Mandatory parameter 'cancelReplaceMode' was not sent, was empty/null, or malformed."
    assert refusal(holder.signed("POST", PATH, **wish, cancelOrderId=1)) == (400, -1102, missing)
