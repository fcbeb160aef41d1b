"""What a client of market streams may ask on its connection: SUBSCRIBE and its kin, answered in Binance's words."""

import json
from collections import deque
from collections.abc import Container
from typing import Any

from exchange.sandbox.peers import POLICY, Peer
from exchange.sandbox.stream_names import Stream, stream_of
from exchange.sandbox.streams import Streams

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
MOST_STREAMS = 1024
MOST_REQUESTS, PER_SECONDS = 5, 1.0
LONGEST_ID = 36


class Misunderstood(Exception):
    """`code` 0 to 3 and Binance's sentence."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code, self.message = code, message


def no_request(why: str) -> Misunderstood:
    return Misunderstood(2, f"Invalid request: {why}")


class MarketSession:
    """One connection to `/ws` or `/stream`."""

    def __init__(self, peer: Peer, streams: Streams, symbols: Container[str]):
        self._peer = peer
        self._streams = streams
        self._symbols = symbols
        self._names: dict[str, None] = {}
        self._heard_s: deque[float] = deque(maxlen=MOST_REQUESTS)

    def open(self, names: list[str]) -> None:
        """Streams named in the address; a name that means nothing is told, the others run."""
        for name in names:
            try:
                self._subscribe([name])
            except Misunderstood as wrong:
                self._refuse(wrong, None)

    def leave(self) -> None:
        for name in self._names:
            self._streams.unsubscribe(self._peer, name)

    def hear(self, text: str, now_s: float) -> None:
        if len(self._heard_s) == MOST_REQUESTS and now_s - self._heard_s[0] < PER_SECONDS:
            self._peer.end(POLICY, "Too many requests")
            return
        self._heard_s.append(now_s)
        request_id = None
        try:
            request = self._read(text)
            request_id = request.get("id")
            result = self._answer(request)
        except Misunderstood as wrong:
            self._refuse(wrong, request_id)
        else:
            self._peer.say(json.dumps({"result": result, "id": request_id}, separators=(",", ":")))

    def _refuse(self, wrong: Misunderstood, request_id: Any) -> None:
        error = {"error": {"code": wrong.code, "msg": wrong.message}, "id": request_id}
        self._peer.say(json.dumps(error, separators=(",", ":")))

    def _read(self, text: str) -> dict[str, Any]:
        try:
            request = json.loads(text)
        except json.JSONDecodeError as wrong:
            where = f"line {wrong.lineno} column {wrong.colno}"
            raise Misunderstood(3, f"Invalid JSON: expected value at {where}") from wrong
        if not isinstance(request, dict):
            raise no_request("expected an object")
        if not is_request_id(request.get("id")):
            raise no_request("request ID must be an unsigned integer")
        return request

    def _answer(self, request: dict[str, Any]) -> Any:
        match request.get("method"):
            case "SUBSCRIBE":
                return self._subscribe(_names(request))
            case "UNSUBSCRIBE":
                return self._unsubscribe(_names(request))
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "SET_PROPERTY":
                return self._set_property(_parameters(request, 2))
            case "GET_PROPERTY":
                _check_property(_parameters(request, 1)[0])
                return self._peer.is_combined
            case None:
                raise no_request("missing field `method`")
            case method:
                expected = ", ".join(f"`{name}`" for name in METHODS)
                raise no_request(f"unknown variant `{method}`, expected one of {expected}")

    def _subscribe(self, names: list[str]) -> None:
        """All of them or none."""
        found: list[Stream] = []
        for name in names:
            stream = stream_of(name, self._symbols)
            if stream is None:
                raise no_request(f"unknown stream `{name}`")
            found.append(stream)
        if len(self._names.keys() | set(names)) > MOST_STREAMS:
            raise no_request(f"more than {MOST_STREAMS} streams")
        for stream in found:
            self._names[stream.name] = None
            self._streams.subscribe(self._peer, stream)

    def _unsubscribe(self, names: list[str]) -> None:
        """What is not subscribed is left as it is, as on Binance."""
        for name in names:
            if name in self._names:
                del self._names[name]
                self._streams.unsubscribe(self._peer, name)

    def _set_property(self, parameters: list[Any]) -> None:
        name, value = parameters
        _check_property(name)
        if not isinstance(value, bool):
            raise Misunderstood(1, "Invalid value type: expected Boolean")
        self._peer.is_combined = value


def is_request_id(value: Any) -> bool:
    """Whole numbers from 0, short texts and null."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value >= 0
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_ID)


def _names(request: dict[str, Any]) -> list[str]:
    names = request.get("params")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise no_request("params must be a list of stream names")
    return names


def _parameters(request: dict[str, Any], count: int) -> list[Any]:
    given = request.get("params")
    if not isinstance(given, list) or len(given) < count:
        raise no_request("not enough parameters")
    if len(given) > count:
        raise no_request("too many parameters")
    return given


def _check_property(name: Any) -> None:
    if not isinstance(name, str):
        raise no_request("property name must be a string")
    if name != "combined":
        raise Misunderstood(0, "Unknown property")
