"""A backtest from its row to its report. Whoever takes it up holds its lock; the row moves by conditional updates, so a
second worker, a redelivered task or a late cancel change nothing that is settled.

What goes wrong lands on the row in words. A worker that dies leaves it running without a lock: `resuming` finds it.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from engine.compiled import kept_in
from exchange.candles import FetchCancelled
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models.research import UNFINISHED, Backtest, BacktestStep, ResearchStatus
from trading.research.backtests import RUN_TASK, tell
from trading.research.compiling import compile_ahead
from trading.research.examining import examine
from trading.research.ground import BacktestFailed
from trading.research.holding import BACKTESTS, TURN, held
from trading.research.progress import Abandoned, Progress
from trading.waking import queue

logger = structlog.get_logger(__name__)

# A worker that dies with it three times will die a fourth time.
MOST_ATTEMPTS: Final = 3


def run_backtest(backtest_id: int) -> str:
    """Take it up and carry it to its end, when it is its turn. One line that says what happened."""
    with held(TURN, 0) as is_its_turn:
        outcome = _run(backtest_id) if is_its_turn else ""
    if not is_its_turn:
        # Whoever has the turn calls the next one once it is over: it looks later than we did.
        return "waiting (another one runs)"
    _call_next()
    return outcome


def _call_next() -> None:
    waiting = Backtest.objects.filter(status=ResearchStatus.QUEUED).order_by("created_at", "pk")
    for key in waiting.values_list("pk", flat=True)[:1]:
        queue(RUN_TASK, key)


def _run(backtest_id: int) -> str:
    with held(BACKTESTS, backtest_id) as is_mine:
        if not is_mine:
            return "skipped (somebody is at it)"
        backtest = _take_up(backtest_id)
        if backtest is None:
            return "nothing to do"
        try:
            _compile(backtest)
            found = examine(backtest, Progress(backtest))
        except (Abandoned, FetchCancelled):
            return _end(backtest, ResearchStatus.CANCELLED, message=_("Cancelled."))
        except DatabaseError:
            # Nothing can be written down: it is found again by its state.
            raise
        except SoftTimeLimitExceeded:
            return _end(backtest, ResearchStatus.FAILED, message=_("It took longer than a worker may take."))
        except Exception as error:
            return _end(backtest, ResearchStatus.FAILED, message=_in_words(error, backtest))
        return _end(backtest, ResearchStatus.DONE, **found)


def _compile(backtest: Backtest) -> None:
    """The first one of an installation waits for the compiler; its owner is told why."""
    kept = kept_in()
    if kept is None or not kept.is_dir():
        message = _("The first backtest here compiles the engine, which takes about a minute. It is kept.")
        Backtest.objects.filter(pk=backtest.pk).update(message=message, updated_at=Now())
    compile_ahead(backtest.strategy)


def _take_up(backtest_id: int) -> Backtest | None:
    """Running, in one conditional update; the holder of the lock may also take up what a dead worker left."""
    open_rows = Backtest.objects.filter(pk=backtest_id, status__in=UNFINISHED, attempts__lt=MOST_ATTEMPTS)
    taken = open_rows.update(
        status=ResearchStatus.RUNNING,
        attempts=F("attempts") + 1,
        message="",
        started_at=Now(),
        updated_at=Now(),
    )
    if taken != 1:
        return None
    found: Backtest = Backtest.objects.without_results().get(pk=backtest_id)
    return found


def _end(backtest: Backtest, status: ResearchStatus, *, results: bytes = b"", **columns: Any) -> str:
    """The last update: only of a row that is still running; called off in the last moment, it is cancelled."""
    running = Backtest.objects.filter(pk=backtest.pk, status=ResearchStatus.RUNNING)
    if status == ResearchStatus.DONE:
        running = running.filter(cancel_wanted_at__isnull=True)
        columns["progress"] = 100
    with transaction.atomic():
        ended = running.update(
            status=status, step=BacktestStep.ENDED, finished_at=Now(), updated_at=Now(), **columns
        )
        if ended and results:
            _write_results(backtest.pk, results)
    if not ended and status == ResearchStatus.DONE:
        return _end(backtest, ResearchStatus.CANCELLED, message=_("Cancelled."))
    tell(backtest.user_id, backtest.pk)
    logger.info("backtest_ended", backtest_id=backtest.pk, status=str(status), message=columns.get("message"))
    return str(status) if ended else "gone"


def _write_results(key: int, results: bytes) -> None:
    """As bytes: Django would print megabytes of them into the statement, for the server to read back."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("UPDATE trading_backtest SET results = %b WHERE id = %s", [results, key])


def _in_words(error: Exception, backtest: Backtest) -> str:
    if isinstance(error, BacktestFailed):
        return str(error)[:500]
    if isinstance(error, ExchangeError | UnknownSymbol):
        logger.warning("backtest_without_exchange", backtest_id=backtest.pk, error=type(error).__name__)
        return (_("The exchange did not answer as expected: %(why)s") % {"why": error})[:500]
    logger.error("backtest_failed", backtest_id=backtest.pk, exc_info=error)
    if isinstance(error, MemoryError):
        return _("It needs more memory than the worker has. Choose a shorter period.")
    return _("Something went wrong on our side. It was logged.")
