"""From a request to its leaderboard: slices, lanes, cancel, dead workers; a second task changes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from bots.lifecycle import LifecycleRefused
from bots.validation import ConfigurationRefused
from exchange.models import CandleBlock
from trading.models import Backtest, Optimization, Trial
from trading.research import optimizations
from trading.research.optimization_lanes import LANE, lane_key
from trading.research.optimization_resuming import resume_optimizations
from trading.research.optimization_running import run_lane
from trading.research.optimizations import ranked, request_optimization
from trading.research.resuming import UNHEARD
from trading.research.running import run_backtest
from trading.tasks import resume_optimizations_task, run_optimization_task
from trading.waking import note_research

pytestmark = pytest.mark.django_db
RUN = "trading.run_optimization"
SPACE = {
    "ema_fast": [2, 3, 4],
    "ema_slow": [5, 8],
    "stop_loss_perc": {"from": "0.5", "to": "1", "step": "0.5"},
}


@pytest.fixture
def row(alice: Any, minutes: Any, asked: Any) -> Optimization:
    return request_optimization(alice, asked(space=SPACE, min_positions=5))


@pytest.fixture
def other_worker() -> Iterator[psycopg.Connection[Any]]:
    """Another worker, as the database sees one: a session of its own."""
    parts = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(autocommit=True, **{name: parts[name] for name in names}) as worker:
        yield worker


def carry_to_its_end(row: Optimization) -> str:
    for _slice in range(50):
        outcome = run_lane(row.pk, 0)
        if outcome != "more":
            break
    row.refresh_from_db()
    return outcome


def set_to(row: Optimization, **columns: Any) -> None:
    Optimization.objects.filter(pk=row.pk).update(**columns)


def test_a_request_stores_its_sets_and_queues_one_call(
    alice: Any, minutes: Any, asked: Any, calls: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = request_optimization(alice, asked(space=SPACE))
    assert calls == [(RUN, [row.pk, 0])]
    sets = list(Trial.objects.filter(optimization=row).order_by("number").values_list("values", flat=True))
    assert (row.sets, row.tried, row.progress, len(sets)) == (12, 0, 0, 12)
    assert sets[:2] == [
        {"ema_fast": 2, "ema_slow": 5, "stop_loss_perc": "0.5"}, {"ema_fast": 2, "ema_slow": 5, "stop_loss_perc": "1"},
    ]  # fmt: skip
    assert (row.split_at - row.start_at, row.end_at - row.split_at) == (
        datetime.timedelta(hours=36), datetime.timedelta(hours=12),
    )  # fmt: skip


def test_it_ends_with_a_leaderboard_and_its_best_in_full(row: Optimization) -> None:
    assert carry_to_its_end(row) == "done"
    assert (row.status, row.tried, row.progress, row.message) == ("done", 12, 100, "")
    board = list(ranked(row))
    scores = [trial.score for trial in board]
    assert len(board) == 12
    assert scores == sorted(scores, reverse=True)
    assert {trial.status for trial in board} == {"done"}
    best = row.best
    assert (best["number"], best["values"]) == (board[0].number, board[0].values)
    assert best["examination"]["verdict"]["level"] in ("unfit", "doubtful", "promising", "convincing")
    assert best["examination"]["walk"]["windows"] == 1
    assert best["walk"][0]["outside"] == board[0].outside
    assert (len(row.data_fingerprint), row.rules_version) == (64, 1)


def test_a_set_does_in_a_backtest_what_the_leaderboard_says(
    row: Optimization, alice: Any, asked: Any
) -> None:
    carry_to_its_end(row)
    trial = ranked(row).first()
    tested = optimizations.backtest_of(row, trial)
    assert (tested.start_at, tested.end_at, tested.settings["stop_loss_perc"]) == (
        row.start_at, row.end_at, trial.values["stop_loss_perc"],
    )  # fmt: skip
    assert {name: tested.strategy_params[name] for name in ("ema_fast", "ema_slow")} == {
        name: trial.values[name] for name in ("ema_fast", "ema_slow")
    }
    Backtest.objects.filter(pk=tested.pk).update(end_at=row.split_at)
    run_backtest(tested.pk)
    tested.refresh_from_db()
    found = tested.statistics
    assert trial.inside == {
        "days": 1.5,
        **{
            name: found[name]
            for name in ("positions", "total_return", "sharpe", "profit_factor", "max_drawdown")
        },
    }
    assert optimizations.trial_bot_values(row, trial)["stop_loss_perc"] == trial.values["stop_loss_perc"]


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_proposed_sets_are_tried_each_once(alice: Any, minutes: Any, asked: Any, method: str) -> None:
    row = request_optimization(alice, asked(space=SPACE, method=method, sets=9, min_positions=5))
    assert carry_to_its_end(row) == "done"
    tried = [tuple(values.values()) for values in ranked(row).values_list("values", flat=True)]
    assert (row.sets, row.tried, len(tried), len(set(tried))) == (9, 9, 9, 9)


def test_a_walk_forward_judges_on_candles_its_choice_has_not_seen(
    alice: Any, minutes: Any, asked: Any
) -> None:
    row = request_optimization(alice, asked(space=SPACE, windows=3, min_positions=3))
    assert carry_to_its_end(row) == "done"
    walk = row.best["walk"]
    assert [pair["window"]["number"] for pair in walk] == [1, 2, 3]
    assert all(pair["outside"]["days"] > 0 for pair in walk)
    assert row.best["examination"]["walk"]["windows"] == 3
    for index, pair in enumerate(walk):
        chosen = Trial.objects.get(optimization=row, number=pair["chosen"])
        assert chosen.walk[index] == [pair["inside"], pair["outside"]]


def test_the_first_lane_calls_the_others_and_comes_back(row: Optimization, calls: Any) -> None:
    assert run_lane(row.pk, 0, seconds=0) == "more"
    assert calls == [(RUN, [row.pk, 1]), (RUN, [row.pk, 0])]
    calls.clear()
    assert run_lane(row.pk, 0, seconds=0) == "more"
    assert calls == [(RUN, [row.pk, 0])]
    assert run_optimization_task(row.pk) == "done"


def test_a_second_task_changes_nothing(row: Optimization, other_worker: Any) -> None:
    other_worker.execute("SELECT pg_advisory_lock(%s, %s)", [LANE, lane_key(row.pk, 0)])
    assert run_lane(row.pk, 0) == "skipped (somebody is at it)"
    other_worker.execute("SELECT pg_advisory_unlock_all()")
    carry_to_its_end(row)
    before = list(Trial.objects.values()), Optimization.objects.values().get()
    assert [run_lane(row.pk, lane) for lane in (0, 1)] == ["nothing to do"] * 2
    assert (list(Trial.objects.values()), Optimization.objects.values().get()) == before


def test_what_a_dead_worker_had_claimed_goes_back(row: Optimization, other_worker: Any) -> None:
    set_to(row, status="running")
    Trial.objects.filter(number__lte=4).update(status="claimed", lane=1)
    other_worker.execute("SELECT pg_advisory_lock(%s, %s)", [LANE, lane_key(row.pk, 1)])
    assert run_lane(row.pk, 0) == "others try the last sets"
    assert Trial.objects.filter(status="claimed", lane=1).count() == 4  # alive: it may still be at them
    other_worker.execute("SELECT pg_advisory_unlock_all()")
    assert carry_to_its_end(row) == "done"
    assert (row.tried, row.deaths, Trial.objects.filter(status="done").count()) == (12, 1, 12)


def test_one_that_kills_its_workers_is_given_up(row: Optimization) -> None:
    set_to(row, status="running", deaths=4)
    Trial.objects.filter(number=1).update(status="claimed", lane=0)
    assert run_lane(row.pk, 0) == "failed"
    row.refresh_from_db()
    assert row.message == "Its worker ended while it ran, 5 times."


def test_cancel(row: Optimization, alice: Any, minutes: Any, asked: Any) -> None:
    waiting = request_optimization(alice, asked(space=SPACE))
    optimizations.cancel(waiting)
    assert (waiting.status, waiting.message, run_lane(waiting.pk, 0)) == (
        "cancelled",
        "Cancelled.",
        "nothing to do",
    )
    set_to(row, status="running")
    optimizations.cancel(row)
    assert row.status == "running"
    assert run_lane(row.pk, 0) == "cancelled"
    row.refresh_from_db()
    assert (row.status, row.tried) == ("cancelled", 0)
    optimizations.cancel(row)
    assert row.status == "cancelled"


def test_candles_that_are_gone_are_named(row: Optimization) -> None:
    from exchange import candles

    CandleBlock.objects.all().delete()
    candles.forget_windows()
    assert run_lane(row.pk, 0) == "failed"
    row.refresh_from_db()
    assert "No candles of BTCUSDT" in row.message


def test_lost_calls_are_made_again(row: Optimization, calls: Any, research_worker: None) -> None:
    now = timezone.now()
    assert (resume_optimizations(now), calls) == (0, [])
    late = now + datetime.timedelta(minutes=1)
    assert (resume_optimizations(late), calls) == (1, [(RUN, [row.pk, 0]), (RUN, [row.pk, 1])])
    assert resume_optimizations_task() == "0 called again"


def test_the_more_there_are_the_longer_one_waits_for_its_turn(
    row: Optimization, calls: Any, research_worker: None
) -> None:
    """A call made beside one that only waits would go on for ever beside it: the queue would grow and grow."""
    now, quiet = timezone.now(), datetime.timedelta(seconds=60)
    set_to(row, updated_at=now - quiet)
    columns = {**Optimization.objects.values().get(), "id": None, "updated_at": now}
    others = Optimization.objects.bulk_create([Optimization(**columns) for _ in range(10)])
    assert (resume_optimizations(now), calls) == (0, [])
    Optimization.objects.filter(pk__in=[other.pk for other in others]).delete()
    assert (resume_optimizations(now), len(calls)) == (1, 2)


def test_while_nobody_hears_it_says_so_and_no_calls_pile_up(row: Optimization, calls: Any) -> None:
    late = timezone.now() + datetime.timedelta(minutes=1)
    assert [resume_optimizations(late) for _ in range(3)] == [0, 0, 0]
    row.refresh_from_db()
    assert (row.status, row.message, calls) == ("queued", UNHEARD, [])
    note_research(for_seconds=60)
    assert (resume_optimizations(late), calls) == (1, [(RUN, [row.pk, 0]), (RUN, [row.pk, 1])])
    assert carry_to_its_end(row) == "done"
    assert row.message == ""


def test_one_that_is_worked_on_is_not_called_again(row: Optimization, calls: Any, other_worker: Any) -> None:
    set_to(row, status="running", updated_at=timezone.now() - datetime.timedelta(minutes=5))
    other_worker.execute("SELECT pg_advisory_lock(%s, %s)", [LANE, lane_key(row.pk, 1)])
    assert (resume_optimizations(timezone.now()), calls) == (0, [])


def test_one_called_off_whose_workers_are_gone_ends(row: Optimization) -> None:
    set_to(row, status="running", cancel_wanted_at=timezone.now())
    assert resume_optimizations(timezone.now() + datetime.timedelta(minutes=1)) == 0
    row.refresh_from_db()
    assert (row.status, row.message) == ("cancelled", "Cancelled.")


def test_given_up_ones_are_forgotten(row: Optimization) -> None:
    optimizations.cancel(row)
    resume_optimizations(timezone.now() + datetime.timedelta(days=29))
    assert Optimization.objects.count() == 1
    resume_optimizations(timezone.now() + datetime.timedelta(days=31))
    assert (Optimization.objects.count(), Trial.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"space": None}, {"space": ["Choose at least one parameter to search."]}),
        ({"space": {"ema_fast": [0]}}, {"ema_fast": ["Values must lie between 1 and 200."]}),
        ({"space": {"ema_fast": [90], "ema_slow": [9]}},
         {"space": ["The strategy allows none of these combinations."]}),
        ({"space": {"stop_loss_perc": {"from": "0.1", "to": "20", "step": "0.1"}, "ema_fast": {"to": 12},
                    "ema_slow": {"step": 1}}},
         {"space": ["These are 92,000 sets; at most 5,000 can be tried. Take larger steps, or another method."]}),
        ({"method": "luck"}, {"method": ["Choose one of: grid, random, tpe."]}),
        ({"sets": 5000, "method": "random"}, {"sets": ["This must be from 2 to 1000."]}),
        ({"holdout_perc": "80", "symbol": ""},
         {"holdout_perc": ["This must be from 5 to 50."], "symbol": ["Choose a symbol."]}),
        ({"backtest": 4711}, {"backtest": ["This backtest does not exist."]}),
        ({"initial_capital": "x", "space": {}},
         {"initial_capital": ["This must be a number with at most 8 decimal places."]}),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_by_name(
    alice: Any, minutes: Any, asked: Any, changes: Any, errors: Any
) -> None:
    values = {name: value for name, value in {**asked(space=SPACE), **changes}.items() if value is not None}
    with pytest.raises(ConfigurationRefused) as refused:
        request_optimization(alice, values)
    assert refused.value.errors == errors
    assert Optimization.objects.count() == 0


def test_it_may_begin_from_a_backtest_of_ones_own(alice: Any, charlie: Any, minutes: Any, asked: Any) -> None:
    from trading.research.backtests import request_backtest

    base = request_backtest(alice, asked(stop_loss_perc="0.7", take_profit_perc="2"))
    row = request_optimization(alice, {"backtest": base.pk, "space": {"ema_fast": [2, 3]}})
    assert (row.symbol, row.start_at, row.end_at, row.settings) == (
        "BTCUSDT", base.start_at, base.end_at, base.settings,
    )  # fmt: skip
    with pytest.raises(ConfigurationRefused) as refused:
        request_optimization(charlie, {"backtest": base.pk, "space": {"ema_fast": [2, 3]}})
    assert refused.value.errors == {"backtest": ["This backtest does not exist."]}


def test_only_so_many_at_once(alice: Any, minutes: Any, asked: Any) -> None:
    for _one in range(optimizations.MOST_UNFINISHED):
        request_optimization(alice, asked(space={"ema_fast": [2, 3]}))
    with pytest.raises(LifecycleRefused):
        request_optimization(alice, asked(space={"ema_fast": [2, 3]}))
