"""Who works on what: a session lock of PostgreSQL, so that one worker at a time runs a piece of research, and one that
died has let go of it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

# First half of the locks of backtests: "btst" as a number. The second half is the row.
BACKTESTS: Final = 0x62747374
# Taken by whoever runs any backtest: one at a time, so that another child of the worker is free for what others have
# asked for: a search's next sets, a comparison, lines over a chart.
TURN: Final = 0x7475726E


@contextmanager
def held(kind: int, key: int) -> Iterator[bool]:
    """Whether this process got it; it is let go at the end. Outside a transaction."""
    is_mine = True
    try:
        is_mine = _asked("SELECT pg_try_advisory_lock(%s, %s)", kind, key)
        yield is_mine
    finally:
        if is_mine:
            _let_go(kind, key)


def _let_go(kind: int, key: int) -> None:
    """Whatever prevents it (a broken connection, a time limit that strikes here): the session then ends, and its locks
    with it."""
    try:
        _asked("SELECT pg_advisory_unlock(%s, %s)", kind, key)
    except BaseException:
        connection.close()
        raise


def _asked(query: str, kind: int, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, [kind, key])
        return bool(cursor.fetchone()[0])


def held_keys(kind: int) -> set[int]:
    """Everything of that kind that some process of this installation is working on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2"
            " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [kind],
        )
        return {int(key) for (key,) in cursor.fetchall()}
