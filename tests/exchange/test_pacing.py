"""Everybody waits when the exchange says so: at once, without touching the network, also in other processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from requests.adapters import HTTPAdapter

from engine.orders import Side
from exchange.binance.client import BinanceExchange
from exchange.binance.clock import ServerClock
from exchange.cache import RedisCache, cache
from exchange.pacing import ASK_OTHERS_SECONDS, EVERYBODY, Pace, weight_key
from exchange.port import Credentials, MarketOrder, RateLimited, Stamp
from tests.exchange.edge import Edge, http, refusal

STAMP = Stamp(1_700_000_000_123, 5_000)
ORDER = MarketOrder("BTCUSDT", Side.BUY, "tb-7-entry-1", quote_quantity_e8=10**10)
TOO_MUCH = refusal(429, -1003, "Too much request weight used", Retry_After="7")
TOO_MANY = refusal(
    429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", Retry_After="9"
)


class Time:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client_with(edge: Edge) -> Callable[..., BinanceExchange]:
    def client(pace: Pace, key: str = "K") -> BinanceExchange:
        credentials = Credentials(key * 64, "S" * 64)
        adapter = HTTPAdapter(max_retries=0)
        return BinanceExchange(edge.url, adapter, ServerClock(), credentials=credentials, pace=pace)

    return client


def left(call: Callable[[], object]) -> int:
    with pytest.raises(RateLimited) as limited:
        call()
    return limited.value.retry_after_seconds


def test_nothing_is_sent_while_the_exchange_asks_to_wait(
    edge: Edge, time: Time, client_with: Callable[..., BinanceExchange]
) -> None:
    pace = Pace(monotonic=time)
    one, other = client_with(pace), client_with(pace, key="L")
    edge.endings.append(TOO_MUCH)
    assert left(lambda: one.price_e8("BTCUSDT")) == 7
    time.seconds += 3
    assert left(lambda: other.place_market_order(ORDER, STAMP)) == 4
    assert left(lambda: one.price_e8("BTCUSDT")) == 4
    assert len(edge.requests) == 1
    time.seconds += 4
    edge.endings.append(http(200, {"price": "1.0"}))
    assert one.price_e8("BTCUSDT") == 10**8


def test_a_shorter_wait_does_not_end_a_longer_one(time: Time) -> None:
    pace = Pace(monotonic=time)
    pace.wait(EVERYBODY, 120)
    pace.wait(EVERYBODY, 7)
    assert left(lambda: pace.check(EVERYBODY)) == 120


def test_too_many_orders_stop_that_accounts_orders_alone(
    edge: Edge, time: Time, client_with: Callable[..., BinanceExchange]
) -> None:
    pace = Pace(monotonic=time)
    busy, other = client_with(pace), client_with(pace, key="L")
    edge.endings.append(TOO_MANY)
    assert left(lambda: busy.place_market_order(ORDER, STAMP)) == 9
    assert left(lambda: busy.place_market_order(ORDER, STAMP)) == 9
    unknown = refusal(400, -2011, "Unknown order sent.")
    edge.endings.extend([unknown, http(200, {"price": "1.0"}), refusal(400, -2010, "Market is closed.")])
    assert busy.cancel_order("BTCUSDT", "tb-7-stop-1") is None
    assert busy.price_e8("BTCUSDT") == 10**8
    with pytest.raises(Exception, match="closed"):
        other.place_market_order(ORDER, STAMP)


def test_other_processes_wait_as_well(time: Time) -> None:
    told, asking = (Pace("http://a", cache, monotonic=time, wall=time) for _ in range(2))
    stranger = Pace("http://b", cache, monotonic=time, wall=time)
    told.wait(EVERYBODY, 30)
    assert left(lambda: asking.check(EVERYBODY)) == 30
    time.seconds += 30
    asking.check(EVERYBODY)
    stranger.check(EVERYBODY)


def test_the_others_are_asked_again_in_a_moment(time: Time) -> None:
    told, asking = (Pace("http://a", cache, monotonic=time, wall=time) for _ in range(2))
    asking.check(EVERYBODY)
    told.wait(EVERYBODY, 30)
    asking.check(EVERYBODY)
    time.seconds += ASK_OTHERS_SECONDS
    assert left(lambda: asking.check(EVERYBODY)) == 30


def test_without_redis_each_process_knows_its_own(time: Time) -> None:
    away = RedisCache("redis://127.0.0.1:1/0")
    told, other = (Pace("http://a", lambda: away, monotonic=time, wall=time) for _ in range(2))
    told.wait(EVERYBODY, 30)
    assert left(lambda: told.check(EVERYBODY)) == 30
    other.check(EVERYBODY)


def test_the_used_weight_is_noted(edge: Edge, client_with: Callable[..., BinanceExchange]) -> None:
    pace = Pace(edge.url, cache)
    edge.endings.append(http(200, {"price": "1.0"}, X_MBX_USED_WEIGHT_1M="1234"))
    client_with(pace).price_e8("BTCUSDT")
    assert pace.used_weight == 1234
    assert cache().get(weight_key(edge.url)) == 1234


def test_a_connection_that_broke_says_nothing_about_weight(
    edge: Edge, client_with: Callable[..., BinanceExchange]
) -> None:
    pace = Pace()
    client = client_with(pace)
    edge.endings.extend([http(200, {"price": "1.0"}, X_MBX_USED_WEIGHT_1M="5"), lambda _: b""])
    client.price_e8("BTCUSDT")
    pace.used_weight = None
    with pytest.raises(Exception, match="broke"):
        client.price_e8("BTCUSDT")
    assert pace.used_weight is None
