"""News from the event loop to a thread that may wait: handed over without waiting, worked off in batches, in order.

What a batch dies of is logged and the next goes on: whoever listens to the feed is a hurry-up, with a net below.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

import structlog
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection

logger = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 2000


class Batches[Item]:
    """One thread with a database connection of its own; `handle` gets everything that has come meanwhile."""

    def __init__(self, name: str, handle: Callable[[list[Item]], object]) -> None:
        self._handle = handle
        self._name = name
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        self._items.put(item)

    def stop(self, *, within_seconds: float) -> None:
        """Work off what has come, then end the thread."""
        self._items.put(None)
        self._thread.join(within_seconds)

    def _work(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                self._try(batch)
        finally:
            connection.close()

    def _try(self, batch: list[Item]) -> None:
        # A connection that the server's death has broken is opened anew.
        close_old_connections()
        try:
            self._handle(batch)
        except DatabaseFailure as error:
            # Whoever leads finds out as well, and begins anew once the database is back.
            logger.warning("feed_batch_lost", worker=self._name, items=len(batch), cause=type(error).__name__)
        except Exception as error:
            # An edge: whatever breaks one batch, the next one must still be worked off.
            logger.exception(
                "feed_batch_failed", worker=self._name, items=len(batch), error=type(error).__name__
            )

    def _next_batch(self) -> list[Item] | None:
        """Waits for news; None at the end."""
        batch: list[Item] = []
        item = self._items.get()
        while item is not None:
            batch.append(item)
            if len(batch) == MOST_AT_ONCE:
                return batch
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            # The end was behind these: it is found again after them.
            self._items.put(None)
        return batch or None
