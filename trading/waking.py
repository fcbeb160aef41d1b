"""Wake-up calls to workers. One that is lost costs time, never work: whatever it was for is found by state."""

from __future__ import annotations

from typing import Final

import structlog
from celery import Celery, current_app
from kombu.exceptions import OperationalError

from exchange.cache import cache

logger = structlog.get_logger(__name__)

_RESEARCH: Final = "worker-there:research"


def queue(
    task: str,
    *arguments: int | str | list[int] | list[str],
    expires: float | None = None,
    app: Celery = current_app,
) -> None:
    """Queue a task by name; with the broker away the schedule finds the work."""
    try:
        app.send_task(task, args=list(arguments), ignore_result=True, expires=expires)
    except (OperationalError, OSError) as error:
        logger.warning("not_queued", task=task, arguments=arguments, cause=type(error).__name__)


def note_research(*, for_seconds: float) -> None:
    """The research worker says that it is there."""
    cache().put(_RESEARCH, True, ttl_seconds=for_seconds)


def is_research_there() -> bool:
    """Whether anybody hears a call for research. Whoever calls again and again asks first: unheard calls pile up in the
    Redis that trading needs."""
    return cache().get(_RESEARCH) is not None
