"""Milliseconds of the engine and the exchange as aware datetimes of the database. Exact: no float on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(at_ms: int) -> datetime:
    """The instant `at_ms` milliseconds after 1970-01-01 UTC."""
    return EPOCH + timedelta(milliseconds=at_ms)


def ms_of(at: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC, rounded down."""
    return (at - EPOCH) // timedelta(milliseconds=1)
