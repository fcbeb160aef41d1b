"""Weights and order counts: told in headers, enforced with 429, and 418 for who does not listen."""

import pytest

from tests.contract.venues import SYMBOL, Trader, refusal

USED, COUNT_10S, COUNT_1D = "x-mbx-used-weight-1m", "x-mbx-order-count-10s", "x-mbx-order-count-1d"


def used(response):
    return int(response.headers[USED])


WEIGHTS = [
    ("/api/v3/ping", {}, 1),
    ("/api/v3/time", {}, 1),
    ("/api/v3/exchangeInfo", {}, 20),
    ("/api/v3/depth", {"symbol": SYMBOL, "limit": 100}, 5),
    ("/api/v3/depth", {"symbol": SYMBOL, "limit": 500}, 25),
    ("/api/v3/depth", {"symbol": SYMBOL, "limit": 1000}, 50),
    ("/api/v3/depth", {"symbol": SYMBOL, "limit": 5000}, 250),
    ("/api/v3/trades", {"symbol": SYMBOL}, 25),
    ("/api/v3/aggTrades", {"symbol": SYMBOL}, 4),
    ("/api/v3/klines", {"symbol": SYMBOL, "interval": "1m"}, 2),
    ("/api/v3/avgPrice", {"symbol": SYMBOL}, 2),
    ("/api/v3/ticker/24hr", {"symbol": SYMBOL}, 2),
    ("/api/v3/ticker/24hr", {}, 80),
    ("/api/v3/ticker/price", {"symbol": SYMBOL}, 2),
    ("/api/v3/ticker/price", {}, 4),
    ("/api/v3/ticker/bookTicker", {"symbol": SYMBOL}, 2),
    ("/api/v3/ticker/bookTicker", {}, 4),
]
SIGNED_WEIGHTS = [
    ("/api/v3/account", {}, 20),
    ("/api/v3/account/commission", {"symbol": SYMBOL}, 20),
    ("/api/v3/openOrders", {"symbol": SYMBOL}, 6),
    ("/api/v3/openOrders", {}, 80),
    ("/api/v3/allOrders", {"symbol": SYMBOL}, 20),
    ("/api/v3/myTrades", {"symbol": SYMBOL}, 20),
    ("/api/v3/rateLimit/order", {}, 40),
    ("/sapi/v1/account/apiRestrictions", {}, 1),
]


def grown(ask, weight):
    """Whether the weight used grows by `weight`; asked again should the minute have ended in between."""
    for _ in range(2):
        first, second = used(ask()), used(ask())
        if second > first:
            return second - first == weight
    return False


@pytest.mark.parametrize(("path", "query", "weight"), WEIGHTS)
def test_weights_of_the_market(trader, path, query, weight):
    assert grown(lambda: trader.public(path, **query), weight)


@pytest.mark.parametrize(("path", "query", "weight"), SIGNED_WEIGHTS)
def test_weights_of_the_account(trader, path, query, weight):
    assert grown(lambda: trader.signed("GET", path, **query), weight)


def test_an_order_that_succeeds_weighs_nothing_and_one_that_fails_does(holder):
    price = holder.price("1.1")
    before = used(holder.sell_limit(price, quantity="0.0001"))
    after = used(holder.sell_limit(price, quantity="0.0001"))
    refused = used(holder.sell_limit(price, quantity="5"))
    assert (after - before, refused - after) in [(0, 1), (-before, 1), (0, 1 - after)]  # a minute may end


def counts(response):
    return int(response.headers[COUNT_10S]), int(response.headers[COUNT_1D])


def test_orders_are_counted_until_they_fill(holder):
    """The ten seconds may end in between; the day hardly."""
    price = holder.price("1.1")
    first = counts(holder.sell_limit(price, quantity="0.0001"))
    second = counts(holder.sell_limit(price, quantity="0.0001"))
    assert second[1] - first[1] == 1
    assert second[0] in (first[0] + 1, 1)
    filled = counts(holder.order(side="BUY", type="MARKET", quoteOrderQty="20"))
    assert filled[1] == second[1]
    pair = holder.oco(quantity="0.0001")
    assert counts(pair)[1] - filled[1] == 2
    said = {row["interval"]: row["count"] for row in holder.get("/api/v3/rateLimit/order")}
    assert said["DAY"] == counts(pair)[1]
    assert COUNT_10S not in holder.public("/api/v3/ping").headers


def test_too_many_orders(own_venue):
    own_venue.limit_like_binance()
    trader = Trader(own_venue)
    price = trader.price("0.5")
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.0001", "price": price}
    for _ in range(200):
        response = trader.order(**order)
        if response.status_code == 429:
            break
    assert refusal(response) == (
        429,
        -1015,
        "Too many new orders; current limit is 50 orders per 10 SECOND.",
    )
    assert 1 <= int(response.headers["retry-after"]) <= 10
    assert trader.public("/api/v3/ping").status_code == 200


def test_too_much_weight_and_a_ban_for_who_goes_on(own_venue):
    own_venue.limit_like_binance()
    trader = Trader(own_venue)

    def ask():
        return trader.public("/api/v3/depth", symbol=SYMBOL, limit=5000)

    seen = [ask() for _ in range(26)]  # 26 x 250 is more than 6,000
    while seen[-1].status_code == 200:
        seen.append(ask())
    late = seen[-1]
    assert refusal(late) == (
        429,
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    )
    assert 1 <= int(late.headers["retry-after"]) <= 60
    while late.status_code == 429:
        late = ask()
    status, code, text = refusal(late)
    assert (status, code) == (418, -1003)
    assert text.startswith("Way too much request weight used; IP banned until ")
    assert text.endswith(". Please use WebSocket Streams for live updates to avoid bans.")
    assert 100 <= int(late.headers["retry-after"]) <= 120
    assert trader.public("/api/v3/ping").status_code == 418
