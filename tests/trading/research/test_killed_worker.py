"""A worker killed in the middle of a backtest: found by state, taken up again, finished by another."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from trading.models import Backtest
from trading.research.backtests import request_backtest
from trading.research.holding import BACKTESTS, held_keys
from trading.research.resuming import resume_backtests
from trading.research.running import run_backtest

pytestmark = pytest.mark.django_db(transaction=True)
WORKER = (
    "import django, sys; django.setup(); from trading.research.running import run_backtest as run; run({key})"
)


@pytest.fixture
def mute_market() -> Iterator[str]:
    """A market that lets callers wait: it takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def worker_on(row: Backtest, market: str) -> subprocess.Popen[bytes]:
    parts = connection.get_connection_params()
    database = "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    environment = {**os.environ, "DATABASE_URL": database, "SANDBOX_URL": market}
    environment["DJANGO_SETTINGS_MODULE"] = "tradebot.settings"
    command = [sys.executable, "-c", WORKER.format(key=row.pk)]
    return subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stderr=subprocess.DEVNULL)


def wait_until(is_so: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_another_worker_finishes_what_a_killed_one_began(
    alice: Any, minutes: Any, asked: Any, mute_market: str
) -> None:
    row = request_backtest(alice, asked(stop_loss_perc="0.5"))
    rows = Backtest.objects.filter(pk=row.pk)
    # Of the paper market nothing is stored: the worker asks it, and waits for its answer.
    rows.update(source="sandbox")
    worker = worker_on(row, mute_market)
    try:
        wait_until(lambda: rows.filter(status="running", step="candles").exists())
        assert held_keys(BACKTESTS) == {row.pk}
        assert run_backtest(row.pk) == "waiting (another one runs)"
        assert resume_backtests(timezone.now()) == 0
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    wait_until(lambda: held_keys(BACKTESTS) == set())

    assert rows.values_list("status", "attempts").get() == ("running", 1)
    assert resume_backtests(timezone.now()) == 1
    rows.update(source="binance")
    assert run_backtest(row.pk) == "done"
    assert rows.values_list("status", "attempts", "progress").get() == ("done", 2, 100)
