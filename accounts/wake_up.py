"""Wakes the workers for this room. With the broker away nothing is lost: the schedule finds the work by its state."""

from __future__ import annotations

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)

RESET_MAILS_TASK = "accounts.send_reset_mails"


def wake_reset_mails() -> None:
    """Once the caller's transaction is committed."""
    transaction.on_commit(lambda: _send(RESET_MAILS_TASK))


def _send(task: str) -> None:
    try:
        current_app.send_task(task, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("task_not_queued", task=task, cause=type(error).__name__)
