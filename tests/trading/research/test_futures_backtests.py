"""A backtest of futures from request to report: sides, funding to the digit, what it stood on, and where it ends."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from bots.validation import ConfigurationRefused
from engine.results import LIQUIDATION, Folded
from exchange.candles import history
from exchange.futures.funding import funding_of
from exchange.instants import ms_of
from exchange.models import FundingRate
from tests.backtests import ask_of_futures, run, store_futures
from tests.trading.research.test_futures_checking import refused
from trading.models import Backtest
from trading.models.research import ResearchStatus
from trading.research.backtests import bot_values_of, folded_of, request_backtest, values_of
from trading.research.optimization_running import run_lane
from trading.research.optimizations import request_optimization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _candles(symbols: None, settings: Any, tmp_path: Any) -> None:
    store_futures(settings, tmp_path)


@pytest.fixture
def done(alice: Any) -> Backtest:
    return run(ask_of_futures(alice))


def found_in(backtest: Backtest) -> Folded:
    assert backtest.status == ResearchStatus.DONE, backtest.message
    folded = folded_of(backtest)
    assert folded is not None
    return folded


def test_what_is_asked_of_futures_becomes_a_row(alice: Any) -> None:
    row = ask_of_futures(alice)
    row.refresh_from_db()
    assert (row.market, row.source, row.symbol, row.quote_asset) == ("futures", "binance", "BTCUSDT", "USDT")
    kept = {
        name: row.settings[name] for name in ("direction", "leverage", "taker_fee_perc", "maker_fee_perc")
    }
    assert kept == {"direction": "both", "leverage": 5, "taker_fee_perc": "0.05", "maker_fee_perc": "0.02"}
    # Asked again it says the same.
    period = {"start_time": row.start_at, "end_time": row.end_at}
    assert request_backtest(alice, {**values_of(row), **period}).settings == row.settings


def test_a_settlement_without_a_rate_is_named(alice: Any) -> None:
    """The last day of the recording: its rate of 08:00 is not known."""
    assert refused(alice, start_time="2025-06-02T12:00", end_time="2025-06-03T12:00") == {
        "start_time": [
            "Funding rates of BTCUSDT (binance) are missing for 1 of 3 settlements of this period, the first at "
            "2025-06-03 08:00 UTC. Import them with “manage.py import_funding”, or choose another period."
        ]
    }
    FundingRate.objects.all().delete()
    assert "missing for 6 of 6 settlements" in refused(alice)["start_time"][0]
    # Between two settlements nothing is paid, so that nothing is missing.
    assert ask_of_futures(alice, start_time="2025-05-10T09:00", end_time="2025-05-10T15:00").pk


def test_few_settlements_without_a_rate_do_not_refuse(alice: Any) -> None:
    assert ask_of_futures(alice, start_time="2025-05-25", end_time="2025-06-03T12:00").pk


def test_positions_go_both_ways_and_their_results_add_up(done: Backtest) -> None:
    rows, found = found_in(done).positions, done.statistics
    assert set(rows.side.tolist()) == {-1, 1}
    assert Decimal(int(rows.pnl_e8.sum())).scaleb(-8) == Decimal(found["total_pnl"])
    assert Decimal(int(rows.funding_e8.sum())).scaleb(-8) == Decimal(found["funding"])
    earned = rows.side * (rows.exit_price_e8 - rows.entry_price_e8) / 1e8 * rows.quantity_e8 / 1e8
    net = earned - (rows.fees_e8 + rows.funding_e8) / 1e8
    assert net == pytest.approx(rows.pnl_e8 / 1e8, abs=1e-4)
    # Five times the stake, less what is kept back for fees.
    worth = rows.quantity_e8[0] / 1e8 * rows.entry_price_e8[0] / 1e8
    assert worth == pytest.approx(2000 * 5 / (1 + 5 * 0.0015), rel=0.002)


def test_funding_is_paid_by_who_holds_at_the_settlement(alice: Any) -> None:
    """Reckoned again from stored rates and minutes: quantity × close of the minute before × rate, truncated."""
    slow = {"ema_fast": 20, "ema_slow": 60, "rsi_oversold": 1, "rsi_overbought": 99}
    done = run(ask_of_futures(alice, strategy_params=slow, start_time="2025-05-10", end_time="2025-05-14"))
    rows = found_in(done).positions
    of = ("binance", "futures", "BTCUSDT")
    start_ms, end_ms = ms_of(done.start_at), ms_of(done.end_at)
    minutes = history(*of, "1m", start_ms=start_ms, end_ms=end_ms)
    funding = funding_of("binance", "BTCUSDT", start_ms=start_ms, end_ms=end_ms)
    expected = np.zeros(len(rows), dtype=np.int64)
    for at_ms, rate_e8 in zip(funding.at_ms.tolist(), funding.rate_e8.tolist(), strict=True):
        mark_e8 = int(minutes.close[np.searchsorted(minutes.open_ms, at_ms) - 1])
        for place in np.flatnonzero((rows.opened_ms < at_ms) & (at_ms <= rows.closed_ms)):
            worth_e8 = int(rows.quantity_e8[place]) * mark_e8 // 10**8
            paid = worth_e8 * abs(rate_e8) // 10**8
            expected[place] += paid if rate_e8 * int(rows.side[place]) > 0 else -paid
    assert np.count_nonzero(expected) >= 5
    assert rows.funding_e8.tolist() == expected.tolist()


def test_the_report_names_what_it_stood_on(done: Backtest) -> None:
    assert done.message == ""
    assert done.rules_version == 20260331
    assert done.candles["futures"] == {
        "settlements": 6,
        "missing_settlements": 0,
        "missing_at_ms": [],
        "rules_recorded": "2026-03-31",
        "brackets_recorded": "2024-10",
    }


def test_a_missing_rate_is_told(alice: Any) -> None:
    done = run(ask_of_futures(alice, start_time="2025-05-25", end_time="2025-06-03T12:00"))
    assert done.message == "1 of 28 funding settlements have no stored rate; nothing was paid at them."
    assert done.candles["futures"]["missing_at_ms"] == [1_748_937_600_000]


def test_another_rate_is_another_fingerprint(alice: Any, done: Backtest) -> None:
    FundingRate.objects.filter(settled_ms__gt=ms_of(done.start_at)).update(rate_e8=7_000)
    other = run(ask_of_futures(alice))
    assert other.data_fingerprint != done.data_fingerprint
    assert run(ask_of_futures(alice)).data_fingerprint == other.data_fingerprint


def test_it_is_no_bot_yet(alice: Any, done: Backtest) -> None:
    from bots.lifecycle import LifecycleRefused

    with pytest.raises(LifecycleRefused, match="Bots trade on the spot market so far"):
        bot_values_of(done)


def test_tables_carry_side_and_funding(alice_api: Any, charlie_api: Any, done: Backtest) -> None:
    address = f"/api/v1/backtests/{done.pk}/"
    rows = list(csv.DictReader(alice_api.get(f"{address}positions.csv").content.decode().splitlines()))
    assert {row["side"] for row in rows} == {"long", "short"}
    assert sum(Decimal(row["funding"]) for row in rows) == Decimal(done.statistics["funding"])
    trades = list(csv.DictReader(alice_api.get(f"{address}trades.csv").content.decode().splitlines()))
    first_short = next(row["number"] for row in rows if row["side"] == "short")
    of_it = [row for row in trades if row["position"] == first_short]
    assert [row["side"] for row in of_it] == ["SELL", "BUY"]
    assert ([row["realized_pnl"] != "" for row in of_it], {row["commission_asset"] for row in of_it}) == (
        [False, True],
        {"USDT"},
    )
    everything = alice_api.get(f"{address}everything").json()
    assert everything["backtest"]["settings"]["direction"] == "both"
    assert everything["backtest"]["candles"]["futures"]["brackets_recorded"] == "2024-10"
    assert [row["side"] for row in everything["positions"]] == [row["side"] for row in rows]
    refusal = alice_api.get(f"{address}bot-values")
    assert (refusal.status_code, "spot market so far" in str(refusal.json())) == (409, True)
    for table in ("", "positions.csv", "everything", "bot-values"):
        assert charlie_api.get(f"{address}{table}").status_code == 404


def test_the_api_takes_the_names_of_futures(alice_api: Any, anonymous_api: Any) -> None:
    body = {
        "market": "futures", "direction": "short", "leverage": 3, "symbol": "BTCUSDT", "timeframe": "5m",
        "from": "2025-05-10", "to": "2025-05-11", "strategy": "ema", "initial_capital": "2000",
    }  # fmt: skip
    assert anonymous_api.post("/api/v1/backtests/", body, format="json").status_code == 401
    refusal = alice_api.post("/api/v1/backtests/", body, format="json")
    assert (refusal.status_code, refusal.json()) == (400, {"stop_loss_perc": ["Futures need a stop loss."]})
    answer = alice_api.post("/api/v1/backtests/", {**body, "stop_loss_perc": "2"}, format="json")
    assert (answer.status_code, answer.json()["market"]) == (202, "futures")
    assert (answer.json()["settings"]["direction"], answer.json()["settings"]["leverage"]) == ("short", 3)
    listed = alice_api.get("/api/v1/backtests/", {"market": "futures"}).json()
    assert listed["count"] == 1


def test_the_command_tells_of_futures(capsys: Any) -> None:
    call_command(
        "backtest", "--market", "futures", "--direction", "short", "--leverage", "5", "--symbol", "BTCUSDT",
        "--timeframe", "5m", "--strategy", "ema", "--capital", "2000", "--stop", "1", "--from", "2025-05-10",
        "--to", "2025-05-14", "--json",
    )  # fmt: skip
    out = capsys.readouterr().out
    last = json.loads(out.splitlines()[-1])
    assert "  futures, short, leverage 5\n" in out
    assert "15 funding settlements, 0 of them without a rate; rules of 2026-03-31, brackets of 2024-10" in out
    assert {row["side"] for row in last["positions"]} == {"short"}
    assert (last["market"], last["settings"]["leverage"]) == ("futures", 5)


def test_leverage_one_goes_as_far_as_the_money(alice: Any) -> None:
    rows = found_in(run(ask_of_futures(alice, leverage=1, direction="long"))).positions
    worth = rows.quantity_e8 / 1e8 * rows.entry_price_e8 / 1e8
    assert (rows.side == 1).all()
    assert worth.max() < 2000


@pytest.mark.parametrize("rate_e8", [1_900_000, 5_000_000])
def test_funding_that_eats_the_margin_ends_in_liquidation(alice: Any, rate_e8: int) -> None:
    """1.9 % and 5 % of a position whose margin is 2 %: never more than the margin and the entry's fee is lost."""
    FundingRate.objects.update(rate_e8=rate_e8)
    slow = {"ema_fast": 20, "ema_slow": 60, "rsi_oversold": 1, "rsi_overbought": 99}
    wanted = {"direction": "long", "leverage": 50, "position_size_perc": "10", "strategy_params": slow}
    done = run(ask_of_futures(alice, **wanted, start_time="2025-05-10", end_time="2025-05-14"))
    rows = found_in(done).positions
    ended = np.flatnonzero(rows.exit_reason == LIQUIDATION)
    assert len(ended) == done.statistics["exits"]["liquidation"] > 0
    for at in ended:
        notional = int(rows.quantity_e8[at]) * int(rows.entry_price_e8[at]) / 1e16
        lost = -int(rows.pnl_e8[at]) / 1e8
        assert lost == pytest.approx(notional / 50 + int(rows.fees_e8[at]) / 1e8, abs=1e-4)
    assert Decimal(int(rows.pnl_e8.sum())).scaleb(-8) == Decimal(done.statistics["total_pnl"])


def test_sets_of_a_search_are_folded_as_their_backtests(alice: Any, done: Backtest) -> None:
    row = request_optimization(
        alice,
        {
            "backtest": done.pk, "space": {"ema_fast": ["2", "3"], "stop_loss_perc": ["1", "1.5"]}, "method": "grid",
            "min_positions": 0,
        },
    )  # fmt: skip
    for _turn in range(20):
        run_lane(row.pk)
        row.refresh_from_db()
        if not row.is_unfinished:
            break
    assert row.status == ResearchStatus.DONE, row.message
    best = row.best
    again = request_backtest(
        alice,
        {
            **values_of(done), "start_time": row.start_at, "end_time": row.end_at,
            "strategy_params": best["strategy_params"], "stop_loss_perc": best["values"]["stop_loss_perc"],
        },
    )  # fmt: skip
    assert run(again).statistics["total_pnl"] == best["statistics"]["total_pnl"]


def test_a_search_beyond_the_liquidation_is_refused(alice: Any, done: Backtest) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        request_optimization(alice, {"backtest": done.pk, "space": {"stop_loss_perc": ["1", "20"]}})
    assert "With leverage 5 a position is liquidated" in caught.value.errors["stop_loss_perc"][0]
