"""The feed's whole way, from a released candle of the sandbox to stored candles, woken bots and published prices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection

from engine.market import MINUTE_MS
from exchange import candles, prices
from exchange.connect import market_data
from exchange.feed.sign import HEARTBEAT, STATE, read_sign
from trading.feeding import Feeding
from trading.models import Position

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_SECONDS = 15.0


@pytest.fixture
def signs() -> Any:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(HEARTBEAT, STATE)
    yield client
    client.delete(HEARTBEAT, STATE)
    client.close()


def feed(story: Callable[[Feeding], Awaitable[None]]) -> None:
    async def run() -> None:
        feeding = Feeding("sandbox")
        working = asyncio.create_task(feeding.work())
        try:
            await story(feeding)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    asyncio.run(run())


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await asyncio.to_thread(is_so):
            await asyncio.sleep(0.02)


def test_a_close_wakes_its_bot_and_prices_are_published(
    sandbox: Any, new_bot: Any, queued: list[Any], signs: redis.Redis
) -> None:
    bot = new_bot()
    open_ms = market_data("sandbox").market_time_ms("BTCUSDT")
    queued.clear()

    async def story(feeding: Feeding) -> None:
        # What had closed before it began.
        await until(lambda: ("trading.run_bot_task", bot.pk) in queued)
        await until(lambda: feeding.feed.state.followed == {("BTCUSDT", "1m")})
        queued.clear()
        await asyncio.to_thread(sandbox.control.advance)
        await until(lambda: ("trading.run_bot_task", bot.pk) in queued)
        await until(lambda: (sign := read_sign(signs)) and sign.is_connected)

    feed(story)
    sign = read_sign(signs)
    assert sign is not None
    assert (sign.is_connected, sign.connections) == (True, 1)
    closed = candles.read("sandbox", "spot", "BTCUSDT", "1m", count=1, until_open_ms=open_ms)
    served = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=open_ms, end_ms=open_ms, limit=1)
    assert closed.at(0) == served.at(0)
    heard = prices.published("sandbox", "spot")["BTCUSDT"]
    assert (heard.price_e8, heard.at_ms) == (market_data("sandbox").price_e8("BTCUSDT"), open_ms + MINUTE_MS)


def test_a_new_bots_series_is_followed_within_two_seconds(sandbox: Any, new_bot: Any) -> None:
    def make() -> None:
        new_bot(symbol="ETHUSDT", timeframe="5m")
        connection.close()

    async def story(feeding: Feeding) -> None:
        await until(lambda: feeding.feed.state.connected_since)
        await asyncio.to_thread(make)
        async with asyncio.timeout(2.5):
            await until(lambda: feeding.feed.state.followed == {("ETHUSDT", "5m")})

    feed(story)


def test_a_reached_stop_wakes_its_position(sandbox: Any, new_bot: Any, queued: list[Any]) -> None:
    bot = new_bot()
    position = Position.objects.create(
        bot_config=bot, sequence=1, opened_at=bot.created_at, quantity=1, stop_price=10**9
    )

    async def story(feeding: Feeding) -> None:
        await until(lambda: ("trading.hear_of_position", position.pk) in queued)

    feed(story)
