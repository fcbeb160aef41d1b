"""python-binance bound to one host: every URL it knows is replaced, and its session reaches nothing else.

No redirects, no retries, no proxies from the environment; an order is signed with exactly its stored stamp.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from binance.base_client import BaseClient
from binance.client import Client
from requests.adapters import HTTPAdapter

from exchange.binance.errors import seconds_to_wait
from exchange.pacing import EVERYBODY, Pace
from exchange.port import Credentials, Stamp

READ_WINDOW_MS: Final = 5_000
USED_WEIGHT: Final = "X-MBX-USED-WEIGHT-1M"
# "Too many new orders" is about one account's orders, not about the address: its cancels and everybody else go on.
TOO_MANY_ORDERS: Final = b"-1015"

_PATHS: Final[Mapping[str, str]] = {
    "API": "/api",
    "MARGIN_API": "/sapi",
    "WEBSITE": "",
    "FUTURES": "/fapi",
    "FUTURES_DATA": "/futures/data",
    "FUTURES_COIN": "/dapi",
    "FUTURES_COIN_DATA": "/futures/data",
    "OPTIONS": "/eapi",
    "PAPI": "/papi",
    "WS_API": "/ws-api/v3",
    "WS_FUTURES": "/ws-fapi/v1",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. Binance gives up on its matching engine after 10 s and says so (-1007): whoever
    sends an order waits longer than that."""

    connect: float = 3
    order: float = 15
    read: float = 5


# The request's own stamp travels in its parameters under this name and is taken out before signing.
STAMP: Final = "_stamp"


def urls_of(base_url: str) -> dict[str, str]:
    """Every URL attribute of python-binance, by name, moved to the host. Fails on one it does not know."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or set(base_url) & set("{}?#@"):
        raise ValueError("an exchange's base URL is http(s)://host[:port], nothing else")
    socket_base = base_url.replace("http", "ws", 1)
    names = [name for name, value in vars(BaseClient).items() if isinstance(value, str) and "://" in value]
    return {name: (socket_base if name.startswith("WS_") else base_url) + _path_of(name) for name in names}


def _path_of(attribute: str) -> str:
    family = attribute.removesuffix("_URL").removesuffix("_TESTNET").removesuffix("_DEMO")
    return _PATHS[family]


class VenueClient(Client):  # type: ignore[misc]  # python-binance ships no types
    """One account's client (or nobody's). Not for use by two threads at once: python-binance keeps the last answer
    on itself. `now_ms` gives the exchange's time for requests that bring no stamp of their own."""

    def __init__(
        self,
        base_url: str,
        adapter: HTTPAdapter,
        *,
        now_ms: Callable[[], int],
        credentials: Credentials | None = None,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        pace: Pace | None = None,
    ) -> None:
        for name, url in urls_of(base_url).items():
            setattr(self, name, url)
        self._base_url = base_url
        self._adapter = adapter
        self._now_ms = now_ms
        self._patience = patience
        self._pace = pace or Pace()
        self._orders_scope = f"orders:{_fingerprint(credentials)}"
        key, secret = (credentials.api_key, credentials.secret_key) if credentials else (None, None)
        _with_event_loop(lambda: Client.__init__(self, key, secret, {"allow_redirects": False}, ping=False))

    def _init_session(self) -> requests.Session:
        session: requests.Session = super()._init_session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Only this host has an adapter: a request to any other cannot even be opened (InvalidSchema).
        session.adapters.clear()
        session.mount(self._base_url + "/", self._adapter)
        return session

    def close_connection(self) -> None:
        """Called when a client is collected. The connections are not its own: other clients are using them."""

    def _request(self, method: str, uri: str, signed: bool, force_params: bool = False, **kwargs: Any) -> Any:
        is_order = method == "post"
        self._pace.check(EVERYBODY, *((self._orders_scope,) if is_order else ()))
        self.response = None
        try:
            return super()._request(method, uri, signed, force_params, **kwargs)
        finally:
            if self.response is not None:
                self._note_limits(self.response)

    def _note_limits(self, response: requests.Response) -> None:
        used = response.headers.get(USED_WEIGHT, "")
        if used.isascii() and used.isdigit():
            self._pace.note_weight(int(used))
        seconds = seconds_to_wait(response.status_code, response.headers)
        if seconds is not None:
            is_about_orders = TOO_MANY_ORDERS in response.content
            self._pace.wait(self._orders_scope if is_about_orders else EVERYBODY, seconds)

    def _generate_signature(self, data: dict[str, Any], uri_encode: bool = True) -> str:
        stamp = data.pop(STAMP, None) or Stamp(self._now_ms(), READ_WINDOW_MS)
        data["timestamp"], data["recvWindow"] = stamp.timestamp_ms, stamp.recv_window_ms
        return str(super()._generate_signature(data, uri_encode))

    def _get_request_kwargs(
        self, method: str, signed: bool, force_params: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        wanted = super()._get_request_kwargs(method, signed, force_params, **kwargs)
        answer_seconds = self._patience.read if method == "get" else self._patience.order
        wanted["timeout"] = (self._patience.connect, answer_seconds)
        return dict(wanted)


def _fingerprint(credentials: Credentials | None) -> str:
    """Tells accounts apart without naming them."""
    return hashlib.sha256(credentials.api_key.encode()).hexdigest()[:16] if credentials else ""


def _with_event_loop(build: Callable[[], None]) -> None:
    """python-binance asks for an event loop it needs for WebSockets only; lend it one in a thread of its own, so that
    the caller's thread keeps what it has."""
    failures: list[BaseException] = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            build()
        except BaseException as failure:
            failures.append(failure)
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    thread = threading.Thread(target=run, name="python-binance-init")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
