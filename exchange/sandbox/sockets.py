"""The WebSocket side of the sandbox's server: its routes, its clients, its scheduler, and its farewell."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from exchange.sandbox.desk import Desk
from exchange.sandbox.logbook import log
from exchange.sandbox.peers import LIFE_S, Peer
from exchange.sandbox.socket_api import PATH, ApiSession
from exchange.sandbox.stream_faults import MARKET, USER, StreamFault, StreamFaults
from exchange.sandbox.stream_requests import MarketSession
from exchange.sandbox.streams import Streams
from exchange.sandbox.user_stream import UserStreams

FAREWELL_S = 0.1
MILLISECOND = "MILLISECOND"


class Sockets:
    """All WebSocket connections of one desk. `charge` adds request weight to an address and says what it has used."""

    def __init__(self, desk: Desk, *, secret_of: Callable[[str], str], charge: Callable[[str, int], int]):
        self._desk = desk
        self._secret_of = secret_of
        self._charge = charge
        self._peers: set[Peer] = set()
        self.faults = StreamFaults()
        self.streams = Streams(desk)
        self.users = UserStreams(desk)

    def routes(self) -> list[BaseRoute]:
        return [
            WebSocketRoute("/ws", self._market),
            WebSocketRoute("/ws/{names:path}", self._market),
            WebSocketRoute("/stream", self._combined),
            WebSocketRoute(PATH, self._serve_api),
        ]

    async def _market(self, socket: WebSocket) -> None:
        await self._serve_market(socket, socket.path_params.get("names", ""), is_combined=False)

    async def _combined(self, socket: WebSocket) -> None:
        await self._serve_market(socket, socket.query_params.get("streams", ""), is_combined=True)

    async def _serve_market(self, socket: WebSocket, names: str, *, is_combined: bool) -> None:
        if socket.query_params.get("timeUnit", MILLISECOND).upper() != MILLISECOND:
            await socket.close()  # Refused before it is accepted: better no times than a thousandth of them.
            return
        await socket.accept()
        peer = Peer(socket, MARKET, self.faults, is_combined=is_combined)
        session = MarketSession(peer, self.streams, self._desk.market.tapes)
        with self._present(peer):
            session.open([name for name in names.split("/") if name])
            try:
                await peer.serve(lambda text: session.hear(text, time.monotonic()))
            finally:
                session.leave()

    async def _serve_api(self, socket: WebSocket) -> None:
        await socket.accept()
        peer = Peer(socket, USER, self.faults)
        address = socket.client.host if socket.client else ""
        session = ApiSession(
            peer,
            self._desk,
            self.users,
            secret_of=self._secret_of,
            charge=lambda weight: self._charge(address, weight),
        )
        with self._present(peer):
            try:
                await peer.serve(session.hear)
            finally:
                session.leave()

    @contextmanager
    def _present(self, peer: Peer) -> Iterator[None]:
        self._peers.add(peer)
        peer.live_for(self.faults.life_s(peer.on, LIFE_S))
        try:
            yield
        finally:
            self._peers.discard(peer)

    def apply(self, faults: list[StreamFault]) -> None:
        """What new faults mean for connections that stand."""
        for peer in list(self._peers):
            peer.live_for(self.faults.life_s(peer.on, LIFE_S))
        for fault in faults:
            log("stream_fault", kind=fault.kind, on=fault.on, seconds=fault.seconds)
            struck = [peer for peer in self._peers if fault.strikes(peer.on)]
            if fault.kind == "server_shutdown":
                self._announce_shutdown(struck)
            elif fault.kind == "drop":
                for peer in struck:
                    peer.abort()

    def _announce_shutdown(self, peers: list[Peer]) -> None:
        event = json.dumps({"e": "serverShutdown", "E": self._desk.now().market_ms}, separators=(",", ":"))
        for peer in peers:
            if peer.on != MARKET:
                peer.push(f'{{"event":{event}}}')
            elif peer.is_combined:
                peer.push(f'{{"stream":"!serverShutdown","data":{event}}}')
            else:
                peer.push(event)

    async def say_farewell(self) -> None:
        """Before the server closes its connections."""
        self._announce_shutdown(list(self._peers))
        if self._peers:
            await asyncio.sleep(FAREWELL_S)


class SandboxServer(uvicorn.Server):
    """uvicorn, with the scheduler of streams beside it in the same loop."""

    def __init__(self, config: uvicorn.Config, sockets: Sockets):
        super().__init__(config)
        self._sockets = sockets
        self._scheduler: asyncio.Task[None] | None = None

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self._scheduler = asyncio.create_task(self._sockets.streams.run())

    async def shutdown(self, sockets: list | None = None) -> None:
        if self._scheduler is not None:
            self._scheduler.cancel()
        await self._sockets.say_farewell()
        await super().shutdown(sockets)
