"""Live prices to many: asked once for all, told on change, and honest about standing still."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from exchange import prices
from exchange.port import DayTicker
from trading.market_stream import PriceHub
from trading.markets import MARKET, STILL_SECONDS, VENUE, Board, Quote


def quote(symbol: str, price: int) -> Quote:
    return Quote(symbol, price * 10**8, 100 * 10**8, 0, 0, 2_500_000 * 10**8, 1_763_640_000_000)


def ticker(symbol: str, price: int) -> DayTicker:
    e8 = 10**8
    return DayTicker(symbol, price * e8, 100 * e8, 0, 0, 0, 2_500_000 * e8, 1_763_640_000_000)


class Exchange:
    """What the hub asks; the test moves its prices."""

    def __init__(self, **prices: int) -> None:
        self.prices, self.asked, self.learnt_at = prices, 0, None

    def __call__(self) -> Board:
        self.asked += 1
        quotes = {symbol: quote(symbol, price) for symbol, price in self.prices.items()}
        return Board(quotes, time.time() if self.learnt_at is None else self.learnt_at)


async def silence() -> AsyncIterator[dict[str, DayTicker]]:
    """A feed that is away."""
    for told in ():
        yield told


def hub_on(exchange: Exchange, hear: Any = silence) -> PriceHub:
    return PriceHub(begin=exchange, ask=exchange, hear=hear, turn=0.05, heartbeat=0.3, linger=0.0)


async def next_news(stream: AsyncIterator[str]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        text = await anext(stream)
    head, data = text.removeprefix("retry: 3000\n\n").strip().split("\n")
    assert head == "event: prices"
    return dict(json.loads(data.removeprefix("data: ")))


async def next_rows(stream: AsyncIterator[str]) -> dict[str, Any]:
    """The next event that carries a row."""
    while True:
        news = await next_news(stream)
        if news["rows"]:
            return dict(news["rows"])


def test_everything_first_then_what_changed() -> None:
    async def scenario() -> None:
        exchange = Exchange(AUSDT=110, BUSDT=50)
        async with aclosing(hub_on(exchange).watch()) as stream:
            rows = await next_rows(stream)
            assert set(rows) == {"AUSDT", "BUSDT"}
            assert rows["AUSDT"] == {
                "price": "110.00", "change": "+10.00 %", "direction": "figure-up", "volume": "2.50 M", "raw": 110.0,
                "at": 1_763_640_000_000,
            }  # fmt: skip
            exchange.prices["BUSDT"] = 51
            assert set(await next_rows(stream)) == {"BUSDT"}

    asyncio.run(scenario())


def test_a_hundred_readers_cost_what_one_costs() -> None:
    async def scenario() -> None:
        exchange = Exchange(AUSDT=110)
        hub = hub_on(exchange)
        streams = [hub.watch() for _number in range(100)]
        for stream in streams:
            await next_rows(stream)
        asked = exchange.asked
        exchange.prices["AUSDT"] = 111
        told = await asyncio.gather(*(next_rows(stream) for stream in streams))
        assert {rows["AUSDT"]["price"] for rows in told} == {"111.00"}
        assert exchange.asked - asked < 20
        assert hub.readers == 100
        for stream in streams:
            await stream.aclose()
        assert hub.readers == 0

    asyncio.run(scenario())


def test_while_the_feed_speaks_the_exchange_is_left_alone() -> None:
    async def scenario() -> None:
        exchange, told = Exchange(AUSDT=110), asyncio.Queue[dict[str, DayTicker]]()

        async def feed() -> AsyncIterator[dict[str, DayTicker]]:
            while True:
                yield await told.get()

        async with aclosing(hub_on(exchange, feed).watch()) as stream:
            await next_rows(stream)
            told.put_nowait({"AUSDT": ticker("AUSDT", 120)})
            assert (await next_rows(stream))["AUSDT"]["price"] == "120.00"
            asked = exchange.asked
            for price in (121, 122, 123):
                told.put_nowait({"AUSDT": ticker("AUSDT", price)})
                assert (await next_rows(stream))["AUSDT"]["raw"] == float(price)
            assert exchange.asked == asked

    asyncio.run(scenario())


def test_nobody_is_asked_while_nobody_watches() -> None:
    async def scenario() -> None:
        exchange = Exchange(AUSDT=110)
        hub = hub_on(exchange)
        async with aclosing(hub.watch()) as stream:
            await next_rows(stream)
        async with asyncio.timeout(5):
            await hub._task  # ends by itself
        asked = exchange.asked
        # And who comes later is told at once, and asked for anew.
        exchange.prices["AUSDT"] = 112
        async with aclosing(hub.watch()) as stream:
            assert (await next_rows(stream))["AUSDT"]["price"] == "110.00"
            assert (await next_rows(stream))["AUSDT"]["price"] == "112.00"
        assert exchange.asked > asked

    asyncio.run(scenario())


def test_one_symbol_hears_of_itself_only() -> None:
    async def scenario() -> None:
        exchange = Exchange(AUSDT=110, BUSDT=50)
        async with aclosing(hub_on(exchange).watch("BUSDT")) as stream:
            assert set(await next_rows(stream)) == {"BUSDT"}
            exchange.prices = {"AUSDT": 111, "BUSDT": 51}
            assert set(await next_rows(stream)) == {"BUSDT"}

    asyncio.run(scenario())


def test_a_symbol_that_is_none_hears_heartbeats() -> None:
    async def scenario() -> None:
        async with aclosing(hub_on(Exchange(AUSDT=110)).watch("NOPE")) as stream:
            for _heartbeat in range(2):
                assert (await next_news(stream))["rows"] == {}

    asyncio.run(scenario())


@pytest.mark.parametrize(("age", "still"), [(0.0, False), (STILL_SECONDS + 5, True)])
def test_heartbeats_say_since_when_prices_stand_still(age: float, still: bool) -> None:
    async def scenario() -> None:
        exchange = Exchange(AUSDT=110)
        exchange.learnt_at = time.time() - age
        async with aclosing(hub_on(exchange).watch()) as stream:
            await next_rows(stream)
            news = await next_news(stream)
            assert (news["rows"], news["still"]) == ({}, still)
            assert news["at"] == int(exchange.learnt_at * 1000)

    asyncio.run(scenario())


def test_an_exchange_that_was_never_reached_is_no_price() -> None:
    async def scenario() -> None:
        hub = PriceHub(begin=Board, ask=Board, hear=silence, turn=0.05, heartbeat=0.1, linger=0.0)
        async with aclosing(hub.watch()) as stream:
            await next_news(stream)
            assert await next_news(stream) == {"at": None, "still": True, "rows": {}}

    asyncio.run(scenario())


def test_whatever_breaks_the_readers_keep_their_heartbeat() -> None:
    def breaks() -> Any:
        raise RuntimeError("unheard of")

    async def scenario() -> None:
        hub = PriceHub(begin=breaks, ask=breaks, hear=breaks, turn=0.05, heartbeat=0.1, linger=0.0)
        async with aclosing(hub.watch()) as stream:
            for _heartbeat in range(3):
                assert await next_news(stream) == {"at": None, "still": True, "rows": {}}

    asyncio.run(scenario())


def test_what_the_feed_publishes_reaches_the_readers_through_redis() -> None:
    async def scenario() -> None:
        hub = PriceHub(begin=Board, ask=Board, turn=0.05, heartbeat=5, linger=0.0)

        async def publish() -> None:
            for price in itertools.count(100):
                told = [ticker("AUSDT", price)]
                await asyncio.to_thread(prices.publish, VENUE, MARKET, told)
                await asyncio.sleep(0.05)

        publishing = asyncio.create_task(publish())
        async with aclosing(hub.watch()) as stream:
            first = (await next_rows(stream))["AUSDT"]["raw"]
            assert (await next_rows(stream))["AUSDT"]["raw"] > first
        publishing.cancel()

    asyncio.run(scenario())
