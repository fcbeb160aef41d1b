"""One connected WebSocket client: what waits for it, how long it may stay, and that it holds up nobody.

Whoever sends only adds to a client's own queue; a client that does not read loses its connection, never others time.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from exchange.sandbox.logbook import log
from exchange.sandbox.stream_faults import StreamFaults

LIFE_S = 24 * 3600.0
MOST_WAITING = 8 * 2**20  # characters a client may leave unread
PATIENCE_S = 30.0  # how long it may take to read one message
POLICY, GOING_AWAY = 1008, 1001


class AbortableProtocol(WebSocketsSansIOProtocol):
    """Lets a WebSocket cut its own connection without a closing frame, which ASGI has no word for."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"] = (self.scope.get("extensions") or {}) | {
                "sandbox.abort": {"abort": self.transport.abort}
            }


class Peer:
    """`on` says which kind of connection it is (market or user), `is_combined` whether events come wrapped."""

    def __init__(
        self,
        socket: WebSocket,
        on: str,
        faults: StreamFaults,
        *,
        is_combined: bool = False,
        patience_s: float = PATIENCE_S,
    ):
        self.on = on
        self.is_combined = is_combined
        self.opened_s = time.monotonic()
        self._socket = socket
        self._faults = faults
        self._patience_s = patience_s
        self._waiting: deque[str] = deque()
        self._waiting_size = 0
        self._has_more = asyncio.Event()
        self._ending: tuple[int, str] | None = None
        self._held_back: str | None = None
        self._end_of_life: asyncio.TimerHandle | None = None

    def say(self, text: str) -> None:
        """An answer to a request: no fault bends it."""
        if self._ending is not None:
            return
        self._waiting.append(text)
        self._waiting_size += len(text)
        self._has_more.set()
        if self._waiting_size > MOST_WAITING:
            self._give_up()

    def _give_up(self) -> None:
        log("slow_consumer", on=self.on, waiting=len(self._waiting))
        self.abort()

    def push(self, text: str) -> None:
        """An event, through the faults in force."""
        if self._faults.is_silent(self.on):
            return
        texts = [text]
        if self._faults.is_on("reorder", self.on):
            if self._held_back is None:
                self._held_back = text
                return
            texts = [text, self._held_back]
            self._held_back = None
        elif self._held_back is not None:
            texts, self._held_back = [self._held_back, text], None
        times = 2 if self._faults.is_on("duplicate", self.on) else 1
        for each in texts:
            for _ in range(times):
                self.say(each)

    def end(self, code: int, reason: str) -> None:
        """Closes in good order, after what waits."""
        self._ending = self._ending or (code, reason)
        self._has_more.set()

    def abort(self) -> None:
        """Cuts the connection without a word."""
        self._ending = self._ending or (POLICY, "")
        self._waiting.clear()
        self._socket.scope["extensions"]["sandbox.abort"]["abort"]()

    def live_for(self, seconds: float) -> None:
        """The connection ends `seconds` after it was opened."""
        if self._end_of_life is not None:
            self._end_of_life.cancel()
        left_s = max(0.0, self.opened_s + seconds - time.monotonic())
        loop = asyncio.get_running_loop()
        self._end_of_life = loop.call_later(left_s, self.end, GOING_AWAY, "")

    async def serve(self, hear: Callable[[str], None]) -> None:
        """Until one side ends the connection; `hear` gets every text the client sends."""
        writer = asyncio.create_task(self._write())
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if self._ending is None:
                    hear(message.get("text") or "")
        finally:
            writer.cancel()
            if self._end_of_life is not None:
                self._end_of_life.cancel()

    async def _write(self) -> None:
        try:
            while True:
                await self._has_more.wait()
                while self._waiting:
                    text = self._waiting.popleft()
                    self._waiting_size -= len(text)
                    async with asyncio.timeout(self._patience_s):
                        await self._socket.send_text(text)
                if self._ending is not None:
                    code, reason = self._ending
                    await self._socket.close(code, reason)
                    return
                self._has_more.clear()
        except TimeoutError:
            self._give_up()
        except WebSocketDisconnect:
            return  # The reader hears of it too, and ends the connection.
