"""The symbol's real filters, read from exchangeInfo as a client would, and refused by name."""

from decimal import Decimal

import pytest

from tests.contract.venues import SYMBOL, refusal


def failed(name):
    return (400, -1013, f"Filter failure: {name}")


@pytest.fixture
def filters(trader):
    entry = trader.public("/api/v3/exchangeInfo", symbol=SYMBOL).json()["symbols"][0]
    return {row["filterType"]: row for row in entry["filters"]}


def limit(trader, **changed):
    wish = {
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": trader.price("0.9"),
    }
    return trader.order(**wish | changed)


def test_price(trader, filters):
    rule = filters["PRICE_FILTER"]
    off_tick = Decimal(trader.price("0.9")) + Decimal(rule["tickSize"]) / 10
    assert refusal(limit(trader, price=str(off_tick))) == failed("PRICE_FILTER")
    beyond = str(Decimal(rule["maxPrice"]) + 1)
    assert refusal(limit(trader, price=beyond)) == failed("PRICE_FILTER")


def test_the_stop_price_obeys_the_tick_too(trader, filters):
    off_tick = str(Decimal(trader.price("1.1")) + Decimal(filters["PRICE_FILTER"]["tickSize"]) / 10)
    stop = {"type": "STOP_LOSS_LIMIT", "price": trader.price("1.2"), "stopPrice": off_tick}
    assert refusal(limit(trader, **stop)) == failed("PRICE_FILTER")


def test_quantity(trader, filters):
    rule = filters["LOT_SIZE"]
    off_step = str(Decimal("0.001") + Decimal(rule["stepSize"]) / 10)
    assert refusal(limit(trader, quantity=off_step)) == failed("LOT_SIZE")
    assert refusal(limit(trader, quantity=str(Decimal(rule["maxQty"]) + 1))) == failed("LOT_SIZE")
    too_small = str(Decimal(rule["minQty"]) / 10)
    assert refusal(limit(trader, quantity=too_small)) == failed("LOT_SIZE")


def test_market_quantity(trader, filters):
    most = Decimal(filters["MARKET_LOT_SIZE"]["maxQty"])
    whole = str(int(most) + 1)
    assert refusal(trader.order(side="BUY", type="MARKET", quantity=whole)) == failed("MARKET_LOT_SIZE")


def test_notional(trader, filters):
    least = Decimal(filters["NOTIONAL"]["minNotional"])
    too_little = (least / Decimal(trader.price("0.9"))).quantize(Decimal("0.00001")) - Decimal("0.00001")
    assert refusal(limit(trader, quantity=str(too_little))) == failed("NOTIONAL")
    cheap = trader.order(side="BUY", type="MARKET", quoteOrderQty=str(least - 1))
    assert refusal(cheap) == failed("NOTIONAL")


@pytest.mark.parametrize(
    ("side", "factor"), [("BUY", "0.19"), ("BUY", "5.1"), ("SELL", "5.1"), ("SELL", "0.19")]
)
def test_percent_price(holder, side, factor):
    beyond = limit(holder, side=side, price=holder.price(factor))
    assert refusal(beyond) == failed("PERCENT_PRICE_BY_SIDE")


def test_at_most_so_many_stops(holder, filters):
    most = filters["MAX_NUM_ALGO_ORDERS"]["maxNumAlgoOrders"]
    stop = {
        "side": "SELL", "type": "STOP_LOSS_LIMIT", "quantity": "0.0001", "price": holder.price("0.89"),
        "stopPrice": holder.price("0.9"),
    }  # fmt: skip
    for _ in range(most):
        assert limit(holder, **stop).status_code == 200
    assert refusal(limit(holder, **stop)) == failed("MAX_NUM_ALGO_ORDERS")
    assert refusal(holder.oco(quantity="0.0001")) == failed("MAX_NUM_ALGO_ORDERS")


def test_at_most_so_many_orders(own_trader, filters):
    most = filters["MAX_NUM_ORDERS"]["maxNumOrders"]
    price = own_trader.price("0.9")
    for _ in range(most):
        assert limit(own_trader, quantity="0.0001", price=price).status_code == 200
    assert refusal(limit(own_trader, quantity="0.0001", price=price)) == failed("MAX_NUM_ORDERS")


def test_a_filter_is_checked_before_the_balance(trader, filters):
    off_step = str(Decimal("1.001") + Decimal(filters["LOT_SIZE"]["stepSize"]) / 10)
    assert refusal(limit(trader, quantity=off_step)) == failed("LOT_SIZE")
    said = "Account has insufficient balance for requested action."
    assert refusal(limit(trader, quantity="1.001")) == (400, -2010, said)
