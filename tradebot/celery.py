"""The Celery application: where tasks are found, and what every worker process does as it starts.

A worker waits for Redis as long as it takes, and none of its children outlives it.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradebot.settings")

from tradebot.giving_way import rest_after_work, step_back
from tradebot.heartbeats import Heartbeat, WorkerHeartbeat

BEAT_HEARTBEAT = "tradebot.beat_heartbeat"
# Tasks whose first argument is a bot: its id stands in every line they log.
BOT_TASKS = {"trading.run_bot_task"}
PR_SET_PDEATHSIG = 1

app = Celery("tradebot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(WorkerHeartbeat)
app.steps["worker"].add(DjangoStructLogInitStep)
# In the code, not in a migration: it says that beat lives, and belongs to no room.
app.conf.beat_schedule = {
    "beat heartbeat": {
        "task": BEAT_HEARTBEAT,
        "schedule": 3.0,
        "options": {"expires": 10, "ignore_result": True},
    }
}


@app.task(name=BEAT_HEARTBEAT, ignore_result=True)
def beat_heartbeat() -> None:
    """Runs in a pool child: shows that what beat sends is also done."""
    Heartbeat("pool").give()


@signals.beat_init.connect
def note_beginning(**_: Any) -> None:
    """Runs in beat, once its schedule is read."""
    Heartbeat("beat").give()


@signals.after_task_publish.connect(sender=BEAT_HEARTBEAT)
def note_dispatch(**_: Any) -> None:
    """Runs in beat, at each dispatch that Redis has taken."""
    Heartbeat("beat").give()


@signals.setup_logging.connect
def configure_logs(**_: Any) -> None:
    """Keep Celery from laying its own logging over ours."""
    from tradebot.logs import configure

    configure()


def bind_bot_id(task: Any, **_: Any) -> None:
    """Runs as a task begins, after its task and request ids are bound."""
    if task.name in BOT_TASKS and task.request.args:
        structlog.contextvars.bind_contextvars(bot_config_id=task.request.args[0])


bind_extra_task_metadata.connect(bind_bot_id)


@signals.worker_init.connect
def leave_the_code_alone(**_: Any) -> None:
    """Before the fork: what is loaded is no garbage, and looking through it costs a run a tenth of its time, and each
    child a copy of what all could share."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@signals.worker_process_init.connect
def die_with_worker(**_: Any) -> None:
    """A pool child whose worker was killed would hold its task for ever (Linux; elsewhere the supervisor ends it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


@signals.worker_init.connect
def let_others_go_first(**_: Any) -> None:
    """Not sooner: an installation is not ready before this worker is."""
    if settings.PROCESS_ROLE == "research":
        step_back()


@signals.worker_process_init.connect
def give_memory_back(**_: Any) -> None:
    """Only research does: what trades is always at work."""
    if settings.PROCESS_ROLE == "research":
        rest_after_work()


@signals.task_prerun.connect
@signals.task_postrun.connect
def drop_broken_connections(**_: Any) -> None:
    """CELERY_DB_REUSE_MAX keeps connections from task to task, also one that the database server's death has broken."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
