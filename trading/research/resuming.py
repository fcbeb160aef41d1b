"""Backtests whose worker died or whose wake-up call was lost, found by state; and those nobody will look at again.

Safe to run anywhere, any number of times: what is being worked on is known by its lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from trading.models.research import Backtest, BacktestStep, ResearchStatus
from trading.research.backtests import RUN_TASK, tell
from trading.research.holding import BACKTESTS, held_keys
from trading.research.running import MOST_ATTEMPTS
from trading.waking import queue

logger = structlog.get_logger(__name__)

# A call older than this is believed lost; a queue that is long hears it twice, which changes nothing.
LOST_AFTER: Final = timedelta(seconds=60)
KEPT_GIVEN_UP: Final = timedelta(days=30)


def resume_backtests(now: datetime) -> int:
    """Returns how many were called again."""
    at_work = held_keys(BACKTESTS)
    left = Backtest.objects.filter(status=ResearchStatus.RUNNING).exclude(pk__in=at_work)
    called = 0
    for key, user_id, attempts in list(left.values_list("pk", "user_id", "attempts")):
        called += _call_again(key, user_id) if attempts < MOST_ATTEMPTS else _give_up(key, user_id)
    waiting = Backtest.objects.filter(status=ResearchStatus.QUEUED, updated_at__lt=now - LOST_AFTER)
    for key in list(waiting.exclude(pk__in=at_work).values_list("pk", flat=True)):
        if waiting.filter(pk=key).update(updated_at=Now()):
            queue(RUN_TASK, key)
            called += 1
    Backtest.objects.filter(
        status__in=(ResearchStatus.FAILED, ResearchStatus.CANCELLED), finished_at__lt=now - KEPT_GIVEN_UP
    ).delete()
    return called


def _call_again(key: int, user_id: int) -> int:
    """Back into the queue, unless somebody took it up a moment ago."""
    running = Backtest.objects.filter(pk=key, status=ResearchStatus.RUNNING)
    if key in held_keys(BACKTESTS):
        return 0
    called = running.filter(cancel_wanted_at__isnull=True).update(
        status=ResearchStatus.QUEUED, step=BacktestStep.WAITING, progress=0, updated_at=Now()
    )
    if called:
        logger.warning("backtest_resumed", backtest_id=key)
        queue(RUN_TASK, key)
    else:
        running.update(
            status=ResearchStatus.CANCELLED,
            step=BacktestStep.ENDED,
            message=_("Cancelled."),
            finished_at=Now(),
            updated_at=Now(),
        )
    tell(user_id, key)
    return called


def _give_up(key: int, user_id: int) -> int:
    Backtest.objects.filter(pk=key, status=ResearchStatus.RUNNING, attempts__gte=MOST_ATTEMPTS).update(
        status=ResearchStatus.FAILED,
        step=BacktestStep.ENDED,
        message=_("Its worker ended while it ran, %(times)s times.") % {"times": MOST_ATTEMPTS},
        finished_at=Now(),
        updated_at=Now(),
    )
    logger.error("backtest_given_up", backtest_id=key)
    tell(user_id, key)
    return 0
