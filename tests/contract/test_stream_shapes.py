"""Messages of streams and of the WebSocket API: exactly the documented keys, of the documented types."""

import hashlib
import hmac
import json
import time

import pytest
from websockets.sync.client import connect

from tests.contract.shapes import SHAPES, difference

WAIT_S = 10
# Prices and quantities, which the connector's examples lost.
STREAMS = [
    ("btcusdt@kline_1m", "kline", set("ochlvqVQB")),
    ("btcusdt@miniTicker", "mini_ticker", set("cohlvq")),
    ("!miniTicker@arr", "all_mini_ticker", set("cohlvq")),
    ("btcusdt@ticker", "ticker", set("pPwxcQbBaAohlvq")),
    ("btcusdt@bookTicker", "book_ticker", set("bBaA")),
    ("btcusdt@depth5@100ms", "partial_book_depth", set()),
]
MOVING = [
    ("btcusdt@trade", "trade", set("pq")),
    ("btcusdt@aggTrade", "agg_trade", set("pq")),
    ("btcusdt@depth", "diff_book_depth", set()),
]
EXECUTION_REPORT = {
    **dict.fromkeys("escSofqpPFCxXrlzLnZYQV", str), **dict.fromkeys("EgiTtIOW", int), **dict.fromkeys("wmM", bool),
}  # fmt: skip
LIST_STATUS = {**dict.fromkeys("esclLrC", str), "E": int, "g": int, "T": int, "O": list}


@pytest.mark.parametrize(("name", "example", "texts"), STREAMS, ids=[row[1] for row in STREAMS])
def test_standing_streams(venue, name, example, texts):
    with connect(f"{venue.ws_url}/ws/{name}", proxy=None) as socket:
        message = json.loads(socket.recv(timeout=WAIT_S))
    assert difference(message, SHAPES[f"STREAM {example}"], extra=texts) == []
    assert lacking(message, texts) == set()


def lacking(message, texts):
    """Which of the keys that the example lost are not there."""
    entry = message[0] if isinstance(message, list) else message
    return texts - entry.get("k", entry).keys()


def test_moving_streams(own_venue):
    """Of each stream that speaks only when the market moves, the first message."""
    names = "/".join(name for name, _, _ in MOVING)
    with connect(f"{own_venue.ws_url}/stream?streams={names}", proxy=None) as socket:
        own_venue.pass_minutes(1)
        heard = {}
        while len(heard) < len(MOVING):
            message = json.loads(socket.recv(timeout=WAIT_S))
            heard.setdefault(message["stream"], message["data"])
    for name, example, texts in MOVING:
        message = heard[name]
        assert difference(message, SHAPES[f"STREAM {example}"], extra=texts) == []
        assert lacking(message, texts) == set()


class Line:
    """The WebSocket API for one trader."""

    def __init__(self, socket, trader):
        self._socket = socket
        self._trader = trader

    def hear(self):
        return json.loads(self._socket.recv(timeout=WAIT_S))

    def ask(self, method, **params):
        self._socket.send(json.dumps({"id": "exam", "method": method, "params": params}))
        return self.hear()

    def subscribe(self):
        params = {"apiKey": self._trader.api_key, "timestamp": int(time.time() * 1000)}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        signature = hmac.new(self._trader.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return self.ask("userDataStream.subscribe.signature", **params, signature=signature)


@pytest.fixture
def line(venue, trader):
    with connect(f"{venue.ws_url}/ws-api/v3", proxy=None) as socket:
        yield Line(socket, trader)


@pytest.mark.parametrize("method", ["ping", "time"])
def test_plain_requests(line, method):
    assert difference(line.ask(method), SHAPES[f"WS {method}"]) == []


def test_subscriptions(line):
    """The examples leave the limits out; Binance sends them with every answer unless asked not to."""
    for answer, example in (
        (line.subscribe(), "user_data_stream_subscribe_signature"),
        (line.ask("session.subscriptions"), "session_subscriptions"),
        (line.ask("userDataStream.unsubscribe"), "user_data_stream_unsubscribe"),
    ):
        limits = answer.pop("rateLimits")
        assert difference(limits, SHAPES["WS ping"]["rateLimits"]) == []
        assert difference(answer, SHAPES[f"WS {example}"]) == []


def kinds(event):
    return {key: type(value) for key, value in event.items()}


def test_events_of_an_account(line, trader):
    line.subscribe()
    trader.buy()
    new, trade, position = (line.hear()["event"] for _ in range(3))
    assert kinds(new) == EXECUTION_REPORT | {"N": type(None)}
    assert kinds(trade) == EXECUTION_REPORT | {"N": str}
    assert kinds(position) == {"e": str, "E": int, "u": int, "B": list}
    assert kinds(position["B"][0]) == {"a": str, "f": str, "l": str}


def test_events_of_a_list(line, trader):
    trader.buy()
    line.subscribe()
    trader.oco()
    status = next(event for event in iter(lambda: line.hear()["event"], None) if event["e"] == "listStatus")
    assert kinds(status) == LIST_STATUS
    assert kinds(status["O"][0]) == {"s": str, "i": int, "c": str}
