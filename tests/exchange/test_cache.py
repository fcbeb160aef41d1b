"""The Redis door, with Redis, without it, and while it comes and goes."""

from __future__ import annotations

import asyncio
import socket
import uuid
from time import perf_counter
from typing import Any

import pytest
from django.conf import settings
from structlog.testing import capture_logs

from exchange.cache import PAUSE_SECONDS, TELL_SECONDS, RedisCache


class Tick:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def here() -> RedisCache:
    return RedisCache(settings.REDIS_URL, prefix=f"test:{uuid.uuid4().hex}:")


@pytest.fixture
def tick() -> Tick:
    return Tick()


@pytest.fixture
def away(tick: Tick) -> RedisCache:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return RedisCache(f"redis://127.0.0.1:{port}/0", monotonic=tick)


def test_values_come_back_until_their_time_is_over(here: RedisCache) -> None:
    value = {"symbol": "BTCUSDT", "numbers": [1, 2**60]}
    assert here.put("symbols:btc", value, ttl_seconds=0.05) is True
    assert here.get("symbols:btc") == value
    deadline = perf_counter() + 2
    while here.get("symbols:btc") is not None and perf_counter() < deadline:
        pass
    assert here.get("symbols:btc") is None


def test_many_at_once_and_deleting(here: RedisCache) -> None:
    here.put("a:1", 1, ttl_seconds=60)
    here.put("a:3", 3, ttl_seconds=60)
    assert here.get_many(["a:1", "a:2", "a:3"]) == [1, None, 3]
    assert here.get_many([]) == []
    assert here.delete("a:1") is True
    assert here.get("a:1") is None
    here.clear()
    assert here.get("a:3") is None


def test_counters_are_atomic_and_end(here: RedisCache) -> None:
    assert [here.add("limit:x", ttl_seconds=60) for _ in range(3)] == [1, 2, 3]
    assert here.add("limit:x", 10) == 13
    assert 0 < here._sync.ttl(f"{here._prefix}limit:x") <= 60


def test_hits_and_misses_are_counted_by_family(here: RedisCache) -> None:
    here.get("symbols:1")
    here.put("symbols:1", 1, ttl_seconds=60)
    here.get("symbols:1")
    here.get_many(["symbols:1", "page:2"])
    assert here.counts() == {"page": {"hits": 0, "misses": 1}, "symbols": {"hits": 2, "misses": 1}}


def test_the_async_side_is_the_same(here: RedisCache) -> None:
    async def use() -> tuple[Any, ...]:
        put = await here.aput("a:1", [1], ttl_seconds=60)
        found, counted = await here.aget("a:1"), await here.aadd("n:1", 5, ttl_seconds=60)
        deleted = await here.adelete("a:1")
        found_after = await here.aget("a:1")
        await here._async_client().aclose()
        return put, found, counted, deleted, found_after

    assert asyncio.run(use()) == (True, [1], 5, True, None)
    assert asyncio.run(use()) == (True, [1], 10, True, None)


def test_away_is_a_miss_never_an_exception(away: RedisCache, tick: Tick) -> None:
    def everything() -> list[object]:
        tick.now += PAUSE_SECONDS + 1
        answers = [away.get("a:1"), away.get_many(["a:1"]), away.put("a:1", 1, ttl_seconds=1)]
        return [*answers, away.delete("a:1"), away.add("a:1"), away.is_answering()]

    assert everything() == everything() == [None, [None], False, False, None, False]

    async def everything_async() -> list[object]:
        tick.now += PAUSE_SECONDS + 1
        return [
            await away.aget("a"),
            await away.aput("a", 1, ttl_seconds=1),
            await away.aadd("a"),
            await away.adelete("a"),
        ]

    assert asyncio.run(everything_async()) == [None, False, None, False]


def test_a_silent_redis_costs_one_short_wait_and_then_none(tick: Tick) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        cache = RedisCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", monotonic=tick)
        started = perf_counter()
        assert cache.get("a:1") is None
        first = perf_counter() - started
        assert [cache.get("a:1") for _ in range(200)] == [None] * 200
        rest = perf_counter() - started - first
    assert first < 1.5
    assert rest < 0.1


def test_one_outage_is_one_line_in_the_log(away: RedisCache, tick: Tick) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            tick.now += PAUSE_SECONDS + 1
            away.get("a:1")
    assert [line["event"] for line in lines] == ["redis_away"]


def test_fields_live_and_are_told_together(here: RedisCache) -> None:
    assert here.put_fields("prices:x", {"BTC": [1, 2], "ETH": [3]}, ttl_seconds=60)
    assert here.put_fields("prices:x", {"BTC": [5]}, ttl_seconds=60, news="news")
    assert here.get_fields("prices:x") == {"BTC": [5], "ETH": [3]}
    assert here.get_fields("prices:y") == {}
    assert here.counts() == {"prices": {"hits": 1, "misses": 1}}


def test_without_redis_there_are_no_fields(away: RedisCache) -> None:
    assert not away.put_fields("prices:x", {"BTC": 1}, ttl_seconds=60)
    assert away.get_fields("prices:x") == {}


def test_news_reach_whoever_listens(here: RedisCache) -> None:
    async def listen() -> Any:
        news = here.news("news")
        async with asyncio.timeout(5):
            first = asyncio.ensure_future(anext(news))
            while not first.done():
                here.put_fields("prices:x", {"BTC": 1}, ttl_seconds=60, news="news")
                await asyncio.sleep(0.02)
            await news.aclose()
            return await first

    assert asyncio.run(listen()) == {"BTC": 1}


def test_processes_add_up_what_they_found() -> None:
    prefix = f"test:{uuid.uuid4().hex}:"
    one, other = (RedisCache(settings.REDIS_URL, prefix=prefix) for _ in range(2))
    one.put("symbols:a", 1, ttl_seconds=60)
    for key in ("symbols:a", "symbols:b"):
        one.get(key)
    other.get("symbols:a")
    other.get("list:x")
    for process in (one, other, one):
        process.tell_counts()
    assert one.totals() == {"list": {"hits": 0, "misses": 1}, "symbols": {"hits": 2, "misses": 1}}


def test_counts_are_told_now_and_then_by_themselves(tick: Tick) -> None:
    prefix = f"test:{uuid.uuid4().hex}:"
    own = RedisCache(settings.REDIS_URL, prefix=prefix, monotonic=tick)
    own.get("symbols:a")
    assert own.totals() == {}
    tick.now += TELL_SECONDS
    own.get("symbols:a")
    deadline = perf_counter() + 5
    while not own.totals() and perf_counter() < deadline:
        pass
    assert own.totals() == {"symbols": {"hits": 0, "misses": 2}}


def test_without_redis_there_are_no_totals(away: RedisCache) -> None:
    away.get("symbols:a")
    away.tell_counts()
    assert away.totals() == {}
