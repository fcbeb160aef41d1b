"""OCO lists: placed, queried, filled, cancelled, refused. One leg's end is the other's."""

import pytest

from tests.contract.venues import SYMBOL, refusal

UNKNOWN = (400, -2011, "Unknown order sent.")
NO_LIST = (400, -2018, "Order list does not exist.")


def statuses(trader, placed):
    """By client order id."""
    orders = [trader.get("/api/v3/order", symbol=SYMBOL, orderId=leg["orderId"]) for leg in placed["orders"]]
    return {order["clientOrderId"]: order["status"] for order in orders}


NAMES = {"aboveClientOrderId": "target", "belowClientOrderId": "stop", "listClientOrderId": "pair"}


def test_a_sale_with_target_and_stop(holder):
    placed = holder.oco(**NAMES).json()
    assert {key: placed[key] for key in ("contingencyType", "listStatusType", "listOrderStatus")} == {
        "contingencyType": "OCO", "listStatusType": "EXEC_STARTED", "listOrderStatus": "EXECUTING",
    }  # fmt: skip
    assert placed["listClientOrderId"] == "pair"
    reports = {report["clientOrderId"]: report for report in placed["orderReports"]}
    assert {name: (report["type"], report["status"]) for name, report in reports.items()} == {
        "target": ("LIMIT_MAKER", "NEW"),
        "stop": ("STOP_LOSS_LIMIT", "NEW"),
    }
    assert {report["orderListId"] for report in reports.values()} == {placed["orderListId"]}
    assert holder.balance("BTC")[1] == "0.00200000"  # locked once, not twice


def test_a_list_is_found_by_either_id(holder):
    placed = holder.oco(**NAMES).json()
    by_id = holder.get("/api/v3/orderList", orderListId=placed["orderListId"])
    assert by_id == holder.get("/api/v3/orderList", origClientOrderId="pair")
    assert by_id == {key: placed[key] for key in by_id}
    assert refusal(holder.signed("GET", "/api/v3/orderList", orderListId=10**9)) == NO_LIST
    said = "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!"
    assert refusal(holder.signed("GET", "/api/v3/orderList")) == (400, -1102, said)


@pytest.mark.parametrize("by", ["orderListId", "listClientOrderId"])
def test_cancelling_a_list_ends_both_legs(holder, by):
    placed = holder.oco(**NAMES).json()
    cancelled = holder.signed("DELETE", "/api/v3/orderList", symbol=SYMBOL, **{by: placed[by]}).json()
    assert (cancelled["listStatusType"], cancelled["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert statuses(holder, placed) == {"target": "CANCELED", "stop": "CANCELED"}
    assert holder.balance("BTC")[1] == "0.00000000"
    again = holder.signed("DELETE", "/api/v3/orderList", symbol=SYMBOL, **{by: placed[by]})
    assert refusal(again)[:2] == (400, -2011)


def test_cancelling_a_leg_ends_the_list(holder):
    placed = holder.oco(**NAMES).json()
    holder.signed("DELETE", "/api/v3/order", symbol=SYMBOL, origClientOrderId="stop")
    assert statuses(holder, placed) == {"target": "CANCELED", "stop": "CANCELED"}
    assert holder.get("/api/v3/openOrderList") == []
    assert holder.get("/api/v3/orderList", origClientOrderId="pair")["listOrderStatus"] == "ALL_DONE"


def test_all_open_orders_of_a_symbol_include_lists(holder):
    holder.oco(quantity="0.002")
    holder.sell_limit(holder.price("1.1"))
    ended = holder.signed("DELETE", "/api/v3/openOrders", symbol=SYMBOL).json()
    assert sorted("contingencyType" in entry for entry in ended) == [False, True]
    assert holder.get("/api/v3/openOrders") == []


def test_prices_on_the_wrong_sides(holder):
    said = (400, -2010, "The relationship of the prices for the orders is not correct.")
    assert refusal(holder.oco(abovePrice=holder.price("0.95"))) == said
    assert refusal(holder.oco(belowStopPrice=holder.price("1.05"), belowPrice=holder.price("1.04"))) == said


def test_legs_need_ids_of_their_own(holder):
    response = holder.oco(aboveClientOrderId="same", belowClientOrderId="same")
    assert refusal(response)[:2] == (400, -2010)


def test_parameters_of_legs(holder):
    missing = "Mandatory parameter 'belowPrice' was not sent, was empty/null, or malformed."
    wish = {"belowType": "STOP_LOSS_LIMIT", "belowPrice": ""}
    assert refusal(holder.oco(**wish)) == (400, -1105, "Parameter 'belowPrice' was empty.")
    without = {
        "symbol": SYMBOL, "side": "SELL", "quantity": "0.002", "aboveType": "LIMIT_MAKER",
        "abovePrice": holder.price("1.1"), "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": holder.price("0.9"),
        "belowTimeInForce": "GTC",
    }  # fmt: skip
    assert refusal(holder.signed("POST", "/api/v3/orderList/oco", **without)) == (400, -1102, missing)
    unneeded = holder.oco(aboveTimeInForce="GTC")
    assert refusal(unneeded) == (400, -1106, "Parameter 'aboveTimeInForce' sent when not required.")


def test_the_target_is_met(own_trader):
    own_trader.buy()
    placed = own_trader.oco(**NAMES, abovePrice=own_trader.price("1.0005")).json()
    own_trader.venue.pass_minutes(90)
    assert statuses(own_trader, placed) == {"target": "FILLED", "stop": "EXPIRED"}
    stop = own_trader.get("/api/v3/order", symbol=SYMBOL, origClientOrderId="stop")
    assert stop["expiryReason"] == "OCO_TRIGGER"
    assert own_trader.get("/api/v3/orderList", origClientOrderId="pair")["listOrderStatus"] == "ALL_DONE"
    assert own_trader.balance("BTC")[1] == "0.00000000"


def test_the_stop_is_met(own_trader):
    own_trader.buy()
    stop = own_trader.price("0.9995")
    placed = own_trader.oco(**NAMES, belowStopPrice=stop, belowPrice=own_trader.price("0.9")).json()
    own_trader.venue.pass_minutes(240)
    assert statuses(own_trader, placed) == {"target": "EXPIRED", "stop": "FILLED"}
    trade = own_trader.get("/api/v3/myTrades", symbol=SYMBOL)[-1]
    assert (float(trade["price"]) <= float(stop), trade["orderListId"]) == (True, placed["orderListId"])


def test_a_list_of_somebody_else(holder, venue):
    other = type(holder)(venue)
    placed = holder.oco(**NAMES).json()
    assert refusal(other.signed("GET", "/api/v3/orderList", orderListId=placed["orderListId"])) == NO_LIST
    gone = other.signed("DELETE", "/api/v3/orderList", symbol=SYMBOL, orderListId=placed["orderListId"])
    assert refusal(gone)[:2] == (400, -2011)
