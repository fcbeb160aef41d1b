"""A client that does not read loses its connection; whoever sends to it never waits."""

import asyncio

import pytest
from starlette.websockets import WebSocketDisconnect

from exchange.sandbox.peers import MOST_WAITING, Peer
from exchange.sandbox.stream_faults import StreamFaults


class Socket:
    """What Starlette gives a handler, with a network that can stand still."""

    def __init__(self, *, reads: bool):
        self.scope = {"extensions": {"sandbox.abort": {"abort": self.cut}}}
        self.sent: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.was_cut = False
        self._gone = asyncio.Event()
        self._can_write = asyncio.Event()
        if reads:
            self._can_write.set()

    def cut(self) -> None:
        self.was_cut = True
        self._gone.set()
        self._can_write.set()

    async def send_text(self, text: str) -> None:
        await self._can_write.wait()
        if self.was_cut:
            raise WebSocketDisconnect(1006)
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._gone.set()

    async def receive(self) -> dict[str, str]:
        await self._gone.wait()
        return {"type": "websocket.disconnect"}


def served(use, *, reads, patience_s=60.0):
    """Runs `use(peer)` while the peer is served; the socket, once the connection has ended."""

    async def run():
        socket = Socket(reads=reads)
        peer = Peer(socket, "market", StreamFaults(), patience_s=patience_s)
        serving = asyncio.create_task(peer.serve(lambda text: None))
        await asyncio.sleep(0)
        use(peer)
        async with asyncio.timeout(10):
            await serving
        return socket

    return asyncio.run(run())


def test_what_waits_leaves_before_the_end():
    def use(peer):
        for number in range(3):
            peer.say(str(number))
        peer.end(1001, "enough")
        peer.say("too late")

    socket = served(use, reads=True)
    assert (socket.sent, socket.closed, socket.was_cut) == (["0", "1", "2"], (1001, "enough"), False)


def test_too_much_unread_cuts_the_connection():
    def use(peer):
        for _ in range(9):
            peer.say("x" * (MOST_WAITING // 8))

    assert served(use, reads=False).was_cut


def test_a_message_nobody_reads_cuts_the_connection():
    socket = served(lambda peer: peer.say("one"), reads=False, patience_s=0.05)
    assert (socket.was_cut, socket.closed) == (True, None)


@pytest.mark.parametrize("ending", ["end", "abort"])
def test_nothing_is_said_after_the_end(ending):
    def use(peer):
        peer.end(1001, "") if ending == "end" else peer.abort()
        peer.push("late")

    assert served(use, reads=True).sent == []
