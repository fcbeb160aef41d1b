"""Prices from the feed, and without it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from structlog.testing import capture_logs

from exchange import prices
from exchange.cache import cache
from exchange.connect import market_data
from exchange.port import DayTicker
from exchange.sandbox.running import SandboxProcess, free_port

E8 = 100_000_000
HERE = ("sandbox", "spot")


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    prices.forget_asked()


@pytest.fixture
def without_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def ticker(symbol: str, price: int, at_ms: int = 5) -> DayTicker:
    return DayTicker(symbol, price * E8, 2 * E8, 3 * E8, E8, 7 * E8, 9 * E8, at_ms)


def test_the_newest_price_of_each_symbol_is_kept() -> None:
    assert prices.publish(*HERE, [ticker("BTCUSDT", 100), ticker("ETHUSDT", 10)])
    assert prices.publish(*HERE, [ticker("BTCUSDT", 101, at_ms=6)])
    assert prices.last_price_e8(*HERE, "BTCUSDT") == (101 * E8, 6)
    assert prices.prices(*HERE) == {
        "BTCUSDT": ticker("BTCUSDT", 101, at_ms=6),
        "ETHUSDT": ticker("ETHUSDT", 10),
    }
    assert cache().counts()["prices"]["hits"] >= 2


def test_prices_live_as_long_as_their_feed() -> None:
    prices.publish(*HERE, [ticker("BTCUSDT", 100)])
    key = cache().topic("prices:sandbox:spot")
    cache()._sync.pexpire(key, 1_000)
    assert cache()._sync.pttl(key) <= 1_000
    prices.publish(*HERE, [])
    assert cache()._sync.pttl(key) > (prices.TTL_SECONDS - 2) * 1000


def test_changes_are_told_to_whoever_listens() -> None:
    async def listen() -> dict[str, DayTicker]:
        async with aclosing(prices.changes(*HERE)) as changes, asyncio.timeout(5):
            first = asyncio.ensure_future(anext(changes))
            while not first.done():
                await asyncio.to_thread(prices.publish, *HERE, [ticker("BTCUSDT", 100)])
                await asyncio.sleep(0.05)
            return await first

    assert asyncio.run(listen()) == {"BTCUSDT": ticker("BTCUSDT", 100)}


def test_without_a_feed_the_exchange_is_asked_and_the_log_says_so_once(sandbox: SandboxProcess) -> None:
    with capture_logs() as logs:
        found = prices.prices(*HERE)
        assert prices.prices(*HERE) == found
    assert set(found) == {"BTCUSDT", "ETHUSDT"}
    assert found["BTCUSDT"].price_e8 == market_data("sandbox").price_e8("BTCUSDT")
    assert [line["event"] for line in logs] == ["prices_by_request"]
    assert prices.last_price_e8(*HERE, "BTCUSDT") == (
        found["BTCUSDT"].price_e8,
        market_data("sandbox").market_time_ms("BTCUSDT"),
    )


def test_without_redis_the_exchange_is_asked(sandbox: SandboxProcess, without_redis: None) -> None:
    assert not prices.publish(*HERE, [ticker("BTCUSDT", 100)])
    assert prices.prices(*HERE)["BTCUSDT"].price_e8 == market_data("sandbox").price_e8("BTCUSDT")
    assert prices.last_price_e8(*HERE, "NOPEUSDT") is None


def test_without_anybody_there_are_no_prices(settings: Any, without_redis: None) -> None:
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    assert prices.prices(*HERE) == {}
    assert prices.last_price_e8(*HERE, "BTCUSDT") is None


def test_without_redis_listening_ends(without_redis: None) -> None:
    async def listen() -> list[dict[str, DayTicker]]:
        return [told async for told in prices.changes(*HERE)]

    assert asyncio.run(listen()) == []
