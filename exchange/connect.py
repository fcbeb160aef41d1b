"""From a venue to a client: the only place that picks a base URL, and it knows the paper market's alone.

Clients are kept per process, thread and credentials; connections and the clock are shared per process and host.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings

from exchange.cache import cache
from exchange.models import Venue
from exchange.pacing import Pace
from exchange.port import Credentials, Exchange, ExchangeError, MarketData

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from exchange.binance.client import BinanceExchange, BinanceMarketData
    from exchange.binance.clock import ServerClock
    from exchange.binance.streams import MarketStream

CLIENTS_KEPT: Final = 256
CONNECTIONS_KEPT: Final = 16


class VenueNotAvailable(ExchangeError):
    """This version does not trade on the venue; nothing was sent anywhere."""


def base_url(venue: str) -> str:
    if venue == Venue.SANDBOX:
        return str(settings.SANDBOX_URL)
    raise VenueNotAvailable(f"This version trades on the paper market only, not on “{venue}”.")


def market_data(venue: str) -> MarketData:
    """A client without a key. Do not hand it to another thread. Raises `VenueNotAvailable`."""
    from exchange.binance.client import BinanceMarketData

    url = base_url(venue)
    kept = _of_this_thread()
    client = kept.without_key.get(url)
    if client is None:
        host = _host(url)
        client = kept.without_key[url] = BinanceMarketData(url, host.adapter, host.clock, pace=host.pace)
    return client


def market_stream(venue: str) -> MarketStream:
    """A connection for the venue's streams, to be opened with `async with`. Raises `VenueNotAvailable`."""
    from exchange.binance.streams import MarketStream

    return MarketStream(base_url(venue))


def exchange_for(venue: str, credentials: Credentials) -> Exchange:
    """The client of an account. Do not hand it to another thread. Raises `VenueNotAvailable`."""
    url = base_url(venue)
    kept, name = _of_this_thread(), (url, _fingerprint(credentials))
    client = kept.with_key.get(name)
    if client is None:
        host = _host(url)
        client = kept.with_key[name] = client_class(venue)(
            url, host.adapter, host.clock, credentials=credentials, pace=host.pace
        )
        if len(kept.with_key) > CLIENTS_KEPT:
            kept.with_key.popitem(last=False)
    kept.with_key.move_to_end(name)
    return client


def client_class(venue: str) -> type[BinanceExchange]:
    """Live money is capped at the port, after everything else has agreed (SPEC §3)."""
    from exchange.binance.client import BinanceExchange

    if venue != Venue.LIVE:
        return BinanceExchange
    from exchange.caps import CappedExchange

    return CappedExchange


def used_weight(venue: str) -> int | None:
    """What the exchange last told this process about the request weight its address has used within the minute."""
    return _host(base_url(venue)).pace.used_weight


def forget_clients() -> None:
    """Build everything anew from the settings; for tests and for a venue whose address changed."""
    _threads.__dict__.clear()
    with _hosts_lock:
        _hosts.clear()


@dataclass
class _Clients:
    """A thread's clients. Bound to the process: after a fork (Celery) the parent's sockets must not be used."""

    pid: int
    without_key: dict[str, BinanceMarketData] = field(default_factory=dict)
    with_key: OrderedDict[tuple[str, str], BinanceExchange] = field(default_factory=OrderedDict)


@dataclass
class _Host:
    adapter: HTTPAdapter
    clock: ServerClock
    pace: Pace


_threads = threading.local()
_hosts: dict[tuple[int, str], _Host] = {}
_hosts_lock = threading.Lock()
# A lock that another thread holds while we fork would stay locked in the child for ever.
os.register_at_fork(after_in_child=lambda: globals().update(_hosts_lock=threading.Lock()))


def _of_this_thread() -> _Clients:
    kept: _Clients | None = getattr(_threads, "clients", None)
    if kept is None or kept.pid != os.getpid():
        kept = _threads.clients = _Clients(pid=os.getpid())
    return kept


def _host(url: str) -> _Host:
    from requests.adapters import HTTPAdapter

    from exchange.binance.clock import ServerClock

    with _hosts_lock:
        host = _hosts.get((os.getpid(), url))
        if host is None:
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS_KEPT, max_retries=0)
            host = _hosts[os.getpid(), url] = _Host(adapter, ServerClock(), Pace(url, cache))
        return host


def _fingerprint(credentials: Credentials) -> str:
    return hashlib.sha256(f"{credentials.api_key}\0{credentials.secret_key}".encode()).hexdigest()
