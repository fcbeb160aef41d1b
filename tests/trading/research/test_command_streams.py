"""What a command of research answers is on stdout, alone; what it logs on the way is JSON on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection

from tradebot.supervisor.instance import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
PERIOD = ("--from", "2025-06-17", "--to", "2025-06-18", "--set", "source=binance")
SEARCH = ("--search", "ema_fast=5,8", "--min-positions", "1")


@pytest.mark.parametrize(
    ("command", "logged"),
    [
        (("parity", "{bot}"), ["parity_checked"]),
        (("backtest", "{bot}", *PERIOD), []),
        (("optimize", "{bot}", *PERIOD, *SEARCH), ["optimization_asked", "optimization_ended"]),
    ],
)
def test_logs_are_not_in_the_answer(minutes: Any, make_bot: Any, command: Any, logged: list[str]) -> None:
    bot = make_bot(timeframe="5m")
    parts = connection.get_connection_params()
    database = "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    done = subprocess.run(
        [sys.executable, "manage.py", *(text.format(bot=bot.pk) for text in command), "--json"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )
    *answer, last = done.stdout.splitlines()
    assert len(answer) > 0
    assert [line for line in answer if line.startswith("{")] == []
    assert isinstance(json.loads(last), dict)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines() if line.startswith("{")]
    assert [event for event in events if event in logged] == logged
