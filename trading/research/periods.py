"""Reads from when to when: instants, days and milliseconds into whole candles."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from bots import parsing
from engine.market import interval_ms
from exchange.instants import ms_of

EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class Period(NamedTuple):
    """From the opening of the first candle to the close of the last (ms)."""

    start_ms: int
    end_ms: int

    def candles(self, timeframe: str) -> int:
        return (self.end_ms - self.start_ms) // interval_ms(timeframe)


def instant_ms(raw: Any, *, is_end: bool) -> int | None:
    """An ISO instant (UTC unless it says otherwise), a day (its beginning, or its end where `is_end`), or milliseconds;
    None when empty. Raises `parsing.Unreadable`."""
    if parsing.is_empty(raw):
        return None
    at = raw if isinstance(raw, datetime) else _read(raw, is_end=is_end)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if not EARLIEST <= at <= LATEST:
        raise parsing.Unreadable(_("This date is too far away."))
    return ms_of(at)


def whole_candles(start_ms: int, end_ms: int, timeframe: str) -> Period:
    """The candles that lie wholly inside."""
    length = interval_ms(timeframe)
    return Period(-(-start_ms // length) * length, end_ms // length * length)


def _read(raw: Any, *, is_end: bool) -> datetime:
    if isinstance(raw, date):
        return _of_day(raw, is_end=is_end)
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if text.isascii() and text.isdigit() and 9 <= len(text) <= 14:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
    try:
        day = parse_date(text) if len(text) == 10 else None
        at = None if day else parse_datetime(text)
    except ValueError:
        day = at = None
    if day is not None:
        return _of_day(day, is_end=is_end)
    if at is None:
        raise parsing.Unreadable(_("Give a day (2025-06-30) or an instant (2025-06-30T12:00Z)."))
    return at


def _of_day(day: date, *, is_end: bool) -> datetime:
    midnight = datetime.combine(day, time.min, tzinfo=UTC)
    return midnight + timedelta(days=1) if is_end and day.year < LATEST.year else midnight
