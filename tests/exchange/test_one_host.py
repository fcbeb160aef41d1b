"""No request can be made to a host other than the configured one, whatever a client is asked to do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from binance.base_client import BaseClient
from binance.client import Client
from requests.adapters import HTTPAdapter

from exchange.binance.venue_client import VenueClient, urls_of
from exchange.port import Credentials
from tests.exchange.edge import Edge, http

BASE = "http://127.0.0.1:8001"


def a_client(base_url: str = BASE) -> VenueClient:
    return VenueClient(base_url, HTTPAdapter(), now_ms=lambda: 1, credentials=Credentials("K" * 64, "S" * 64))


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Every address a socket was asked to connect to; only loopback is let through."""
    addresses: list[Any] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        addresses.append(address)
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1"}:
            raise AssertionError(f"a connection to {address} was tried")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield addresses
    assert [
        address for address in addresses if isinstance(address, tuple) and address[0] != "127.0.0.1"
    ] == []


def test_every_url_of_the_client_is_on_the_host() -> None:
    client = a_client()
    urls = {
        name: value
        for name in dir(client)
        if isinstance(value := getattr(client, name), str) and "://" in value
    }
    assert urls.keys() >= {name for name in dir(Client) if name.endswith("_URL")}
    strangers = {name: url for name, url in urls.items() if not url.startswith((BASE, "ws://127.0.0.1:8001"))}
    assert strangers == {}
    assert {client.ws_api._url, client.ws_future._url} == {
        "ws://127.0.0.1:8001/ws-api/v3",
        "ws://127.0.0.1:8001/ws-fapi/v1",
    }


def test_every_family_of_requests_is_built_on_the_host() -> None:
    client = a_client()
    builders = [
        name for name in dir(BaseClient) if name.startswith("_create_") and name.endswith(("_uri", "_url"))
    ]
    assert len(builders) == 9
    assert [name for name in builders if not getattr(client, name)("x").startswith(BASE + "/")] == []


def test_urls_keep_binances_paths() -> None:
    urls = urls_of(BASE)
    assert urls["API_URL"] == f"{BASE}/api"
    assert urls["MARGIN_API_URL"] == f"{BASE}/sapi"
    assert urls["FUTURES_TESTNET_URL"] == f"{BASE}/fapi"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com/api/v3/time",
        "https://testnet.binance.vision/api/v3/time",
        "http://127.0.0.1:9001/api/v3/time",
        "http://127.0.0.1:8001@example.org/api",
        "https://127.0.0.1:8001/api/v3/time",
    ],
)
def test_the_session_has_no_way_to_another_host(url: str, reached: list[Any]) -> None:
    with pytest.raises(requests.exceptions.InvalidSchema):
        a_client().session.get(url)
    assert reached == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, reached: list[Any]) -> None:
    with Edge() as edge, Edge() as elsewhere:
        edge.endings.append(http(status, "", Location=f"{elsewhere.url}/api/v3/order"))
        with pytest.raises(Exception, match="APIError"):
            a_client(edge.url).create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
        assert (len(edge.requests), elsewhere.requests) == (1, [])


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch, reached: list[Any]) -> None:
    with Edge() as edge, Edge() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        edge.endings.append(http(200, {"price": "1.0"}))
        assert a_client(edge.url).get_symbol_ticker(symbol="BTCUSDT") == {"price": "1.0"}
        assert proxy.requests == []


@pytest.mark.parametrize(
    "url", ["", "api", "ftp://host", "http://", "http://a{}b", "http://user@host", "http://h/?q"]
)
def test_what_is_no_base_url_builds_no_client(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        a_client(url)


def test_building_a_client_leaves_the_event_loop_alone() -> None:
    async def build() -> asyncio.AbstractEventLoop:
        a_client()
        return asyncio.get_running_loop()

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(build()) is loop
    loop.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_builds_its_own_clients(settings: Any) -> None:
    from exchange import connect

    settings.SANDBOX_URL = BASE
    here = connect.market_data("sandbox")
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(sender, b"same" if connect.market_data("sandbox") is here else b"own")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiver, 10) == b"own"
    assert connect.market_data("sandbox") is here
    os.close(receiver)
    os.close(sender)
