"""What is remembered of a user in Redis, by a revision that every change raises.

A reader keeps what it computed under the revision it began with; after a raise nobody asks for that any more. A raise
that Redis never heard of is outlived by a few seconds: TTL_SECONDS is how old an answer can get. Without Redis
everything is computed anew, and so it is inside a transaction, which must see what it wrote. Bot runs never come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.db import connection

from exchange.cache import cache

TTL_SECONDS = 15
# A revision must outlive everything kept under it; a new one begins at a count nobody had before only then.
REVISION_SECONDS = 86_400


def raise_revision(user_id: int) -> None:
    """Call it on commit."""
    cache().add(_name(user_id), ttl_seconds=REVISION_SECONDS)


def read_through[T](user_id: int, name: str, compute: Callable[[], T]) -> T:
    """What `compute` answers (JSON values only), remembered until something of the user changes."""
    if connection.in_atomic_block:
        return compute()
    revision = cache().get(_name(user_id)) or 0
    key = f"remembered:{user_id}:{name}:{revision}"
    found = cache().get(key)
    if found is not None:
        return cast("T", found)
    answer = compute()
    cache().put(key, answer, ttl_seconds=TTL_SECONDS)
    return answer


def _name(user_id: int) -> str:
    return f"revision:{user_id}"
