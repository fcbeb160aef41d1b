"""`manage.py backtest`: a report for people, one JSON line when asked, and exit codes that mean something."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exchange.candles.blocks import add
from exchange.candles.store import Series
from exchange.models import CandleBlock
from tests.trading.research.conftest import SERIES
from trading.models import Backtest
from trading.research.backtests import request_backtest
from trading.research.running import run_backtest

pytestmark = pytest.mark.django_db
PERIOD = ("--from", "2025-06-17", "--to", "2025-06-18")
FAST = (
    "--param",
    "ema_fast=2",
    "--param",
    "ema_slow=5",
    "--param",
    "rsi_oversold=1",
    "--param",
    "rsi_overbought=99",
)
PLAIN = ("--symbol", "BTCUSDT", "--timeframe", "1m", "--strategy", "ema", "--capital", "2000", *PERIOD)


def test_it_tells_people_and_programs(minutes: Any, alice: Any, asked: Any, capsys: Any) -> None:
    call_command("backtest", *PLAIN, *FAST, "--stop", "0.5", "--json")
    out = capsys.readouterr().out
    last = json.loads(out.splitlines()[-1])
    row = request_backtest(alice, asked(stop_loss_perc="0.5"))
    run_backtest(row.pk)
    row.refresh_from_db()
    assert (last["verb"], last["ok"]) == ("backtest", True)
    assert last["statistics"] == row.statistics
    assert last["data_fingerprint"] == row.data_fingerprint
    assert (len(last["trades"]), len(last["daily"])) == (row.statistics["trades"], 2)
    assert "2,880 one-minute candles of binance, 0 missing" in out
    assert "BTCUSDT 1m, 2025-06-17 00:00 to 2025-06-19 00:00 UTC" in out
    assert "Unfit: it lost, or its result means nothing. Do not trade this." in out
    assert "Past results on recorded prices say nothing about future ones." in out
    assert Backtest.objects.count() == 1


def test_without_json_no_line_is_an_object(minutes: Any, capsys: Any) -> None:
    call_command("backtest", *PLAIN)
    assert "{" not in capsys.readouterr().out


def test_a_bot_is_named_by_its_number(minutes: Any, make_bot: Any, capsys: Any) -> None:
    bot = make_bot(timeframe="5m")
    call_command("backtest", str(bot.pk), *PERIOD, "--set", "source=binance", "--json")
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["timeframe"], last["settings"]["initial_capital"]) == ("5m", "1000")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--symbol", "BTCUSDT", "--capital", "2000", "--timeframe", "1m"),
            "--from: Say from when to when.",
        ),
        ((*PLAIN, "--set", "bogus=1"), "bogus: This field is unknown."),
        ((*PLAIN, "--set", "bogus"), "Write NAME=VALUE, not 'bogus'."),
        ((*PLAIN, "--param", "ema_fast=many"), "strategy_params: ema_fast: Must be a whole number."),
        (("999999", *PERIOD), "There is no bot 999999."),
    ],
)
def test_what_cannot_be_served_is_usage(minutes: Any, arguments: Any, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("backtest", *arguments)
    assert caught.value.returncode == 2
    assert message in str(caught.value).splitlines()


def test_a_hole_as_long_as_the_period_is_refused(minutes: Any) -> None:
    """Candles that begin before it and end after it do not help."""
    CandleBlock.objects.all().delete()
    for part in (minutes[:10], minutes[-10:]):
        add(Series(*SERIES), part)
    with pytest.raises(CommandError) as caught:
        call_command("backtest", *PLAIN)
    assert caught.value.returncode == 2
    assert "2880 minutes of this period are not stored" in str(caught.value)
