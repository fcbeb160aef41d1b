"""A server at the network's edge that answers as a test tells it to: rightly, wrongly, late, half or not at all."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

# Gets the connection after the request was read; what it returns is sent, and the connection closed.
Ending = Callable[[socket.socket], bytes]
# What its client signs with: so that a test can look for them where they must not be.
KEY, SECRET = "K" * 64, "S" * 64


def http(status: int, body: bytes | str | object, **headers: str) -> Ending:
    """A whole answer; what is neither text nor bytes is sent as JSON."""
    text = body if isinstance(body, (bytes, str)) else json.dumps(body)
    payload = text.encode() if isinstance(text, str) else text
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(payload)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda _: "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def refusal(status: int, code: int, message: str, **headers: str) -> Ending:
    return http(status, {"code": code, "msg": message}, **headers)


def closing(_: socket.socket) -> bytes:
    """The request was read, and nobody answers."""
    return b""


def resetting(connection: socket.socket) -> bytes:
    """As by a machine that was switched off: a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return b""


def half(_: socket.socket) -> bytes:
    return b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"symbol": "BTC'


class Edge(socketserver.ThreadingTCPServer):
    """`endings` are used up one by one by every request that does not ask the time. `requests` are what came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.endings: deque[Ending] = deque()
        self.requests: list[str] = []
        self.time_asked = 0
        # How far the exchange's clock is from this computer's.
        self.ahead_ms = 0
        self.released = threading.Event()

    def __enter__(self) -> Edge:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def never(self, _: socket.socket) -> bytes:
        """No answer until the test is over."""
        self.released.wait(30)
        return b""

    def ending_of(self, request: str) -> Ending:
        if " /api/v3/time" in request.partition("\r\n")[0]:
            self.time_asked += 1
            return http(200, {"serverTime": int(time.time() * 1000) + self.ahead_ms})
        self.requests.append(request)
        return self.endings.popleft()


class _Handler(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        lengths = [
            line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        body = self.rfile.read(int(lengths[0])) if lengths else b""
        answer = self.server.ending_of((head + body).decode())(self.connection)
        self.connection.sendall(answer)
