"""The feed against a real sandbox: it hears every close, and no broken, silent or lost stream ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.market import MINUTE_MS
from exchange.binance.streams import MarketStream, StreamBroken, VenueSockets
from exchange.connect import market_data, market_stream
from exchange.feed.events import KlineEvent, SeriesName
from exchange.feed.market_feed import LONGEST_PAUSE_SECONDS, MOST_SERIES, MarketFeed, pause_seconds
from exchange.port import DayTicker
from exchange.sandbox.running import SandboxProcess
from tests.exchange.conftest import MIDDLE_OF_RECORDING_MS
from tests.exchange.edge import Edge, http

BTC, ETH = ("BTCUSDT", "1m"), ("ETHUSDT", "1m")
# A candle every half second.
SPEED = 120.0
WITHIN_SECONDS = 15.0


class Ear:
    """What the feed told."""

    def __init__(self) -> None:
        self.joined: list[frozenset[SeriesName]] = []
        self.events: list[KlineEvent] = []
        self.tickers: list[DayTicker] = []

    def on_joined(self, series: frozenset[SeriesName]) -> None:
        self.joined.append(series)

    def on_kline(self, event: KlineEvent) -> None:
        self.events.append(event)

    def on_prices(self, tickers: list[DayTicker]) -> None:
        self.tickers.extend(tickers)

    def closes(self, series: SeriesName = BTC) -> list[int]:
        closed = (event for event in self.events if event.is_closed)
        return [event.candle.open_ms for event in closed if (event.symbol, event.interval) == series]


@pytest.fixture(scope="module")
def fast_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder: Path = tmp_path_factory.mktemp("fast")
    with SandboxProcess(folder, clock="step", start_ms=MIDDLE_OF_RECORDING_MS) as process:
        process.control.set_clock(mode="fast", speed=SPEED)
        yield process


@pytest.fixture
def fast(fast_process: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    settings.SANDBOX_URL = fast_process.url
    yield fast_process
    fast_process.control.clear_stream_faults()


def follow(story: Callable[[MarketFeed, Ear], Awaitable[None]], **options: float) -> Ear:
    """Run the feed while the story is told."""
    ear = Ear()

    async def run() -> None:
        feed = MarketFeed(partial(market_stream, "sandbox"), ear, **options)
        feed.want(frozenset({BTC}))
        running = asyncio.create_task(feed.run())
        try:
            await story(feed, ear)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    return ear


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)


async def hear_closes(ear: Ear, count: int) -> None:
    wanted = len(ear.closes()) + count
    await until(lambda: len(ear.closes()) >= wanted)


def test_every_close_is_heard_once_and_is_the_candle_of_rest(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        await hear_closes(ear, 4)

    ear = follow(story)
    closes = ear.closes()
    assert closes == list(range(closes[0], closes[-1] + MINUTE_MS, MINUTE_MS))
    served = market_data("sandbox").candles(
        "BTCUSDT", "1m", start_ms=closes[0], end_ms=closes[-1], limit=1000
    )
    heard = [event.candle for event in ear.events if event.is_closed]
    assert [served.at(index) for index in range(len(served))] == heard
    assert {ticker.symbol for ticker in ear.tickers} == {"BTCUSDT", "ETHUSDT"}
    assert all(event.at_ms == event.candle.open_ms + MINUTE_MS for event in ear.events if event.is_closed)


def test_a_changed_wish_is_followed_on_the_same_connection(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        await hear_closes(ear, 1)
        feed.want(frozenset({ETH}))
        await until(lambda: len(ear.closes(ETH)) >= 2)
        before = len(ear.closes(BTC))
        await until(lambda: len(ear.closes(ETH)) >= 4)
        assert len(ear.closes(BTC)) == before
        assert feed.state.connections == 1
        assert feed.state.followed == {ETH}

    assert follow(story).joined == [{BTC}, {ETH}]


def test_with_nothing_wanted_prices_are_still_heard(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        feed.want(frozenset())
        await until(lambda: ear.tickers)

    assert follow(story).joined == [frozenset()]


@pytest.mark.parametrize("kind", ["drop", "server_shutdown"])
def test_a_stream_that_ends_is_replaced_at_once(fast: SandboxProcess, kind: str) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        await hear_closes(ear, 1)
        broken = time.monotonic()
        await asyncio.to_thread(fast.control.set_stream_faults, [{"kind": kind}])
        await until(lambda: feed.state.connections == 2)
        assert time.monotonic() - broken < 3
        await hear_closes(ear, 2)

    # Whoever listens is told twice, and asks for what closed in between.
    assert follow(story).joined == [{BTC}, {BTC}]


def test_a_silent_stream_is_replaced(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        await hear_closes(ear, 1)
        silence = [{"kind": "silence", "seconds": 60}]
        await asyncio.to_thread(fast.control.set_stream_faults, silence)
        await until(lambda: feed.state.connected_since is None)
        assert feed.state.trouble == "silent for 1.5 s"
        await asyncio.to_thread(fast.control.clear_stream_faults)
        await hear_closes(ear, 1)

    follow(story, silence_seconds=1.5)


def test_an_old_stream_is_renewed_before_the_exchange_ends_it(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        await until(lambda: feed.state.connections == 3)
        assert "renewed" in feed.state.trouble

    follow(story, rebuild_seconds=0.7)


def test_duplicates_and_a_changed_order_are_only_told(fast: SandboxProcess) -> None:
    async def story(feed: MarketFeed, ear: Ear) -> None:
        twice = [{"kind": "duplicate"}, {"kind": "reorder"}]
        await asyncio.to_thread(fast.control.set_stream_faults, twice)
        await hear_closes(ear, 6)
        assert feed.state.connections == 1

    assert len(set(follow(story).closes())) >= 3


def test_an_exchange_that_was_killed_is_found_again(tmp_path: Path, settings: Any) -> None:
    with SandboxProcess(tmp_path, clock="step", start_ms=MIDDLE_OF_RECORDING_MS) as own:
        own.control.set_clock(mode="fast", speed=SPEED)
        settings.SANDBOX_URL = own.url

        async def story(feed: MarketFeed, ear: Ear) -> None:
            await hear_closes(ear, 1)
            await asyncio.to_thread(own.kill)
            await until(lambda: "no connection" in feed.state.trouble)
            await asyncio.to_thread(own.start)
            await hear_closes(ear, 2)

        assert follow(story).joined == [{BTC}, {BTC}]


def test_more_series_than_a_connection_takes_are_left_to_the_schedule() -> None:
    async def wish() -> int:
        feed = MarketFeed(partial(market_stream, "sandbox"), Ear())
        feed.want(frozenset((f"S{number}USDT", "1m") for number in range(MOST_SERIES + 5)))
        return len(feed._wanted)

    assert asyncio.run(wish()) == MOST_SERIES


def test_pauses_grow_and_stay_short() -> None:
    assert all(0.05 <= pause_seconds(0) <= 0.1 for _ in range(20))
    longest = [pause_seconds(failures) for failures in range(40)]
    assert max(longest) <= LONGEST_PAUSE_SECONDS
    assert min(longest[10:]) >= LONGEST_PAUSE_SECONDS / 2


def test_every_url_of_the_sockets_is_on_the_host() -> None:
    async def urls() -> set[str]:
        sockets = VenueSockets("http://127.0.0.1:8001")
        found = {getattr(sockets, name) for name in dir(sockets) if name.endswith("_URL")}
        return {url.removesuffix("private/") for url in found | {sockets.futures_user_socket()._url}}

    assert asyncio.run(urls()) == {"ws://127.0.0.1:8001/"}


def test_no_request_can_be_made_with_the_sockets_client() -> None:
    async def ask() -> None:
        await VenueSockets("http://127.0.0.1:8001")._client.get_server_time()

    with pytest.raises(AttributeError):
        asyncio.run(ask())


def test_a_redirect_to_another_host_is_not_followed() -> None:
    async def connect(url: str) -> None:
        async with MarketStream(url):
            pass

    with Edge() as edge, Edge() as elsewhere:
        location = elsewhere.url.replace("http", "ws") + "/stream"
        edge.endings.append(http(302, "", Location=location))
        with pytest.raises(StreamBroken, match="no connection"):
            asyncio.run(connect(edge.url))
        assert (len(edge.requests), elsewhere.requests) == (1, [])


def test_the_environments_proxy_is_not_used(fast: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with Edge() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)

        async def story(feed: MarketFeed, ear: Ear) -> None:
            await until(lambda: ear.tickers)

        follow(story)
        assert proxy.requests == []
