"""`manage.py optimize`: the search of the page and the API, followed from a terminal to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tradebot.supervisor.instance import ROOT
from trading.models import Optimization
from trading.research.backtests import request_backtest
from trading.research.optimization_running import run_slice
from trading.research.optimizations import ranked, request_optimization
from trading.waking import note_research

pytestmark = pytest.mark.django_db
PLAIN = (
    "--symbol", "BTCUSDT", "--timeframe", "1m", "--strategy", "ema", "--capital", "2000", "--from", "2025-06-17",
    "--to", "2025-06-18", "--param", "rsi_oversold=1", "--param", "rsi_overbought=99",
)  # fmt: skip
SEARCH = ("--search", "ema_fast=2,3,4", "--search", "ema_slow=5:8:3", "--search", "stop_loss_perc=0.5:1:0.5")
SPACE = {
    "ema_fast": [2, 3, 4],
    "ema_slow": {"from": "5", "to": "8", "step": "3"},
    "stop_loss_perc": {"from": "0.5", "to": "1", "step": "0.5"},
}


def by_the_api(alice: Any, values: dict[str, Any], **more: Any) -> Optimization:
    row = request_optimization(alice, {**values, "space": SPACE, **more})
    while run_slice(row.pk) == "more":
        continue
    row.refresh_from_db()
    return row


def test_it_finds_what_the_api_finds(minutes: Any, alice: Any, asked: Any, capsys: Any) -> None:
    """Without a worker, in this process."""
    call_command("optimize", *PLAIN, *SEARCH, "--user", alice.email, "--min-positions", "5", "--json")
    said = capsys.readouterr()
    last = json.loads(said.out.splitlines()[-1])
    values = asked(strategy_params={"rsi_oversold": 1, "rsi_overbought": 99})
    row = by_the_api(alice, values, min_positions=5)
    board = [(one.values, one.score, one.inside, one.outside) for one in ranked(row)[:10]]
    assert (last["verb"], last["ok"], last["sets"], last["tried"]) == ("optimize", True, 12, 12)
    assert last["best"] == row.best
    assert last["data_fingerprint"] == row.data_fingerprint
    found = [(one["values"], one["score"], one["inside"], one["outside"]) for one in last["leaderboard"]]
    assert found == board
    assert last["optimization"] in Optimization.objects.for_user(alice).values_list("pk", flat=True)
    assert "No research worker is there: this process does the work." in said.err


def test_it_tells_people_both_sides_and_the_verdict(
    minutes: Any, alice: Any, asked: Any, capsys: Any
) -> None:
    call_command("optimize", *PLAIN, *SEARCH, "--user", alice.email, "--min-positions", "5", "--windows", "2")
    out = capsys.readouterr().out
    row = Optimization.objects.get()
    best = ranked(row).first()
    (line,) = [line for line in out.splitlines() if line.split()[:1] == [str(best.number)]]
    for side in (best.inside, best.outside):
        assert f"{side['total_return'] * 100:,.2f} %" in line
        assert f"{side['max_drawdown'] * 100:,.2f} %" in line
    assert ", ".join(f"{name} {value}" for name, value in best.values.items()) in line
    assert "12 sets tried, Grid: every combination; best by: Return over drawdown" in out
    assert [f"Window {number}: set" in out for number in (1, 2, 3)] == [True, True, False]
    assert "Do not trade this." in out
    assert "Past results on recorded prices say nothing about future ones." in out
    assert "{" not in out


def test_it_begins_at_a_backtest_or_a_bot(
    minutes: Any, alice: Any, asked: Any, make_bot: Any, capsys: Any
) -> None:
    base = request_backtest(alice, asked())
    call_command(
        "optimize", "--backtest", str(base.pk), "--search", "ema_fast=2:3", "--method", "tpe", "--sets", "2"
    )
    row = Optimization.objects.get()
    assert (row.user, row.method, row.tried, row.strategy_params) == (alice, "tpe", 2, base.strategy_params)
    assert row.space == [{"name": "ema_fast", "of": "params", "values": [2, 3]}]
    bot = make_bot(timeframe="5m")
    of_bot = (str(bot.pk), "--from", "2025-06-17", "--to", "2025-06-18", "--set", "source=binance")
    call_command("optimize", *of_bot, "--search", "ema_fast=5,7", "--holdout", "50", "--objective", "sharpe")
    row = Optimization.objects.latest("pk")
    assert (row.user, row.bot_config, row.timeframe, row.objective) == (bot.user, bot, "5m", "sharpe")
    assert row.split_at - row.start_at == row.end_at - row.split_at


def test_where_no_set_can_be_ranked_it_says_why(minutes: Any, alice: Any, capsys: Any) -> None:
    call_command("optimize", *PLAIN, *SEARCH, "--user", alice.email, "--min-positions", "90000")
    assert "No set could be ranked: none has a score from 90000 positions or more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--search", "ema_fast"), "--search: Write NAME=FROM:TO:STEP, NAME=A,B,C, or NAME= for what the parameter "
         "proposes, not 'ema_fast'."),
        (("--search", "ema_fast=1:2:3:4"), "--search: Write NAME=FROM:TO:STEP, NAME=A,B,C, or NAME= for what the "
         "parameter proposes, not 'ema_fast=1:2:3:4'."),
        (("--search", "ema_fast=2", "--search", "ema_fast=3"), "--search ema_fast: It is named twice; name it once."),
        (("--search", "ema_fast=9:2:1"), "--search ema_fast: The last value must not lie before the first."),
        (("--search", "stop_loss_perc=no"), "--search stop_loss_perc: This must be a number with at most 4"),
        (("--search", "colour=1"), "--search colour: This cannot be searched. What can: ema_fast, ema_slow, "),
        ((), "--search: Choose at least one parameter to search."),
        ((*SEARCH, "--method", "best"), "--method: Choose one of: grid, random, tpe."),
        ((*SEARCH, "--sets", "1"), "--sets: This must be from 2 to 1000."),
        ((*SEARCH, "--holdout", "90"), "--holdout: This must be from 5 to 50."),
        ((*SEARCH, "--windows", "13"), "--windows: This must be from 0 to 12."),
        ((*SEARCH, "--timeframe", "2m"), "--timeframe: "),
        ((*SEARCH, "--user", "nobody@example.com"), "--user: Nobody has the address 'nobody@example.com'."),
        ((*SEARCH, "--backtest", "999999"), "--backtest: This backtest does not exist."),
    ],
)  # fmt: skip
def test_what_cannot_be_served_names_the_option(
    minutes: Any, alice: Any, arguments: Any, message: str
) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("optimize", *PLAIN, "--user", alice.email, *arguments)
    assert caught.value.returncode == 2
    assert any(line.startswith(message) for line in str(caught.value).splitlines()), str(caught.value)
    assert not Optimization.objects.exists()


def test_whose_it_is_must_be_known(minutes: Any) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("optimize", *PLAIN, *SEARCH)
    assert (caught.value.returncode, str(caught.value)) == (
        2, "--user: Say whose search it is (an address), or name a bot, or a --backtest.",
    )  # fmt: skip
    with pytest.raises(CommandError) as caught:
        call_command("optimize", *SEARCH, "--backtest", "999999")
    assert (caught.value.returncode, str(caught.value)) == (2, "--backtest: There is no backtest 999999.")


@pytest.mark.django_db(transaction=True)
def test_where_a_worker_is_there_it_follows(minutes: Any, alice: Any, capsys: Any) -> None:
    note_research(for_seconds=60)

    def work() -> None:
        """As a worker would: it alone moves the search."""
        until = time.monotonic() + 60
        while time.monotonic() < until and not Optimization.objects.filter(status="done").exists():
            for key in Optimization.objects.values_list("pk", flat=True):
                run_slice(key)
            time.sleep(0.05)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        call_command("optimize", *PLAIN, *SEARCH, "--user", alice.email, "--min-positions", "5")
    finally:
        worker.join()
    said = capsys.readouterr()
    assert "Research workers do the work." in said.err
    assert "12 sets tried" in said.out


@pytest.mark.django_db(transaction=True)
def test_called_off_from_elsewhere_it_fails(minutes: Any, alice: Any) -> None:
    note_research(for_seconds=60)

    def call_off() -> None:
        from trading.research.optimizations import cancel

        until = time.monotonic() + 60
        while time.monotonic() < until and not (row := Optimization.objects.first()):
            time.sleep(0.05)
        if row is not None:
            cancel(row)
        connection.close()

    other = threading.Thread(target=call_off)
    other.start()
    try:
        with pytest.raises(CommandError) as caught:
            call_command("optimize", *PLAIN, *SEARCH, "--user", alice.email)
    finally:
        other.join()
    assert (caught.value.returncode, str(caught.value)) == (1, "Cancelled.")


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_calls_it_off_where_no_worker_would(minutes: Any, alice: Any) -> None:
    parts = connection.get_connection_params()
    database = "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    many = ("--search", "ema_fast=2:41:1", "--search", "ema_slow=50:149:1", "--user", alice.email)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "optimize", *PLAIN, *many],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 120
    while time.monotonic() < until and not Optimization.objects.filter(tried__gt=0).exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _out, said = process.communicate(timeout=60)
    row = Optimization.objects.get()
    assert (process.returncode, row.status) == (1, "cancelled"), said
    assert "Called off; what was tried is kept." in said
    assert 0 < row.tried < row.sets == 4_000
