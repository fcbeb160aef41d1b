"""Prices from the feed, and without it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from exchange import prices
from exchange.cache import cache
from exchange.port import DayTicker

E8 = 100_000_000
HERE = ("sandbox", "spot")


@pytest.fixture
def without_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def ticker(symbol: str, price: int, at_ms: int = 5) -> DayTicker:
    return DayTicker(symbol, price * E8, 2 * E8, 3 * E8, E8, 7 * E8, 9 * E8, at_ms)


def test_the_newest_price_of_each_symbol_is_kept() -> None:
    assert prices.publish(*HERE, [ticker("BTCUSDT", 100), ticker("ETHUSDT", 10)])
    assert prices.publish(*HERE, [ticker("BTCUSDT", 101, at_ms=6)])
    found = cache().counts().get("prices", {"hits": 0})["hits"]
    assert prices.published(*HERE) == {
        "BTCUSDT": ticker("BTCUSDT", 101, at_ms=6),
        "ETHUSDT": ticker("ETHUSDT", 10),
    }
    assert cache().counts()["prices"]["hits"] == found + 1


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


def test_without_a_feed_nothing_is_published() -> None:
    assert prices.published(*HERE) == {}


def test_without_redis_nothing_is_published(without_redis: None) -> None:
    assert not prices.publish(*HERE, [ticker("BTCUSDT", 100)])
    assert prices.published(*HERE) == {}


def test_without_redis_listening_ends(without_redis: None) -> None:
    async def listen() -> list[dict[str, DayTicker]]:
        return [told async for told in prices.changes(*HERE)]

    assert asyncio.run(listen()) == []
