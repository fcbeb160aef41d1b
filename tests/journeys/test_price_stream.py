"""The stream of prices over HTTP: for who is signed in, and at no cost of database connections."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test import Client

from trading.markets import forget_board


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    forget_board()
    yield
    forget_board()


def stream_of(site: str, user: Any, query: str = "") -> requests.Response:
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    return requests.get(f"{site}/markets/stream{query}", cookies=cookies, stream=True, timeout=10)


def told(response: requests.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines(chunk_size=1):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def rows_of(response: requests.Response) -> dict[str, Any]:
    return next(event["rows"] for event in told(response) if event["rows"])


def test_nobody_unknown_hears_prices(live_site: str) -> None:
    assert requests.get(f"{live_site}/markets/stream", timeout=10).status_code == 401


def test_prices_come_whatever_is_asked_for(live_site: str, alice: Any, sandbox: Any) -> None:
    with stream_of(live_site, alice) as response:
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/event-stream")
        rows = rows_of(response)
        assert set(rows) == {"BTCUSDT", "ETHUSDT"}
        assert rows["BTCUSDT"]["raw"] > 0
    with stream_of(live_site, alice, "?symbol=ETHUSDT") as response:
        assert set(rows_of(response)) == {"ETHUSDT"}


def test_open_streams_leave_the_database_to_the_pages(live_site: str, alice: Any, sandbox: Any) -> None:
    from django.db import connection

    streams = [stream_of(live_site, alice) for _number in range(15)]
    for stream in streams:
        rows_of(stream)
    give_up_at = time.monotonic() + 5
    while (count := open_connections(connection)) >= 10 and time.monotonic() < give_up_at:
        time.sleep(0.05)
    for stream in streams:
        stream.close()
    assert count < 10


def open_connections(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
