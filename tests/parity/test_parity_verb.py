"""The verb itself: what it asks for and refuses, that its week holds what it must show, and a short real run."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import Any

import pytest

from engine.parity import Cause, Comparison, Deal, Difference, Said
from engine.results import EXIT_REASONS
from exchange.sandbox.market import WEEK_MS
from exchange.sandbox.tape import MINUTE_MS, load_tapes
from tradebot.supervisor.instance import ROOT, UsageError
from tradebot.verbs.parity import (
    EXITS,
    FEWEST_OF_A_KIND,
    FEWEST_POSITIONS,
    Found,
    Judged,
    metrics_of,
    print_table,
    read_arguments,
)
from tradebot.verbs.parity_backtest import Recording
from tradebot.verbs.parity_books import Books, count_days_sat_out, count_exits, count_ties
from tradebot.verbs.parity_bots import BOTS, CANDLES, START_MS

COUNTS = {
    "positions": 800,
    **dict.fromkeys(EXITS, 60),
    "stop_and_target_inside": 30,
    "day_limits_over_midnight": 40,
    "audit_differences": 0,
}
SALE = Deal(
    at_ms=START_MS,
    side=-1,
    reason="stop_loss",
    price_e8=1,
    quantity_e8=1,
    commission_e8=0,
    commission_is_base=False,
)

EQUAL = Comparison(9, ())


def found(comparison: Comparison = EQUAL, apart: int = 0, **counts: int) -> Found:
    return Found([Judged(BOTS[0], comparison, 100, apart)], COUNTS | counts, [0.1, 0.2])


def missed(what: Found, *, seconds: float = 60.0, is_whole: bool = True) -> list[str]:
    metrics = [metric.as_json() for metric in metrics_of(what, seconds=seconds, is_whole=is_whole)]
    return [metric["metric"] for metric in metrics if metric["holds"] is False]


@pytest.mark.parametrize("arguments", [["--candles", "0"], ["--bots", "0"], ["--bots", "99"]])
def test_what_cannot_be_meant_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        read_arguments(arguments)


def test_one_difference_of_any_kind_is_a_failure() -> None:
    assert missed(found()) == []
    differs = Comparison(9, (Difference(Cause.LATENCY, SALE, SALE, ("at_ms",)),))
    assert missed(found(differs)) == ["differences"]
    assert missed(found(apart=1)) == ["signals_apart"]
    assert missed(found(audit_differences=1)) == ["audit_differences"]


def test_only_a_whole_run_must_show_enough(capsys: Any) -> None:
    poor = found(positions=199, stop_loss=9, stop_and_target_inside=19, day_limits_over_midnight=4)
    few = ["positions", "stop_loss", "stop_and_target_inside", "day_limits_over_midnight"]
    assert missed(poor) == few
    assert missed(poor, is_whole=False) == []
    assert missed(found(), seconds=1801) == ["seconds"]
    print_table(poor, [])
    assert BOTS[0].name in capsys.readouterr().out


def test_the_week_has_history_behind_it_and_recording_ahead() -> None:
    for tape in load_tapes().values():
        assert tape.first_open_ms <= START_MS - 2 * WEEK_MS
        assert tape.end_ms >= START_MS + 4 * WEEK_MS
    assert CANDLES * MINUTE_MS == WEEK_MS
    assert {(bot.symbol, bot.strategy) for bot in BOTS} == {
        (symbol, strategy) for symbol in ("BTCUSDT", "ETHUSDT") for strategy in ("ema", "rsi")
    }


def test_the_week_holds_enough_of_everything() -> None:
    """By the backtest: should a rule of it change, the bots may have to as well."""
    recording, exits = Recording(), Counter[str]()
    for bot in BOTS:
        folded = recording.fold(bot, start_ms=START_MS, end_ms=START_MS + WEEK_MS).found.folded
        exits.update(EXIT_REASONS[code] for code in folded.positions.exit_reason.tolist())
        assert (folded.paused_ms > 0) == (bot is BOTS[-1])
    assert exits.total() >= 2 * FEWEST_POSITIONS
    assert min(exits[name] for name in EXITS) >= 3 * FEWEST_OF_A_KIND


def test_ties_are_counted_in_every_minute_a_list_stood() -> None:
    """The minute 04:00 of 2025-06-18 and its neighbours, with prices read off the recording itself."""
    recording, at_ms = Recording(), START_MS + 600 * MINUTE_MS
    minute = recording.minutes("BTCUSDT", at_ms, at_ms + 3 * MINUTE_MS)
    low, high = int(minute.low[1]), int(minute.high[1])

    def list_of(stop_e8: int, target_e8: int, ended_ms: int | None) -> list[dict[str, Any]]:
        common = {"orderListId": 7, "symbol": "BTCUSDT", "market_ms": at_ms, "ended_market_ms": ended_ms}
        return [
            {**common, "type": "STOP_LOSS_LIMIT", "stopPrice": f"{stop_e8 / 10**8:.8f}", "price": "1"},
            {**common, "type": "LIMIT_MAKER", "stopPrice": "0", "price": f"{target_e8 / 10**8:.8f}"},
        ]

    end_ms = at_ms + 3 * MINUTE_MS
    wide = int(((minute.low <= low) & (minute.high >= high)).sum())
    assert wide >= 1
    assert count_ties(list_of(low, high, None), recording, end_ms=end_ms) == wide
    assert count_ties(list_of(low, high, at_ms + MINUTE_MS), recording, end_ms=end_ms) == 0
    assert count_ties(list_of(low, high, at_ms + MINUTE_MS + 1), recording, end_ms=end_ms) == 1
    assert count_ties(list_of(low - 1, high * 2, None), recording, end_ms=end_ms) == 0


def test_a_day_sat_out_counts_once_the_bot_is_back() -> None:
    day = 24 * 60 * MINUTE_MS
    morning = START_MS // day * day
    said = [
        Said(morning, "none", "no signal"),
        Said(morning + 60 * MINUTE_MS, "none", "max_daily_loss reached"),
        Said(morning + day - MINUTE_MS, "none", "no signal"),
        Said(morning + day + 60 * MINUTE_MS, "none", "max_daily_trades reached"),
    ]
    books = Books({1: [SALE]}, {1: said}, end_ms=morning + 3 * day)
    assert count_days_sat_out(books, {1: BOTS[0]}) == 1
    assert count_exits(books) == {"stop_loss": 1}


@pytest.mark.instance
@pytest.mark.xdist_group("instance")
def test_a_thousand_candles_trade_as_their_backtest_does() -> None:
    done = subprocess.run(
        [ROOT / "run", "parity", "--candles", "1000", "--bots", "2"],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    values = {metric["metric"]: metric["value"] for metric in result["metrics"]}
    assert done.returncode == 0, done.stdout + done.stderr
    assert (result["verb"], result["ok"], result["candles"]) == ("parity", True, 1000)
    assert values["differences"] == values["signals_apart"] == values["audit_differences"] == 0
    assert values["trades_compared"] >= 60
    assert values["day_limits_over_midnight"] >= 2
