"""Optimisations whose workers died or whose calls were lost, found by state; and those nobody will look at again.

Safe to run anywhere, any number of times: a lane that is worked on is known by its lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from trading.models.optimization import Optimization
from trading.models.research import UNFINISHED, ResearchStatus
from trading.research.holding import held_keys
from trading.research.optimization_lanes import LANE, LANES, lane_key
from trading.research.optimizations import RUN_TASK, tell
from trading.research.resuming import UNHEARD
from trading.waking import is_research_there, queue

logger = structlog.get_logger(__name__)

# Between two slices a lane waits in the queue, behind the lanes of every other search; a call older than that is
# believed lost. One that is made again too soon is not free: it goes on beside the first, slice after slice.
LOST_AFTER: Final = timedelta(seconds=15)
AND_FOR_EACH_OTHER: Final = timedelta(seconds=8)
KEPT_GIVEN_UP: Final = timedelta(days=30)


def resume_optimizations(now: datetime) -> int:
    """Returns how many were called again."""
    at_work, called = held_keys(LANE), 0
    unfinished = Optimization.objects.filter(status__in=UNFINISHED)
    patience = LOST_AFTER + AND_FOR_EACH_OTHER * max(unfinished.count() - 1, 0)
    quiet = unfinished.filter(updated_at__lt=now - patience)
    for key, user_id in list(quiet.values_list("pk", "user_id")):
        if any(lane_key(key, lane) in at_work for lane in range(LANES)):
            continue
        called += _call_again(key, user_id)
    Optimization.objects.filter(
        status__in=(ResearchStatus.FAILED, ResearchStatus.CANCELLED), finished_at__lt=now - KEPT_GIVEN_UP
    ).delete()
    return called


def _call_again(key: int, user_id: int) -> int:
    """One that was called off ends here; of the others every lane is called."""
    row = Optimization.objects.filter(pk=key, status__in=UNFINISHED)
    cancelled = row.filter(cancel_wanted_at__isnull=False).update(
        status=ResearchStatus.CANCELLED, message=_("Cancelled."), finished_at=Now(), updated_at=Now()
    )
    if cancelled:
        tell(user_id, key)
        return 0
    if not is_research_there():
        # Not called for as long as nobody hears it; every lane is, as soon as somebody does.
        if row.exclude(message=_(UNHEARD)).update(message=_(UNHEARD)):
            tell(user_id, key)
        return 0
    if not row.update(message="", updated_at=Now()):
        return 0
    logger.warning("optimization_resumed", optimization_id=key)
    for lane in range(LANES):
        queue(RUN_TASK, key, lane)
    return 1
