"""Live prices to many readers: one subscription and one picture of the market a process, however many watch.

Away from feed and Redis the exchange itself is asked, rarely; away from all of them every reader is told since when
prices stand still. Nothing runs while nobody watches.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import structlog
from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from exchange import prices
from exchange.port import DayTicker
from trading.markets import MARKET, VENUE, Board, Quote, asked_board, board_from, board_of
from trading.templatetags.figures import direction, price
from trading.templatetags.quotes import percent, short

logger = structlog.get_logger(__name__)

TURN_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 5.0
# What follows the last reader's leaving: a page that reloads finds everything as it was.
LINGER_SECONDS: Final = 20.0
# A feed that says nothing for this long is not waited for: the exchange is asked.
QUIET_SECONDS: Final = 4.0
AGAIN_SECONDS: Final = 2.0
# A client is asked to come back, and to show again who it is, once in a while.
LONGEST_SECONDS: Final = 1800.0


@require_GET
async def stream_prices(request: HttpRequest) -> HttpResponseBase:
    """`prices` events: {at, still, rows: {symbol: …}}, all first, then what changed. `symbol` asks for one."""
    if not await sync_to_async(_is_signed_in)(request):
        return JsonResponse({"detail": _("Please sign in.")}, status=401)
    return StreamingHttpResponse(
        hub().watch(request.GET.get("symbol")),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def _is_signed_in(request: HttpRequest) -> bool:
    try:
        return bool(request.user.is_authenticated)
    finally:
        # The stream stays open for long and asks the database nothing more.
        connection.close()


type News = AsyncGenerator[dict[str, DayTicker]]


def hear_feed() -> News:
    return cast("News", prices.changes(VENUE, MARKET))


class PriceHub:
    """What the streams of one event loop share. `take` may be called as often as news come; readers hear of it once a
    turn, and of many changes in one event."""

    def __init__(
        self,
        *,
        begin: Callable[[], Board] = board_of,
        ask: Callable[[], Board] = asked_board,
        hear: Callable[[], News] | None = None,
        turn: float = TURN_SECONDS,
        heartbeat: float = HEARTBEAT_SECONDS,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self.begin, self.ask, self.hear = begin, ask, hear or hear_feed
        self.turn, self.heartbeat, self.linger = turn, heartbeat, linger
        self.readers = 0
        self.version = 0
        self.heard_at = float("-inf")
        self.learnt_at: float | None = None
        self._quotes: dict[str, Quote] = {}
        self._changed_in: dict[str, int] = {}
        self._turned = asyncio.Event()
        self._texts: dict[tuple[int, str | None], str] = {}
        self._task: asyncio.Task[None] | None = None

    async def watch(self, symbol: str | None = None) -> AsyncIterator[str]:
        """Everything known at once, then what changes; a heartbeat when nothing does."""
        self.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        opened_at = spoke_at = time.monotonic()
        seen = self.version
        try:
            yield "retry: 3000\n\n" + self.news(0, symbol)
            while time.monotonic() - opened_at < LONGEST_SECONDS:
                await self._turned.wait()
                has_news = any(self._changed_in[name] > seen for name in self._names(symbol))
                if has_news or time.monotonic() - spoke_at >= self.heartbeat:
                    yield self.news(seen, symbol)
                    seen, spoke_at = self.version, time.monotonic()
        finally:
            self.readers -= 1

    def take(self, board: Board) -> None:
        """What somebody who knows has said; the same again is no change."""
        self.learnt_at = max(filter(None, (self.learnt_at, board.learnt_at)), default=None)
        changed = [name for name, quote in board.quotes.items() if self._quotes.get(name) != quote]
        if changed:
            self.version += 1
            self._quotes.update({name: board.quotes[name] for name in changed})
            self._changed_in.update(dict.fromkeys(changed, self.version))

    def news(self, since: int, symbol: str | None) -> str:
        """The event for a reader who has seen the version `since`; written once for all who have seen the same."""
        found = self._texts.get((since, symbol))
        if found is None:
            rows = {
                name: shown(self._quotes[name])
                for name in self._names(symbol)
                if self._changed_in[name] > since or not since
            }
            body = json.dumps(self._pulse() | {"rows": rows})
            found = self._texts[since, symbol] = f"event: prices\ndata: {body}\n\n"
        return found

    def _names(self, symbol: str | None) -> list[str]:
        if symbol is None:
            return list(self._quotes)
        return [symbol] if symbol in self._quotes else []

    def _pulse(self) -> dict[str, Any]:
        board = Board({}, self.learnt_at)
        return {"at": board.learnt_ms, "still": board.stands_still(time.time())}

    async def _run(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            self.take(await self._asked(self.begin))
            alone_since = time.monotonic()
            while self.readers or time.monotonic() - alone_since < self.linger:
                began = time.monotonic()
                alone_since = began if self.readers else alone_since
                self._wake_readers()
                if began - self.heard_at > QUIET_SECONDS:
                    asked = await self._asked(self.ask)
                    # What the feed has said meanwhile is newer.
                    if self.heard_at < began:
                        self.take(asked)
                await asyncio.sleep(max(0.05, self.turn - (time.monotonic() - began)))
        finally:
            listening.cancel()

    async def _asked(self, question: Callable[[], Board]) -> Board:
        """Whatever goes wrong, the readers keep their heartbeat and are told that prices stand still."""
        try:
            return await asyncio.to_thread(question)
        except Exception:
            logger.exception("prices_broke")
            return Board()

    async def _listen(self) -> None:
        """The feed's own news, for as long as somebody watches; away, it is tried again."""
        while True:
            try:
                async with aclosing(self.hear()) as news:
                    async for told in news:
                        self.heard_at = time.monotonic()
                        self.take(board_from(told.values(), time.time()))
            except Exception:
                logger.exception("feed_not_heard")
            await asyncio.sleep(AGAIN_SECONDS)

    def _wake_readers(self) -> None:
        """Everybody who waits now is woken once; who comes later waits for the next turn."""
        self._texts.clear()
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


def shown(quote: Quote) -> dict[str, Any]:
    """A row as pages show it; `raw` and `at` are for the chart."""
    return {
        "price": price(quote.price),
        "change": percent(quote.change),
        "direction": direction(quote.change),
        "volume": short(quote.volume),
        "raw": quote.price_e8 / 1e8,
        "at": quote.at_ms,
    }


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, PriceHub] = WeakKeyDictionary()


def hub() -> PriceHub:
    """This event loop's."""
    return _hubs.setdefault(asyncio.get_running_loop(), PriceHub())
