"""An optimisation, slice by slice: a lane tries sets for a second, then goes back into the queue behind whatever else
somebody has asked for. Several lanes work on one at a time; a second task of the same lane changes nothing.

What goes wrong lands on the row in words. Sets that a dead worker had claimed go back: nothing is lost or tried twice.
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from exchange.candles import FetchCancelled
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models.optimization import Optimization
from trading.models.research import UNFINISHED, BacktestStep, ResearchStatus
from trading.research import optimization_lanes as lanes
from trading.research.compiling import compile_ahead
from trading.research.ground import BacktestFailed
from trading.research.holding import held
from trading.research.optimization_finishing import best_of
from trading.research.optimization_ground import stand_of
from trading.research.optimization_trying import trying
from trading.research.optimizations import RUN_TASK, tell
from trading.research.progress import Abandoned
from trading.waking import queue

logger = structlog.get_logger(__name__)

# Searches of several users take turns, and a backtest or a chart waits for a child no longer than this.
SLICE_SECONDS: Final = 1.0
TELL_EVERY_SECONDS: Final = 0.4
MOST_DEATHS: Final = 5
# What a slice says that leaves something to do.
MORE: Final = "more"


def run_lane(optimization_id: int, lane: int = 0, *, seconds: float = SLICE_SECONDS) -> str:
    """One slice, and a call for the next. One line that says what happened."""
    outcome = run_slice(optimization_id, lane, seconds=seconds)
    # Only now: whoever hears the call must find the lane free.
    if outcome == MORE:
        queue(RUN_TASK, optimization_id, lane)
    return outcome


def run_slice(optimization_id: int, lane: int = 0, *, seconds: float = SLICE_SECONDS) -> str:
    """One slice that calls nobody for the next, for those who go on by themselves. `MORE`: there is something to do."""
    with held(lanes.LANE, lanes.lane_key(optimization_id, lane)) as is_mine:
        return _guarded(optimization_id, lane, seconds=seconds) if is_mine else "skipped (somebody is at it)"


def _guarded(optimization_id: int, lane: int, *, seconds: float) -> str:
    is_first = lanes.take_up(optimization_id)
    row = Optimization.objects.filter(pk=optimization_id, status__in=UNFINISHED).first()
    if row is None:
        return "nothing to do"
    if lanes.put_back(row.pk, lane) and row.deaths + 1 >= MOST_DEATHS:
        message = _("Its worker ended while it ran, %(times)s times.") % {"times": MOST_DEATHS}
        return end(row, ResearchStatus.FAILED, message=message)
    try:
        return _slice(row, lane, is_first=is_first, seconds=seconds)
    except (Abandoned, FetchCancelled):
        return end(row, ResearchStatus.CANCELLED, message=_("Cancelled."))
    except DatabaseError:
        # Nothing can be written down: it is found again by its state.
        raise
    except SoftTimeLimitExceeded:
        # Candles that were fetched are stored: the next one goes on from there.
        return MORE
    except Exception as error:
        return end(row, ResearchStatus.FAILED, message=_in_words(error, row))


def _slice(row: Optimization, lane: int, *, is_first: bool, seconds: float) -> str:
    steps = Steps(row)
    steps.check()
    stand, ground = stand_of(row, steps)
    compile_ahead(row.strategy)
    until = time.monotonic() + seconds
    with trying(stand) as at_it:
        while time.monotonic() < until:
            steps.check()
            claimed = lanes.claim(row, lane)
            if not claimed:
                break
            lanes.settle(row, lane, [(one, at_it.attempt(one.values)) for one in claimed], stand.main)
            steps.moved()
    if is_first:
        # Not before: the first slice of an installation compiles the engine, and nobody needs that twice.
        for other in range(1, lanes.LANES):
            queue(RUN_TASK, row.pk, other)
    if not lanes.is_all_tried(row):
        return _go_on(row, lane)
    with held(lanes.ENDING, row.pk) as is_mine:
        if not is_mine:
            return "others end it"
        row.refresh_from_db()
        if row.status != ResearchStatus.RUNNING:
            return "nothing to do"
        return end(row, ResearchStatus.DONE, **best_of(row, stand, ground))


def _go_on(row: Optimization, lane: int) -> str:
    """While others try the last sets there is nothing to do here; sets of a dead lane are taken back first."""
    for left in lanes.abandoned_lanes(row):
        if left == lane:
            continue
        with held(lanes.LANE, lanes.lane_key(row.pk, left)) as is_mine:
            if is_mine:
                lanes.put_back(row.pk, left)
    return MORE if lanes.has_work(row) else "others try the last sets"


def end(row: Optimization, status: ResearchStatus, **columns: Any) -> str:
    """The last update: only of a row that is still running; called off in the last moment, it is cancelled."""
    running = Optimization.objects.filter(pk=row.pk, status=ResearchStatus.RUNNING)
    if status == ResearchStatus.DONE:
        running = running.filter(cancel_wanted_at__isnull=True)
    ended = running.update(status=status, finished_at=Now(), updated_at=Now(), **columns)
    if not ended and status == ResearchStatus.DONE:
        return end(row, ResearchStatus.CANCELLED, message=_("Cancelled."))
    tell(row.user_id, row.pk)
    logger.info("optimization_ended", optimization_id=row.pk, status=str(status))
    return str(status) if ended else "gone"


def _in_words(error: Exception, row: Optimization) -> str:
    if isinstance(error, BacktestFailed):
        return str(error)[:500]
    if isinstance(error, ExchangeError | UnknownSymbol):
        logger.warning("optimization_without_exchange", optimization_id=row.pk, error=type(error).__name__)
        return (_("The exchange did not answer as expected: %(why)s") % {"why": error})[:500]
    logger.error("optimization_failed", optimization_id=row.pk, exc_info=error)
    if isinstance(error, MemoryError):
        return _("It needs more memory than the worker has. Choose a shorter period.")
    return _("Something went wrong on our side. It was logged.")


class Steps:
    """How the work tells the owner's pages, and hears that it is no longer wanted."""

    def __init__(self, row: Optimization) -> None:
        self.key, self.user_id, self.told_at = row.pk, row.user_id, 0.0

    def check(self) -> None:
        """Raises Abandoned where it may not go on."""
        if not lanes.is_wanted(self.key):
            raise Abandoned

    def at(self, step: BacktestStep, percent: int) -> None:
        self.check()
        message = _("Fetching candles, %(percent)s %%") % {"percent": percent * 2}
        Optimization.objects.filter(pk=self.key).update(message=message, updated_at=Now())
        tell(self.user_id, self.key)
        self.told_at = time.monotonic()

    def within(self, step: BacktestStep, percent: int) -> None:
        if time.monotonic() - self.told_at >= TELL_EVERY_SECONDS:
            self.at(step, percent)

    def moved(self) -> None:
        if time.monotonic() - self.told_at >= TELL_EVERY_SECONDS:
            tell(self.user_id, self.key)
            self.told_at = time.monotonic()
