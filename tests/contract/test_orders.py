"""The life of orders: accepted, resting, filled, cancelled; and client ids, which are no idempotency key."""

import pytest

from tests.contract.venues import SYMBOL, Trader, refusal

NO_BALANCE = (400, -2010, "Account has insufficient balance for requested action.")
DUPLICATE = (400, -2010, "Duplicate order sent.")
UNKNOWN = (400, -2011, "Unknown order sent.")
NO_ORDER = (400, -2013, "Order does not exist.")


def test_a_market_order_repeated_with_its_id_executes_twice(trader):
    first, second = (trader.buy("100", newClientOrderId="again") for _ in range(2))
    assert [first["status"], second["status"]] == ["FILLED", "FILLED"]
    assert second["orderId"] > first["orderId"]
    assert len(trader.get("/api/v3/myTrades", symbol=SYMBOL)) == 2
    newest = trader.get("/api/v3/order", symbol=SYMBOL, origClientOrderId="again")
    assert newest["orderId"] == second["orderId"]


def test_an_id_is_taken_only_while_its_order_is_open(holder):
    price = holder.price("1.1")
    placed = holder.sell_limit(price, newClientOrderId="mine").json()
    assert refusal(holder.sell_limit(price, newClientOrderId="mine")) == DUPLICATE
    holder.signed("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"])
    assert holder.sell_limit(price, newClientOrderId="mine").json()["status"] == "NEW"


def test_an_id_is_its_accounts_own(holder, venue):
    other = Trader(venue)
    other.buy()
    price = holder.price("1.1")
    holder.sell_limit(price, newClientOrderId="shared")
    assert other.sell_limit(price, newClientOrderId="shared").json()["status"] == "NEW"


def test_a_limit_that_crosses_fills_at_the_market(trader):
    bought = trader.order(
        side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.001", price=trader.price("1.1")
    ).json()
    assert (bought["status"], bought["fills"][0]["price"]) == ("FILLED", trader.price() + "000000")


def test_money_of_a_resting_order_is_locked_and_comes_back(trader):
    price = trader.price("0.5")
    placed = trader.order(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price).json()
    free, locked = map(float, trader.balance("USDT"))
    assert locked == pytest.approx(float(price) * 0.01, abs=1e-8)
    assert free + locked == 10_000
    trader.signed("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"])
    assert trader.balance("USDT") == ("10000.00000000", "0.00000000")


def test_more_than_there_is(trader):
    assert refusal(trader.order(side="BUY", type="MARKET", quoteOrderQty="10001")) == NO_BALANCE
    assert refusal(trader.sell_limit(trader.price("1.1"), quantity="1")) == NO_BALANCE


def test_a_maker_does_not_take(holder):
    order = {"side": "SELL", "type": "LIMIT_MAKER", "quantity": "0.002"}
    said = "Order would immediately match and take."
    assert refusal(holder.order(**order, price=holder.price("0.9"))) == (400, -2010, said)
    assert holder.order(**order, price=holder.price("1.1")).json().keys() >= {"orderId", "transactTime"}


def test_a_stop_on_the_wrong_side(holder):
    order = {"side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": "0.002"}
    response = holder.order(**order, price=holder.price("1.1"), stopPrice=holder.price("1.1"))
    assert refusal(response) == (400, -2010, "Order would trigger immediately.")


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_what_may_not_rest_expires(holder, time_in_force):
    order = holder.order(
        side="SELL", type="LIMIT", timeInForce=time_in_force, quantity="0.002", price=holder.price("1.1")
    ).json()
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")


def test_default_lengths_of_answers(holder):
    assert "fills" in holder.buy("50")
    assert "fills" in holder.sell_limit(holder.price("1.1")).json()
    maker = holder.order(side="SELL", type="LIMIT_MAKER", quantity="0.002", price=holder.price("1.1")).json()
    assert "status" not in maker  # an acknowledgement


def test_a_cancel_has_an_id_of_its_own(holder):
    placed = holder.sell_limit(holder.price("1.1"), newClientOrderId="order-1").json()
    cancelled = holder.signed(
        "DELETE", "/api/v3/order", symbol=SYMBOL, origClientOrderId="order-1", newClientOrderId="cancel-1"
    ).json()
    ids = (cancelled["orderId"], cancelled["origClientOrderId"], cancelled["clientOrderId"])
    assert ids == (placed["orderId"], "order-1", "cancel-1")
    assert holder.get("/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"])["status"] == "CANCELED"


def test_what_is_not_open_cannot_be_cancelled(holder):
    filled = holder.buy("50")
    mine = {"symbol": SYMBOL, "orderId": filled["orderId"]}
    assert refusal(holder.signed("DELETE", "/api/v3/order", **mine)) == UNKNOWN
    assert refusal(holder.signed("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=10**9)) == UNKNOWN
    assert refusal(holder.signed("DELETE", "/api/v3/openOrders", symbol=SYMBOL)) == UNKNOWN


def test_a_cancel_may_be_restricted_to_a_status(holder):
    placed = holder.sell_limit(holder.price("1.1")).json()
    mine = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    refused = holder.signed("DELETE", "/api/v3/order", **mine, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert refusal(refused) == (400, -2011, "Order was not canceled due to cancel restrictions.")
    allowed = holder.signed("DELETE", "/api/v3/order", **mine, cancelRestrictions="ONLY_NEW")
    assert allowed.json()["status"] == "CANCELED"


def test_queries_by_either_id_or_both(holder, venue):
    placed = holder.sell_limit(holder.price("1.1"), newClientOrderId="known").json()
    by_id = {"orderId": placed["orderId"]}
    by_client = {"origClientOrderId": "known"}
    answers = [
        holder.get("/api/v3/order", symbol=SYMBOL, **ids) for ids in (by_id, by_client, by_id | by_client)
    ]
    assert answers[0] == answers[1] == answers[2]
    path = "/api/v3/order"
    wrong = holder.signed("GET", path, symbol=SYMBOL, **by_id, origClientOrderId="other")
    assert refusal(wrong)[:2] == (400, -2039)
    assert refusal(holder.signed("GET", path, symbol=SYMBOL, origClientOrderId="none")) == NO_ORDER
    assert refusal(Trader(venue).signed("GET", path, symbol=SYMBOL, **by_id)) == NO_ORDER  # somebody else's


def test_all_orders(holder):
    orders = [holder.buy("50")["orderId"] for _ in range(3)]

    def found(**wish):
        return [order["orderId"] for order in holder.get("/api/v3/allOrders", symbol=SYMBOL, **wish)]

    every = found()
    assert every[-3:] == orders
    assert found(orderId=orders[1]) == orders[1:]
    assert found(orderId=orders[0], limit=2) == orders[:2]
    now = holder.get("/api/v3/order", symbol=SYMBOL, orderId=orders[0])["time"]
    assert found(startTime=now, endTime=now) == every
    too_long = holder.signed(
        "GET", "/api/v3/allOrders", symbol=SYMBOL, startTime=now - 86_400_001, endTime=now
    )
    assert refusal(too_long) == (400, -1127, "More than 24 hours between startTime and endTime.")


def test_a_test_order_changes_nothing(trader):
    right = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"}
    assert trader.signed("POST", "/api/v3/order/test", **right).json() == {}
    assert trader.signed("POST", "/api/v3/order/test", **right | {"quoteOrderQty": "3"}).status_code == 400
    assert trader.get("/api/v3/allOrders", symbol=SYMBOL) == []


def test_self_trade_prevention_modes(trader):
    """Every mode the symbol names is taken and told again; others are refused."""
    entry = trader.public("/api/v3/exchangeInfo", symbol=SYMBOL).json()["symbols"][0]
    for mode in entry["allowedSelfTradePreventionModes"]:
        assert trader.buy("50", selfTradePreventionMode=mode)["selfTradePreventionMode"] == mode
    assert trader.buy("50")["selfTradePreventionMode"] == entry["defaultSelfTradePreventionMode"]
    assert trader.buy("50", selfTradePreventionMode="SOMETIMES")["code"] == -1130


def test_commissions(trader):
    bought = trader.buy("1000")
    fill = bought["fills"][0]
    assert fill["commissionAsset"] == "BTC"
    assert float(fill["commission"]) == pytest.approx(float(fill["qty"]) * 0.001, abs=1e-8)
    rates = trader.get("/api/v3/account/commission", symbol=SYMBOL)["standardCommission"]
    assert (rates["maker"], rates["taker"]) == ("0.00100000", "0.00100000")
    fee = trader.get("/sapi/v1/asset/tradeFee", symbol=SYMBOL)[0]
    assert (fee["makerCommission"], fee["takerCommission"]) == ("0.001", "0.001")


def low_and_high(trader, minutes):
    """Of the minutes that have passed."""
    rows = trader.public("/api/v3/klines", symbol=SYMBOL, interval="1m", limit=minutes + 1).json()[:-1]
    return min(float(row[3]) for row in rows), max(float(row[2]) for row in rows)


def test_a_resting_limit_fills_at_its_price_as_maker(own_trader):
    own_trader.buy()
    price = own_trader.price("1.0005")
    placed = own_trader.sell_limit(price).json()
    own_trader.venue.pass_minutes(90)
    assert low_and_high(own_trader, 90)[1] >= float(price)
    order = own_trader.get("/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"])
    assert order["status"] == "FILLED"
    trade = own_trader.get("/api/v3/myTrades", symbol=SYMBOL, orderId=placed["orderId"])[0]
    assert (float(trade["price"]), trade["isMaker"], trade["isBuyer"]) == (float(price), True, False)
    assert trade["time"] == order["updateTime"] > order["time"]


def test_a_limit_out_of_reach_stays(own_trader):
    own_trader.buy()
    placed = own_trader.sell_limit(own_trader.price("1.5")).json()
    own_trader.venue.pass_minutes(90)
    assert [o["orderId"] for o in own_trader.get("/api/v3/openOrders")] == [placed["orderId"]]


def test_a_stop_triggers_and_then_works_at_its_limit(own_trader):
    own_trader.buy()
    placed = own_trader.order(
        side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.002", price=own_trader.price("0.9"),
        stopPrice=own_trader.price("0.9995"),
    ).json()  # fmt: skip
    mine = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    waiting = own_trader.get("/api/v3/order", **mine)
    assert (waiting["status"], waiting["isWorking"], waiting["workingTime"]) == ("NEW", False, -1)
    own_trader.venue.pass_minutes(240)
    sold = own_trader.get("/api/v3/order", **mine)
    assert (sold["status"], sold["type"], sold["isWorking"]) == ("FILLED", "STOP_LOSS_LIMIT", True)
    trade = own_trader.get("/api/v3/myTrades", symbol=SYMBOL, orderId=placed["orderId"])[0]
    assert float(trade["price"]) <= float(waiting["stopPrice"])
    assert trade["isMaker"] is False
