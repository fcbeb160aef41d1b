"""Several at the same moment, each in a thread and on a connection of its own; and a wait for who must be waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection, connections

from bots.lifecycle import LifecycleRefused
from bots.validation import ConfigurationRefused
from trading.runner import Locked

WAIT_S = 20


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned, or the word it was refused with; anything else that it raised is raised here."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        together.wait(WAIT_S)
        try:
            return call()
        except LifecycleRefused as refused:
            return refused.status_code
        except ConfigurationRefused as refused:
            return list(refused.errors)
        except Locked:
            return "locked"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(WAIT_S) for future in [pool.submit(run, call) for call in calls]]


def wait_until_somebody_waits() -> None:
    """For a lock that this connection holds."""
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    deadline = time.monotonic() + WAIT_S
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            if cursor.execute(waiting).fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")
