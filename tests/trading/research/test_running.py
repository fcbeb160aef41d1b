"""From a request to its report: progress, cancel, whatever goes wrong in words; a second task changes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from engine.amounts import e8_from_decimal
from exchange.models import CandleBlock
from trading.models import Backtest
from trading.models.research import BacktestStep
from trading.research import backtests
from trading.research.backtests import folded_of, request_backtest
from trading.research.holding import BACKTESTS, TURN
from trading.research.resuming import UNHEARD, resume_backtests
from trading.research.running import run_backtest
from trading.tasks import resume_backtests_task, run_backtest_task
from trading.waking import note_research

pytestmark = pytest.mark.django_db
RUN = "trading.run_backtest"


@pytest.fixture
def row(alice: Any, minutes: Any, asked: Any) -> Backtest:
    return request_backtest(alice, asked(stop_loss_perc="0.5", take_profit_perc="1"))


@pytest.fixture
def somebody_else(row: Backtest) -> Iterator[psycopg.Connection[Any]]:
    """Another worker, as the database sees one: a session of its own that holds the row's lock."""
    with other_session() as worker:
        worker.execute("SELECT pg_advisory_lock(%s, %s)", [BACKTESTS, row.pk])
        yield worker


def other_session() -> psycopg.Connection[Any]:
    parts = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    return psycopg.connect(autocommit=True, **{name: parts[name] for name in names})


def now_of(row: Backtest) -> dict[str, Any]:
    return Backtest.objects.values("status", "step", "progress", "message", "attempts").get(pk=row.pk)


def set_to(row: Backtest, **columns: Any) -> None:
    Backtest.objects.filter(pk=row.pk).update(**columns)


def test_a_request_queues_its_task_and_tells_the_pages(
    alice: Any, minutes: Any, asked: Any, calls: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = request_backtest(alice, asked())
        assert calls == []
    assert calls == [(RUN, [row.pk])]


def test_a_run_leaves_its_report(row: Backtest, minutes: Any) -> None:
    assert run_backtest_task(row.pk) == "done"
    assert now_of(row) == {"status": "done", "step": "ended", "progress": 100, "message": "", "attempts": 1}
    row.refresh_from_db()
    found, folded = row.statistics, folded_of(row)
    assert folded is not None
    assert found["positions"] == len(folded.positions) > 100
    assert found["trades"] == len(folded.trades)
    total = sum(folded.positions.pnl_e8.tolist())
    assert e8_from_decimal(found["total_pnl"]) == total
    assert e8_from_decimal(found["final_balance"]) == e8_from_decimal(2000) + total
    for rows in row.periods.values():
        assert sum(e8_from_decimal(day["pnl"]) for day in rows) == total
        assert sum(day["positions"] for day in rows) == len(folded.positions)
    assert [len(row.periods[name]) for name in ("daily", "monthly")] == [2, 1]
    assert row.candles == {
        "first_ms": row.candles["first_ms"],
        "last_ms": 1_750_291_140_000,
        "minutes": 2880,
        "warm_up_minutes": row.candles["warm_up_minutes"],
        "missing_minutes": 0,
        "gaps": [],
        "gap_count": 0,
    }
    assert row.candles["warm_up_minutes"] > 20
    assert len(row.data_fingerprint) == 64
    assert row.code_version.startswith("engine ")
    assert (row.rules_version, row.started_at <= row.finished_at) == (1, True)


def test_the_same_again_is_the_same(alice: Any, row: Backtest, asked: Any) -> None:
    other = request_backtest(alice, asked(stop_loss_perc="0.5", take_profit_perc="1"))
    run_backtest(row.pk)
    run_backtest(other.pk)
    row.refresh_from_db()
    other.refresh_from_db()
    assert bytes(row.results) == bytes(other.results)
    assert (row.statistics, row.periods, row.data_fingerprint) == (
        other.statistics, other.periods, other.data_fingerprint,
    )  # fmt: skip


def test_a_second_task_changes_nothing(row: Backtest) -> None:
    run_backtest(row.pk)
    before = Backtest.objects.values().get(pk=row.pk)
    assert run_backtest(row.pk) == "nothing to do"
    assert Backtest.objects.values().get(pk=row.pk) == before


def test_one_that_somebody_is_at_is_left_alone(row: Backtest, somebody_else: Any) -> None:
    before = now_of(row)
    assert run_backtest(row.pk) == "skipped (somebody is at it)"
    assert now_of(row) == before


def test_a_deleted_one_is_nothing_to_do(row: Backtest) -> None:
    backtests.delete(row)
    assert run_backtest(row.pk) == "nothing to do"


def test_a_waiting_one_is_cancelled_at_once(row: Backtest) -> None:
    backtests.cancel(row)
    assert (row.status, row.message) == ("cancelled", "Cancelled.")
    assert run_backtest(row.pk) == "nothing to do"
    backtests.cancel(row)
    assert now_of(row)["status"] == "cancelled"


def test_a_running_one_ends_at_its_next_step(row: Backtest) -> None:
    set_to(row, status="running", cancel_wanted_at=None)
    backtests.cancel(row)
    assert (row.status, row.cancel_wanted_at is not None) == ("running", True)
    # As its worker sees it: the step after the cancel.
    assert run_backtest(row.pk) == "cancelled"
    assert now_of(row) == {
        "status": "cancelled", "step": "ended", "progress": 0, "message": "Cancelled.", "attempts": 1,
    }  # fmt: skip
    row.refresh_from_db()
    assert (row.statistics, bytes(row.results)) == ({}, b"")


def test_a_done_one_is_not_cancelled(row: Backtest) -> None:
    run_backtest(row.pk)
    backtests.cancel(row)
    assert (row.status, row.cancel_wanted_at) == ("done", None)


def test_candles_that_are_gone_are_named(row: Backtest) -> None:
    CandleBlock.objects.all().delete()
    assert run_backtest(row.pk) == "failed"
    assert now_of(row)["message"] == "No candles of BTCUSDT (binance) lie in this period."


def test_an_error_of_ours_is_no_traceback(row: Backtest, caplog: Any) -> None:
    set_to(row, strategy="gone")
    assert run_backtest(row.pk) == "failed"
    assert now_of(row)["message"] == "Something went wrong on our side. It was logged."
    assert "backtest_failed" in caplog.text


def test_missing_minutes_are_named_not_invented(alice: Any, row: Backtest, minutes: Any, asked: Any) -> None:
    from exchange.candles.blocks import add
    from exchange.candles.store import Series
    from tests.engine.conftest import recorded

    eth, of = recorded("ETHUSDT"), Series("binance", "spot", "ETHUSDT", "1m")
    at = int(np.searchsorted(eth.open_ms, 1_750_150_800_000))
    add(of, eth[:at])
    add(of, eth[at + 30 :])
    gappy = request_backtest(alice, asked(symbol="ETHUSDT"))
    assert run_backtest(gappy.pk) == "done"
    gappy.refresh_from_db()
    assert gappy.message == "30 minutes of the period have no candle; nothing was invented for them."
    assert gappy.candles["gaps"] == [[1_750_150_800_000, 1_750_152_540_000]]
    assert (gappy.candles["minutes"], gappy.candles["missing_minutes"]) == (2850, 30)


def test_what_a_dead_worker_left_is_called_again(
    row: Backtest, calls: Any, somebody_else: psycopg.Connection[Any]
) -> None:
    set_to(row, status="running", step=BacktestStep.SIGNALS, progress=50, attempts=1)
    assert (resume_backtests(timezone.now()), calls) == (0, [])  # somebody is at it
    somebody_else.close()
    assert _resumed_once_noticed() == 1
    assert calls == [(RUN, [row.pk])]
    assert now_of(row) == {
        "status": "queued", "step": "waiting", "progress": 0, "message": "", "attempts": 1,
    }  # fmt: skip
    assert run_backtest(row.pk) == "done"
    assert now_of(row)["attempts"] == 2


def _resumed_once_noticed() -> int:
    """The server frees a session's locks as soon as it notices its end."""
    until = timezone.now() + datetime.timedelta(seconds=5)
    while timezone.now() < until:
        if called := resume_backtests(timezone.now()):
            return called
    return 0


def test_a_redelivered_task_goes_on_where_a_dead_worker_ended(row: Backtest) -> None:
    set_to(row, status="running", step=BacktestStep.SIGNALS, progress=50, attempts=1)
    assert run_backtest(row.pk) == "done"


def test_three_dead_workers_are_enough(row: Backtest, calls: Any) -> None:
    set_to(row, status="running", attempts=3)
    assert run_backtest(row.pk) == "nothing to do"
    assert resume_backtests_task() == "0 called again"
    assert calls == []
    assert now_of(row) == {
        "status": "failed", "step": "ended", "progress": 0,
        "message": "Its worker ended while it ran, 3 times.", "attempts": 3,
    }  # fmt: skip


def test_a_cancel_that_no_worker_lives_to_hear_counts(row: Backtest) -> None:
    set_to(row, status="running", attempts=1, cancel_wanted_at=timezone.now())
    resume_backtests(timezone.now())
    assert now_of(row)["status"] == "cancelled"


def test_a_lost_call_is_made_again_after_a_minute(row: Backtest, calls: Any, research_worker: None) -> None:
    now = timezone.now()
    assert resume_backtests(now) == 0
    set_to(row, updated_at=now - datetime.timedelta(seconds=61))
    assert (resume_backtests(now), calls) == (1, [(RUN, [row.pk])])
    assert (resume_backtests(now), len(calls)) == (0, 1)


def test_while_nobody_hears_it_says_so_and_no_calls_pile_up(row: Backtest, calls: Any) -> None:
    now = timezone.now()
    set_to(row, updated_at=now - datetime.timedelta(seconds=61))
    assert [resume_backtests(now) for _ in range(3)] == [0, 0, 0]
    assert (now_of(row)["status"], now_of(row)["message"], calls) == ("queued", UNHEARD, [])
    note_research(for_seconds=60)
    assert (resume_backtests(now), calls, now_of(row)["message"]) == (1, [(RUN, [row.pk])], "")
    set_to(row, message=UNHEARD)
    assert (run_backtest(row.pk), now_of(row)["message"]) == ("done", "")


def test_what_came_to_nothing_goes_after_a_month(alice: Any, row: Backtest, asked: Any) -> None:
    done, new = (request_backtest(alice, asked()) for _ in range(2))
    old = timezone.now() - datetime.timedelta(days=31)
    set_to(row, status="failed", finished_at=old)
    set_to(done, status="done", finished_at=old)
    set_to(new, status="cancelled", finished_at=timezone.now())
    resume_backtests(timezone.now())
    assert set(Backtest.objects.values_list("pk", flat=True)) == {done.pk, new.pk}


def test_one_runs_at_a_time_and_calls_the_next(alice: Any, row: Backtest, asked: Any, calls: Any) -> None:
    """The worker's other child is free for what others have asked for."""
    second, third = (request_backtest(alice, asked()) for _ in range(2))
    with other_session() as worker:
        worker.execute("SELECT pg_advisory_lock(%s, 0)", [TURN])
        assert run_backtest(row.pk) == "waiting (another one runs)"
        assert (now_of(row)["status"], calls) == ("queued", [])
    assert run_backtest_when_its_turn(row) == "done"
    assert calls == [(RUN, [second.pk])]
    assert run_backtest(second.pk) == "done"
    assert calls[1:] == [(RUN, [third.pk])]
    assert run_backtest(third.pk) == "done"
    assert len(calls) == 2


def run_backtest_when_its_turn(row: Backtest) -> str:
    """The server frees a session's locks as soon as it notices its end."""
    until = timezone.now() + datetime.timedelta(seconds=5)
    while (outcome := run_backtest(row.pk)).startswith("waiting") and timezone.now() < until:
        continue
    return outcome
