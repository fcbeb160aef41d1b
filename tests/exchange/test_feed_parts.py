"""What the feed is made of: batches in a thread, the lag, the sign of life."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
from django.conf import settings

from exchange.binance.streams import StreamBroken, event_of
from exchange.feed.batches import Batches
from exchange.feed.lag import Lag
from exchange.feed.sign import HEARTBEAT, STATE, Sign, SignBoard, read_sign

pytestmark = pytest.mark.django_db


class Market:
    """Answers with a market time of the test's own."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.speed = 1.0

    def market_time_ms(self, symbol: str) -> int:
        return int(self.seconds * 1000 * self.speed)


def test_what_comes_while_one_works_is_one_batch() -> None:
    begun, go_on, batches = threading.Event(), threading.Event(), []

    def handle(batch: list[int]) -> None:
        batches.append(batch)
        begun.set()
        assert go_on.wait(5)

    worker = Batches("test", handle)
    worker.put(1)
    assert begun.wait(5)
    for number in (2, 3, 4):
        worker.put(number)
    go_on.set()
    worker.stop(within_seconds=5)
    assert batches == [[1], [2, 3, 4]]


def test_a_batch_that_breaks_is_not_the_last() -> None:
    handled: list[int] = []
    begun = threading.Event()

    def handle(batch: list[int]) -> None:
        begun.set()
        for number in batch:
            handled.append(10 // number)

    worker = Batches("test", handle)
    worker.put(0)
    assert begun.wait(5)
    worker.put(5)
    worker.stop(within_seconds=5)
    assert handled == [2]


def measured(market: Market, *seconds: float) -> Lag:
    lag = Lag(monotonic=lambda: market.seconds)
    for at in seconds:
        market.seconds = at
        lag.measure(market, "BTCUSDT")  # type: ignore[arg-type]
    return lag


def test_lag_is_the_venues_time_against_the_events() -> None:
    market = Market()
    lag = measured(market, 100.0, 120.0)
    for behind_ms in (10, 20, 60):
        lag.note(int(market.seconds * 1000) - behind_ms)
    assert lag.median_ms() == pytest.approx(20)


@pytest.mark.parametrize("speed", [0.0, 6.0])
def test_a_market_that_does_not_run_at_wall_speed_has_no_lag(speed: float) -> None:
    market = Market()
    market.speed = speed
    lag = measured(market, 100.0, 120.0)
    lag.note(0)
    assert lag.median_ms() is None


def test_before_the_speed_is_known_there_is_no_lag() -> None:
    lag = measured(Market(), 100.0)
    lag.note(99_990)
    assert lag.median_ms() is None


@pytest.fixture
def connection() -> Any:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(HEARTBEAT, STATE)
    yield client
    client.delete(HEARTBEAT, STATE)
    client.close()


def test_a_sign_is_read_as_it_was_given(connection: redis.Redis) -> None:
    assert read_sign(connection) is None
    sign = Sign(at=1_763_640_000.25, is_connected=True, trouble="", series=3, lag_ms=12.4, connections=2)
    SignBoard().give(sign)
    assert read_sign(connection) == sign
    assert sign.as_text() == "connected, 3 series, lag 12 ms"
    assert connection.get(HEARTBEAT) == b"1763640000.250"


def test_a_sign_says_what_is_wrong() -> None:
    sign = Sign(at=0, is_connected=False, trouble="silent for 15 s", series=3, lag_ms=None)
    assert sign.as_text() == "not connected: silent for 15 s"


def test_without_redis_no_sign_is_given(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    SignBoard().give(Sign(at=0, is_connected=True, trouble="", series=0, lag_ms=None))


@pytest.mark.parametrize(
    "message",
    [
        {"e": "error", "type": "BinanceWebsocketClosed", "m": "Connection closed."},
        {"e": "serverShutdown", "E": 1},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}},
    ],
)
def test_what_ends_a_stream(message: dict[str, Any]) -> None:
    with pytest.raises(StreamBroken):
        event_of(message)


@pytest.mark.parametrize(
    "message",
    [
        {"result": None, "id": 1},
        {"error": {"code": 2, "msg": "Invalid request"}, "id": 1},
        {"stream": "btcusdt@trade", "data": {"e": "trade", "p": "1.0"}},
    ],
)
def test_what_is_no_event(message: dict[str, Any]) -> None:
    assert event_of(message) is None
