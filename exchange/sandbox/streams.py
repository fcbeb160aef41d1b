"""The one scheduler of market streams: what is due, for streams somebody listens to, encoded once per stream.

Every candle's close is told once and in order, each at its own boundary, however many boundaries a tick passes;
everything else is a look at the market at a pace of wall time, and once more when a stepped market is released.
"""

import asyncio
import json
import traceback
from contextlib import suppress
from dataclasses import dataclass, field

from exchange.sandbox.clock import MINUTE_MS, MarketClock
from exchange.sandbox.desk import Desk
from exchange.sandbox.klines import INTERVAL_MS, opening_of
from exchange.sandbox.logbook import log
from exchange.sandbox.peers import Peer
from exchange.sandbox.stream_events import Json, kline_event
from exchange.sandbox.stream_looks import Look
from exchange.sandbox.stream_names import KLINE, Stream
from exchange.sandbox.venue import At

IDLE_S = 0.1
SHORTEST_S = 0.001


def encoded(payload: Json | list[Json]) -> str:
    return json.dumps(payload, separators=(",", ":"))


@dataclass
class Channel:
    """One stream with listeners. `next_close_ms` is market time, `due_us` the wall."""

    stream: Stream
    look: Look
    next_close_ms: int
    due_us: int = 0
    listeners: dict[Peer, None] = field(default_factory=dict)

    def publish(self, payload: Json | list[Json]) -> None:
        raw = encoded(payload)
        wrapped = f'{{"stream":"{self.stream.name}","data":{raw}}}'
        for peer in self.listeners:
            peer.push(wrapped if peer.is_combined else raw)


def seconds_until(clock: MarketClock, market_ms: int, server_us: int) -> float:
    """Of wall time, until the market reaches `market_ms`; a stepped one never does by itself."""
    if clock.mode == "step":
        return IDLE_S
    left_ms = market_ms - clock.market_ms(server_us // 1000)
    return left_ms / clock.speed / 1000 - server_us % 1000 / 1e6


class Streams:
    """All market streams of one desk."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._channels: dict[str, Channel] = {}
        self._woken = asyncio.Event()
        self._seen_ms = 0

    def subscribe(self, peer: Peer, stream: Stream) -> None:
        channel = self._channels.get(stream.name)
        if channel is None:
            now_ms = self._desk.now().market_ms
            closes = stream.kind == KLINE
            channel = Channel(
                stream,
                Look(self._desk, stream),
                opening_of(now_ms, stream.interval) + INTERVAL_MS[stream.interval] if closes else 0,
            )
            self._channels[stream.name] = channel
        channel.listeners[peer] = None
        self.wake()

    def unsubscribe(self, peer: Peer, name: str) -> None:
        channel = self._channels.get(name)
        if channel is not None:
            channel.listeners.pop(peer, None)
            if not channel.listeners:
                del self._channels[name]

    def wake(self) -> None:
        """Somebody moved the clock, or listens to something new."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            pause_s = IDLE_S
            try:
                await self.tick()
                pause_s = self._pause_s()
            except Exception as error:  # An edge: one broken look must not end every stream.
                log("error", path="streams", error=repr(error), trace=traceback.format_exc())
            with suppress(TimeoutError):  # Somebody wakes us, or time does.
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()
            self._woken.clear()

    async def tick(self) -> None:
        """Walks the market to now, which also fills resting orders; then says what is due."""
        at = self._desk.now()
        await self._close_candles(at.market_ms)
        released = self._desk.clock.mode == "step" and at.market_ms != self._seen_ms
        self._seen_ms = at.market_ms
        for channel in list(self._channels.values()):
            every_us = channel.stream.every_us
            if released or not 0 < channel.due_us - at.server_us <= every_us:
                channel.due_us = at.server_us + every_us
                self._look(channel, at)

    def _look(self, channel: Channel, at: At) -> None:
        payloads = channel.look.at(at.market_ms)
        for payload in payloads:
            channel.publish(payload)

    async def _close_candles(self, to_ms: int) -> None:
        """Boundary by boundary; between two the clients get the loop, so that many closes do not look like a jam."""
        while True:
            due = [
                channel
                for channel in self._channels.values()
                if channel.stream.kind == KLINE and channel.next_close_ms <= to_ms
            ]
            if not due:
                return
            boundary = min(channel.next_close_ms for channel in due)
            for channel in due:
                if channel.next_close_ms == boundary:
                    self._close(channel, boundary)
            await asyncio.sleep(0)

    def _close(self, channel: Channel, boundary_ms: int) -> None:
        stream, market = channel.stream, self._desk.market
        step = INTERVAL_MS[stream.interval]
        channel.next_close_ms = boundary_ms + step
        open_ms = boundary_ms - step
        if open_ms < market.end_ms(stream.symbol):
            channel.publish(
                kline_event(market, stream.symbol, stream.interval, open_ms=open_ms, market_ms=boundary_ms)
            )

    def _pause_s(self) -> float:
        """Until the next thing can be due: the next minute of the market, or the next look."""
        server_us = self._desk.now().server_us
        pause_s = IDLE_S
        if self._channels:
            soonest_us = min(channel.due_us for channel in self._channels.values())
            pause_s = min(pause_s, (soonest_us - server_us) / 1e6)
        if any(channel.stream.kind == KLINE for channel in self._channels.values()):
            next_ms = (self._desk.state.market_ms // MINUTE_MS + 1) * MINUTE_MS
            pause_s = min(pause_s, seconds_until(self._desk.clock, next_ms, server_us))
        return max(SHORTEST_S, pause_s)
