"""Backtests whose worker died or whose wake-up call was lost, found by state; and those nobody will look at again.

Safe to run anywhere, any number of times: what is being worked on is known by its lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from trading.models.research import Backtest, BacktestStep, ResearchStatus
from trading.research.backtests import RUN_TASK, tell
from trading.research.holding import BACKTESTS, held_keys
from trading.research.running import MOST_ATTEMPTS
from trading.waking import is_research_there, queue

logger = structlog.get_logger(__name__)

# A call older than this is believed lost; a queue that is long hears it twice, which changes nothing.
LOST_AFTER: Final = timedelta(seconds=60)
UNHEARD: Final = gettext_noop(
    "The worker that computes backtests and optimisations is away. This waits, and goes on by itself once it is back."
)
KEPT_GIVEN_UP: Final = timedelta(days=30)


def resume_backtests(now: datetime) -> int:
    """Returns how many were called again."""
    at_work = held_keys(BACKTESTS)
    left = Backtest.objects.filter(status=ResearchStatus.RUNNING).exclude(pk__in=at_work)
    called = 0
    for key, user_id, attempts in list(left.values_list("pk", "user_id", "attempts")):
        called += _call_again(key, user_id) if attempts < MOST_ATTEMPTS else _give_up(key, user_id)
    waiting = Backtest.objects.filter(status=ResearchStatus.QUEUED, updated_at__lt=now - LOST_AFTER)
    waiting = waiting.exclude(pk__in=at_work)
    called += _call_lost(waiting) if is_research_there() else _say_unheard(waiting)
    Backtest.objects.filter(
        status__in=(ResearchStatus.FAILED, ResearchStatus.CANCELLED), finished_at__lt=now - KEPT_GIVEN_UP
    ).delete()
    return called


def _call_lost(waiting: QuerySet[Backtest]) -> int:
    called = 0
    for key in list(waiting.values_list("pk", flat=True)):
        if waiting.filter(pk=key).update(message="", updated_at=Now()):
            queue(RUN_TASK, key)
            called += 1
    return called


def _say_unheard(waiting: QuerySet[Backtest]) -> int:
    """Once; its call still lies in the queue, and if not, it is made again as soon as somebody is there."""
    for key, user_id in list(waiting.filter(message="").values_list("pk", "user_id")):
        if waiting.filter(pk=key).update(message=_(UNHEARD)):
            tell(user_id, key)
    return 0


def _call_again(key: int, user_id: int) -> int:
    """Back into the queue, unless somebody took it up a moment ago."""
    running = Backtest.objects.filter(pk=key, status=ResearchStatus.RUNNING)
    if key in held_keys(BACKTESTS):
        return 0
    called = running.filter(cancel_wanted_at__isnull=True).update(
        status=ResearchStatus.QUEUED, step=BacktestStep.WAITING, progress=0, message="", updated_at=Now()
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
