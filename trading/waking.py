"""Wake-up calls to workers. One that is lost costs time, never work: whatever it was for is found by state."""

from __future__ import annotations

import structlog
from celery import Celery, current_app
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)


def queue(task: str, *arguments: int | list[int], app: Celery = current_app) -> None:
    """Queue a task by name; with the broker away the schedule finds the work."""
    try:
        app.send_task(task, args=list(arguments), ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("not_queued", task=task, arguments=arguments, cause=type(error).__name__)
