"""An exchange that only knows what time it is: for benches whose candles and rules lie in the database already.

Every symbol's market time is what the bench last set; whoever asks for anything else is told that it does not exist.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class StillMarket:
    """`with StillMarket() as market:` `market.url` answers; `market.market_ms` is the time it tells."""

    def __init__(self) -> None:
        self.market_ms = 0
        self.server = _Server(("127.0.0.1", 0), _Answers)
        self.server.market = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> StillMarket:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer_to(self, path: str) -> dict[str, Any] | None:
        """Binance's shapes, as far as a bot asks that finds its candles stored."""
        answers: dict[str, dict[str, Any]] = {
            "/api/v3/ping": {},
            "/api/v3/time": {"serverTime": self.market_ms},
            "/api/v3/ticker/24hr": {"closeTime": self.market_ms},
        }
        return answers.get(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    market: StillMarket


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.market.answer_to(urlsplit(self.path).path)
        status, said = (404, {"code": -1, "msg": "Not here."}) if answer is None else (200, answer)
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads along."""
