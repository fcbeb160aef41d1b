"""The feed at work: what the streams of a venue tell becomes stored candles, woken bots, prices and watched exits.

The event loop only hands on. Threads do what waits: one for closes (nothing may come before them), one for prices,
one for catching up and for looking around.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import structlog
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection

from exchange import prices
from exchange.connect import market_data, market_stream, used_weight
from exchange.feed.batches import Batches
from exchange.feed.events import KlineEvent, SeriesName
from exchange.feed.lag import MEASURE_EVERY_SECONDS, Lag
from exchange.feed.market_feed import MarketFeed
from exchange.feed.sign import EVERY_SECONDS, Sign, SignBoard
from exchange.models import Market
from exchange.port import DayTicker, ExchangeError
from trading.closes import catch_up, take_closes, wanted_series
from trading.watch import Watch

logger = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS: Final = 1.0
END_WITHIN_SECONDS: Final = 3.0


class Feeding:
    """One venue's feed while this process leads. `work` runs until it is cancelled."""

    def __init__(self, venue: str, *, silence_seconds: float | None = None) -> None:
        self._venue = venue
        options = {} if silence_seconds is None else {"silence_seconds": silence_seconds}
        self.feed = MarketFeed(partial(market_stream, venue), self, **options)
        self.lag = Lag()
        self._watch = Watch(venue)
        self._signs = SignBoard()

    async def work(self) -> None:
        self._closes = Batches[KlineEvent]("feed-closes", partial(take_closes, self._venue))
        self._prices = Batches[list[DayTicker]]("feed-prices", self._take_prices)
        self._joined = Batches[frozenset[SeriesName]]("feed-joined", self._catch_up)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_around())
                group.create_task(self.feed.run())
        finally:
            for batches in (self._closes, self._prices, self._joined):
                batches.stop(within_seconds=END_WITHIN_SECONDS)

    # --- what the feed tells, in the event loop ---------------------------------------------------
    def on_joined(self, series: frozenset[SeriesName]) -> None:
        self._joined.put(series)

    def on_kline(self, event: KlineEvent) -> None:
        self.lag.note(event.at_ms)
        if event.is_closed:
            self._closes.put(event)

    def on_prices(self, tickers: list[DayTicker]) -> None:
        self._prices.put(tickers)

    # --- what waits, in threads -------------------------------------------------------------------
    def _take_prices(self, batch: list[list[DayTicker]]) -> None:
        newest = {ticker.symbol: ticker for tickers in batch for ticker in tickers}
        prices.publish(self._venue, Market.SPOT, newest.values())
        self._watch.look({symbol: ticker.price_e8 for symbol, ticker in newest.items()})

    def _catch_up(self, batch: list[frozenset[SeriesName]]) -> None:
        woken = catch_up(self._venue, frozenset[SeriesName]().union(*batch))
        try:
            prices.publish(self._venue, Market.SPOT, market_data(self._venue).day_tickers())
        except ExchangeError as error:
            logger.warning("prices_not_caught_up", cause=str(error))
        logger.info("feed_joined", series=sum(map(len, batch)), woken=woken)

    async def _look_around(self) -> None:
        """What is wanted, every second; how we are, every two; how far behind, now and then."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed-look") as thread:
            turns = {
                self._look_at_bots: LOOK_EVERY_SECONDS,
                self._give_sign: EVERY_SECONDS,
                self._measure_lag: MEASURE_EVERY_SECONDS,
            }
            due = dict.fromkeys(turns, 0.0)
            told = None
            try:
                while True:
                    if told != (told := self.feed.state.connected_since):
                        due[self._give_sign] = 0.0
                    for turn, every in turns.items():
                        if time.monotonic() >= due[turn]:
                            due[turn] = time.monotonic() + every
                            await loop.run_in_executor(thread, turn, loop)
                    await asyncio.sleep(LOOK_EVERY_SECONDS / 4)
            finally:
                thread.submit(_close_connection)

    def _look_at_bots(self, loop: asyncio.AbstractEventLoop) -> None:
        close_old_connections()
        try:
            loop.call_soon_threadsafe(self.feed.want, wanted_series(self._venue))
        except DatabaseFailure as error:
            logger.warning("bots_not_looked_at", cause=type(error).__name__)

    def _give_sign(self, loop: asyncio.AbstractEventLoop) -> None:
        state = self.feed.state
        is_connected = state.connected_since is not None
        if is_connected:
            prices.publish(self._venue, Market.SPOT, ())
        self._signs.give(
            Sign(
                at=time.time(),
                is_connected=is_connected,
                trouble=state.trouble,
                series=len(state.followed),
                lag_ms=self.lag.median_ms(),
                connections=state.connections,
                used_weight=used_weight(self._venue),
            )
        )

    def _measure_lag(self, loop: asyncio.AbstractEventLoop) -> None:
        symbols = sorted(symbol for symbol, _ in self.feed.state.followed)
        if not symbols:
            return
        try:
            self.lag.measure(market_data(self._venue), symbols[0])
        except ExchangeError as error:
            logger.warning("lag_not_measured", cause=str(error))


def _close_connection() -> None:
    """That of the thread it runs in."""
    connection.close()
