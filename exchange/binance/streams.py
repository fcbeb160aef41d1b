"""Market streams over python-binance's sockets, bound to one host: klines of wanted series and every symbol's ticker.

A stream that is no longer to be trusted raises `StreamBroken`, whatever the cause; whoever opened it opens another.
python-binance reconnects by itself but forgets what was subscribed: any error event of its own is such a cause.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from binance.async_client import AsyncClient
from binance.ws.constants import WSListenerState
from binance.ws.reconnecting_websocket import ReconnectingWebsocket
from binance.ws.streams import BinanceSocketManager

from engine.market import Candle
from exchange.binance import translate
from exchange.binance.errors import REQUEST_FAILURES
from exchange.binance.venue_client import urls_of
from exchange.feed.events import Event, KlineEvent, SeriesName, StreamBroken
from exchange.port import DayTicker

logger = structlog.get_logger(__name__)
# What it calls an error comes to us as an event, and whoever supervises the stream says so once.
logging.getLogger("binance.ws").setLevel(logging.CRITICAL)

ALL_TICKERS: Final = "!miniTicker@arr"
# A burst of closes at midnight is a message a series; what is not read in time breaks the stream.
QUEUE: Final = 100_000
# Binance allows five messages a second from us.
NAMES_A_MESSAGE: Final = 100
SECONDS_BETWEEN_MESSAGES: Final = 0.25
CLOSE_WITHIN_SECONDS: Final = 2.0
OPEN_WITHIN_SECONDS: Final = 5.0
# What a bad answer, a broken socket or an unreadable message may raise.
_FAILURES: Final = (*REQUEST_FAILURES, EOFError, asyncio.IncompleteReadError)


class VenueAsyncClient(AsyncClient):  # type: ignore[misc]  # python-binance ships no types
    """Only tells sockets where they belong: it has no session, so that no request can be made with it."""

    def __init__(self, base_url: str) -> None:
        for name, url in urls_of(base_url).items():
            setattr(self, name, url)
        super().__init__()

    def _init_session(self) -> None:
        return None


class VenueSockets(BinanceSocketManager):  # type: ignore[misc]
    """Sockets of one host: every URL is its, no proxy of the environment is used, no redirect leads elsewhere."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        socket_base = base_url.replace("http", "ws", 1) + "/"
        names = [name for name in dir(BinanceSocketManager) if name.endswith("_URL")]
        for name in names:
            setattr(self, name, socket_base)
        super().__init__(VenueAsyncClient(base_url), max_queue_size=QUEUE)
        # With host and port given, the library refuses to follow a redirect to another origin.
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self.ws_kwargs = {
            "proxy": None,
            "host": parts.hostname,
            "port": port,
            "open_timeout": OPEN_WITHIN_SECONDS,
        }


class MarketStream:
    """`async with MarketStream(base_url) as stream:` one connection; nobody but one task reads it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._socket: ReconnectingWebsocket | None = None
        self._sent = 0

    async def __aenter__(self) -> MarketStream:
        socket = VenueSockets(self._base_url).multiplex_socket([ALL_TICKERS])
        # It would come back without our subscriptions, perhaps after we have closed it.
        socket.MAX_RECONNECTS = 0
        try:
            await socket.connect()
        except _FAILURES as error:
            raise StreamBroken(f"no connection ({type(error).__name__})") from None
        except Exception as error:
            # websockets' own failures share no base class with ours.
            if not type(error).__module__.startswith("websockets"):
                raise
            raise StreamBroken(f"no connection ({type(error).__name__})") from None
        self._socket = socket
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes within moments: the library itself would wait for its next message."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        socket.ws_state = WSListenerState.EXITING
        try:
            async with asyncio.timeout(CLOSE_WITHIN_SECONDS):
                if socket.ws is not None:
                    await socket.ws.close()
                await socket.close()
        except TimeoutError:
            raise StreamBroken("the connection would not close") from None

    async def subscribe(self, series: Iterable[SeriesName]) -> None:
        await self._tell("SUBSCRIBE", series)

    async def unsubscribe(self, series: Iterable[SeriesName]) -> None:
        await self._tell("UNSUBSCRIBE", series)

    async def _tell(self, method: str, series: Iterable[SeriesName]) -> None:
        names = sorted(f"{symbol.lower()}@kline_{interval}" for symbol, interval in series)
        for first in range(0, len(names), NAMES_A_MESSAGE):
            if first:
                await asyncio.sleep(SECONDS_BETWEEN_MESSAGES)
            self._sent += 1
            part = names[first : first + NAMES_A_MESSAGE]
            message = json.dumps({"method": method, "params": part, "id": self._sent})
            if self._socket is None or self._socket.ws is None:
                raise StreamBroken("the connection is gone")
            try:
                await self._socket.ws.send(message)
            except Exception as error:
                if not isinstance(error, OSError) and not type(error).__module__.startswith("websockets"):
                    raise
                raise StreamBroken(f"the connection broke ({type(error).__name__})") from None

    async def receive(self) -> Event | None:
        """The next event; None for a message that is none (an answer to SUBSCRIBE). Raises `StreamBroken`."""
        if self._socket is None:
            raise StreamBroken("the connection is gone")
        try:
            return event_of(await self._socket.recv())
        except StreamBroken:
            raise
        except _FAILURES as error:
            raise StreamBroken(f"a message cannot be read ({type(error).__name__})") from None
        except Exception as error:
            if not type(error).__module__.startswith("binance"):
                raise
            raise StreamBroken(f"the reading ended ({type(error).__name__})") from None


def event_of(message: Mapping[str, Any]) -> Event | None:
    """What a message says. Raises `StreamBroken` where it says that the stream ends."""
    data = message.get("data", message)
    if isinstance(data, list):
        return [ticker_of(row) for row in data]
    kind = data.get("e")
    if kind == "kline":
        return kline_of(data)
    if kind == "24hrMiniTicker":
        return [ticker_of(data)]
    if kind in ("error", "serverShutdown"):
        raise StreamBroken(f"{kind} {data.get('type', '')}".strip())
    if "error" in data:
        # The schedule still wakes whoever waits for those series; the others must not lose their stream for it.
        logger.error("subscription_refused", message=str(data["error"])[:200])
    return None


def kline_of(data: Mapping[str, Any]) -> KlineEvent:
    row = data["k"]
    candle = Candle(
        translate.whole(row["t"]), *(translate.e8(row[name]) for name in ("o", "h", "l", "c", "v"))
    )
    return KlineEvent(
        symbol=str(data["s"]),
        interval=str(row["i"]),
        candle=candle,
        is_closed=row["x"] is True,
        at_ms=translate.whole(data["E"]),
    )


def ticker_of(row: Mapping[str, Any]) -> DayTicker:
    return DayTicker(
        symbol=str(row["s"]),
        price_e8=translate.e8(row["c"]),
        open_e8=translate.e8(row["o"]),
        high_e8=translate.e8(row["h"]),
        low_e8=translate.e8(row["l"]),
        volume_e8=translate.e8(row["v"]),
        quote_volume_e8=translate.e8(row["q"]),
        at_ms=translate.whole(row["E"]),
    )
