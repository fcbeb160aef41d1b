"""The stream of live events over HTTP: each to its owner, and to nobody else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import requests
from django.test import Client

from accounts.live import publish


def _lines(response: requests.Response) -> Iterator[str]:
    assert response.status_code == 200
    return response.iter_lines(chunk_size=1, decode_unicode=True)


def _events(lines: Iterator[str], name: str, seconds: float) -> list[str]:
    """Data of the events called `name` that arrive until one has, or the time is up (heartbeats keep it going)."""
    found, current, end = [], "", time.monotonic() + seconds
    for line in lines:
        if line.startswith("event: "):
            current = line[7:]
        elif line.startswith("data:") and current == name:
            found.append(line[5:].strip())
        if found or time.monotonic() > end:
            return found
    return found


def _stream_of(site: str, user: Any) -> requests.Response:
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    return requests.get(f"{site}/live/", cookies=cookies, stream=True, timeout=10)


def test_names_reach_their_owner_only(live_site: str, alice: Any, charlie: Any) -> None:
    with _stream_of(live_site, alice) as alices, _stream_of(live_site, charlie) as charlies:
        hers, his = _lines(alices), _lines(charlies)
        # A heartbeat came through Redis: both are listening.
        assert _events(hers, "heartbeat", 5) == [""]
        assert _events(his, "heartbeat", 5) == [""]
        publish(alice.pk, "bot-12", "trades")
        assert [json.loads(data) for data in _events(hers, "changed", 5)] == [["bot-12", "trades"]]
        assert _events(his, "changed", 1.5) == []


def test_open_streams_leave_the_database_to_the_pages(live_site: str, alice: Any) -> None:
    from django.db import connection

    streams = [_stream_of(live_site, alice) for _number in range(12)]
    for stream in streams:
        assert _events(_lines(stream), "stream-open", 5) == [""]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (open_connections,) = cursor.fetchone()
    for stream in streams:
        stream.close()
    assert open_connections < 8
