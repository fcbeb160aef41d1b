"""The status stream: who may read it, its first event at once, then one on every change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from accounts.tokens import issue_tokens
from bots.models import BotState

FIELDS = {
    "status", "in_position", "entry_price", "daily_pnl", "daily_trades_count", "last_updated_at", "bot_config_id",
}  # fmt: skip


def _open(site: str, bot: Any, user: Any) -> requests.Response:
    token = issue_tokens(user, remember_me=False)["access_token"]
    address = f"{site}/api/v1/bots/{bot.pk}/status-stream"
    return requests.get(address, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=10)


def _bodies(response: requests.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines(chunk_size=1):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_first_at_once_then_on_change(live_site: str, alice: Any, make_bot: Any) -> None:
    bot, began = make_bot(), time.monotonic()
    with _open(live_site, bot, alice) as response:
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/event-stream")
        bodies = _bodies(response)
        first = next(bodies)
        assert time.monotonic() - began < 5
        assert set(first) == FIELDS
        assert (first["status"], first["daily_pnl"], first["entry_price"]) == ("stopped", "0", None)
        BotState.objects.filter(pk=bot.pk).update(
            status="waiting", status_detail="no signal", daily_pnl="-1.50"
        )
        changed_at = time.monotonic()
        second = next(bodies)
        assert time.monotonic() - changed_at < 2.5
        assert (second["status"], second["daily_pnl"]) == ("waiting (no signal)", "-1.5")


def test_who_may_read(live_site: str, alice: Any, charlie: Any, bob: Any, make_bot: Any) -> None:
    bot = make_bot()
    for stranger in (charlie, bob):
        with _open(live_site, bot, stranger) as response:
            assert response.status_code == 404
    address = f"{live_site}/api/v1/bots/{bot.pk}/status-stream"
    assert requests.get(address, timeout=10).status_code == 401
    assert requests.get(address, headers={"Authorization": "Bearer forged"}, timeout=10).status_code == 401
    with _open(live_site, bot, alice) as response:
        assert response.status_code == 200


def test_a_closed_account_hears_no_more(live_site: str, alice: Any, make_bot: Any) -> None:
    with _open(live_site, make_bot(), alice) as response:
        bodies = _bodies(response)
        next(bodies)
        type(alice).objects.filter(pk=alice.pk).update(is_active=False)
        with pytest.raises(StopIteration):
            next(bodies)


def test_open_streams_leave_the_database_to_the_pages(live_site: str, alice: Any, make_bot: Any) -> None:
    from django.db import connection

    bot = make_bot()
    streams = [_open(live_site, bot, alice) for _number in range(15)]
    for stream in streams:
        next(_bodies(stream))
    # A connection goes back to the pool a moment after the look that borrowed it.
    give_up_at = time.monotonic() + 5
    while (open_connections := _open_connections(connection)) >= 10 and time.monotonic() < give_up_at:
        time.sleep(0.05)
    for stream in streams:
        stream.close()
    assert open_connections < 10


def _open_connections(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
