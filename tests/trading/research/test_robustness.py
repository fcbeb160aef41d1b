"""What is tried on a finished backtest lies beside its result, with a verdict in words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.amounts import e8_from_decimal
from engine.verdict import LEVEL_OF_WORD, TEXTS
from trading.models import Backtest
from trading.research.backtests import request_backtest
from trading.research.running import run_backtest

pytestmark = pytest.mark.django_db


def ran(user: Any, values: dict[str, Any]) -> Backtest:
    row = request_backtest(user, values)
    assert run_backtest(row.pk) == "done"
    row.refresh_from_db()
    return row


def test_luck_costs_and_a_verdict_are_kept(alice: Any, minutes: Any, asked: Any) -> None:
    row = ran(alice, asked(stop_loss_perc="0.5"))
    found = row.robustness
    assert set(found) == {"looks_ahead", "look_ahead", "concentration", "luck", "costs", "walk", "verdict"}
    assert (found["looks_ahead"], found["look_ahead"]["offence"], found["walk"]) == (False, None, None)
    assert found["look_ahead"]["prefixes"] > 100
    assert found["luck"]["positions"] == row.statistics["positions"]

    rows = {entry["percent"]: entry for entry in found["costs"]["rows"]}
    assert rows[100]["total_pnl"] == row.statistics["total_pnl"]
    assert rows[100]["taker_e6"] == 1000
    results = [e8_from_decimal(rows[percent]["total_pnl"]) for percent in sorted(rows)]
    assert results == sorted(results, reverse=True)

    verdict = found["verdict"]
    assert verdict["level"] == "unfit"
    assert all(reason["code"] in TEXTS and reason["allows"] in LEVEL_OF_WORD for reason in verdict["reasons"])


def test_a_strategy_that_never_enters_is_judged_too(alice: Any, minutes: Any, asked: Any) -> None:
    never = {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 0, "rsi_overbought": 1}
    row = ran(alice, asked(strategy_params=never))
    assert (row.statistics["positions"], row.statistics["total_pnl"]) == (0, "0")
    assert (row.robustness["luck"], row.robustness["costs"]) == (None, None)
    assert [reason["code"] for reason in row.robustness["verdict"]["reasons"]][0] == "no_positions"


@pytest.mark.parametrize("timeframe", ["5m", "1h"])
def test_coarser_candles_stand_on_their_minutes(alice: Any, minutes: Any, asked: Any, timeframe: str) -> None:
    row = ran(alice, asked(timeframe=timeframe, start_time="2025-06-18", stop_loss_perc="0.5"))
    assert row.statistics["bars"] == 1440 // {"5m": 5, "1h": 60}[timeframe]
    assert row.candles["minutes"] == 1440
    rows = (
        {entry["percent"]: entry for entry in row.robustness["costs"]["rows"]}
        if row.robustness["costs"]
        else {}
    )
    if rows:
        assert rows[100]["total_pnl"] == row.statistics["total_pnl"]
