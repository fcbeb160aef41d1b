"""Signs of life of both workers and of beat, kept in Redis with the time they were given, so that their age is honest.

Nobody waits for them: while Redis is away none are written, and readers say "unknown", not "well".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from celery import bootsteps
from django.conf import settings

log = structlog.get_logger(__name__)
EVERY_SECONDS = 2.0
STALE_AFTER_SECONDS = 8.0
PREFIX = "tradebot:heartbeat:"
KEPT_SECONDS = 86_400


def client(url: str) -> redis.Redis:
    """A Redis client that answers or gives up within a second."""
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None)


class Heartbeat:
    """One process's sign of life, over a connection of its own."""

    def __init__(self, name: str) -> None:
        self.key = PREFIX + name
        self.client: redis.Redis = client(settings.REDIS_URL)

    def give(self) -> None:
        try:
            self.client.set(self.key, f"{time.time():.3f}", ex=KEPT_SECONDS)
        except redis.RedisError as trouble:
            log.warning("heartbeat_not_written", key=self.key, error=str(trouble))


def heartbeat_ages(connection: redis.Redis, names: tuple[str, ...], *, now: float) -> dict[str, float | None]:
    """Seconds since each last sign of life; None for one that never gave any. Raises redis.RedisError."""
    values: Any = connection.mget([PREFIX + name for name in names])
    return {
        name: max(0.0, now - float(value)) if value is not None else None
        for name, value in zip(names, values, strict=True)
    }


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Gives a worker's sign of life from its own event loop: a worker that hangs gives none."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.entry: Any = None

    def start(self, parent: Any) -> None:
        give = self.sign_of_research() if settings.PROCESS_ROLE == "research" else Heartbeat("worker").give
        give()
        self.entry = parent.timer.call_repeatedly(EVERY_SECONDS, give)

    def sign_of_research(self) -> Callable[[], None]:
        """Those who call for research ask whether somebody is there to hear it."""
        from trading.waking import note_research

        heartbeat = Heartbeat("research")

        def give() -> None:
            heartbeat.give()
            note_research(for_seconds=STALE_AFTER_SECONDS)

        return give

    def stop(self, parent: Any) -> None:
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None
