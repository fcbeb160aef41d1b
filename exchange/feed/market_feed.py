"""Follows the streams of one venue and never gives up: a stream that breaks, falls silent or grows old is replaced.

After every connection the listener is told which series are followed from now on: what closed before is for it to ask.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from exchange.feed.events import Event, KlineEvent, SeriesName, StreamBroken
from exchange.port import DayTicker

logger = structlog.get_logger(__name__)

SILENCE_SECONDS: Final = 15.0
# Binance takes 1,024 streams on a connection.
MOST_SERIES: Final = 1000
# Binance ends a connection after 24 hours.
REBUILD_SECONDS: Final = 23 * 3600.0
FIRST_PAUSE_SECONDS: Final = 0.1
# Binance takes 300 connections in five minutes.
LONGEST_PAUSE_SECONDS: Final = 2.0
# A connection that lasted as long as this was a good one: the next pause is short again.
GOOD_SECONDS: Final = 10.0


class Stream(Protocol):
    async def subscribe(self, series: frozenset[SeriesName]) -> None: ...

    async def unsubscribe(self, series: frozenset[SeriesName]) -> None: ...

    async def receive(self) -> Event | None: ...


class Listener(Protocol):
    """Called in the feed's event loop: whoever listens takes the news and hands it on, and never waits."""

    def on_joined(self, series: frozenset[SeriesName]) -> None:
        """These are followed from now on; perhaps none of them at a new connection, perhaps a new bot's."""

    def on_kline(self, event: KlineEvent) -> None: ...

    def on_prices(self, tickers: list[DayTicker]) -> None: ...


@dataclass
class FeedState:
    """How the feed stands; wall seconds."""

    connected_since: float | None = None
    trouble: str = "not connected yet"
    followed: frozenset[SeriesName] = field(default_factory=frozenset)
    connections: int = 0


class MarketFeed:
    """`want` says what to follow, at any time and from any thread of the loop; `run` follows until it is cancelled."""

    def __init__(
        self,
        open_stream: Callable[[], AbstractAsyncContextManager[Stream]],
        listener: Listener,
        *,
        silence_seconds: float = SILENCE_SECONDS,
        rebuild_seconds: float = REBUILD_SECONDS,
    ) -> None:
        self._open_stream = open_stream
        self._listener = listener
        self._silence_seconds = silence_seconds
        self._rebuild_seconds = rebuild_seconds
        self._wanted: frozenset[SeriesName] = frozenset()
        self._changed = asyncio.Event()
        self.state = FeedState()

    def want(self, series: frozenset[SeriesName]) -> None:
        taken = series if len(series) <= MOST_SERIES else frozenset(sorted(series)[:MOST_SERIES])
        if taken == self._wanted:
            return
        if taken != series:
            # The schedule wakes whoever waits for the others.
            logger.error("too_many_series", wanted=len(series), followed=MOST_SERIES)
        self._wanted = taken
        self._changed.set()

    async def run(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            trouble = await self._follow()
            is_good = time.monotonic() - began > GOOD_SECONDS
            failures = 0 if is_good else failures + 1
            self.state.connected_since, self.state.trouble = None, trouble
            logger.warning("feed_broken", cause=trouble, failures=failures)
            await asyncio.sleep(pause_seconds(failures))

    async def _follow(self) -> str:
        """One connection, from its opening to its end; says what ended it."""
        trouble = ""
        try:
            async with (
                asyncio.timeout(self._rebuild_seconds),
                self._open_stream() as stream,
                asyncio.TaskGroup() as group,
            ):
                self.state.connected_since = time.time()
                self.state.connections += 1
                group.create_task(self._keep_subscribed(stream))
                group.create_task(self._listen(stream))
        except* StreamBroken as broken:
            trouble = str(broken.exceptions[0])
        except* TimeoutError:
            trouble = "renewed before the exchange ends it"
        return trouble

    async def _keep_subscribed(self, stream: Stream) -> None:
        followed: frozenset[SeriesName] = frozenset()
        is_first = True
        while True:
            self._changed.clear()
            wanted = self._wanted
            if wanted - followed:
                await stream.subscribe(wanted - followed)
            if is_first or wanted - followed:
                self._listener.on_joined(wanted - followed)
            if followed - wanted:
                await stream.unsubscribe(followed - wanted)
            self.state.followed = followed = wanted
            is_first = False
            await self._changed.wait()

    async def _listen(self, stream: Stream) -> None:
        while True:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    event = await stream.receive()
            except TimeoutError:
                raise StreamBroken(f"silent for {self._silence_seconds:g} s") from None
            if isinstance(event, KlineEvent):
                self._listener.on_kline(event)
            elif event:
                self._listener.on_prices(event)


def pause_seconds(failures: int) -> float:
    """Before the next connection: longer with every failure in a row, and never for all at the same instant."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10))
    return random.uniform(longest / 2, longest)
