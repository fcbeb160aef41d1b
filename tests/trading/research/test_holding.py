"""Locks of research: one holder at a time, let go at the end whatever happens, or with the session."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection

from tests.trading.research.test_running import other_session
from trading.research.holding import held, held_keys

pytestmark = pytest.mark.django_db(transaction=True)
KIND = 0x74657374


def taken_elsewhere(key: int) -> bool:
    """What it takes it lets go itself: the server ends a session's locks only when it notices its end."""
    with other_session() as other:
        row: Any = other.execute("SELECT pg_try_advisory_lock(%s, %s)", [KIND, key]).fetchone()
        if row[0]:
            other.execute("SELECT pg_advisory_unlock(%s, %s)", [KIND, key])
        return not row[0]


def test_one_holds_it_and_lets_go() -> None:
    with held(KIND, 1) as is_mine:
        assert (is_mine, held_keys(KIND), taken_elsewhere(1), taken_elsewhere(2)) == (True, {1}, True, False)
    assert (held_keys(KIND), taken_elsewhere(1)) == (set(), False)


def test_an_error_lets_go_too() -> None:
    with pytest.raises(ZeroDivisionError), held(KIND, 1):
        raise ZeroDivisionError
    assert not taken_elsewhere(1)


def test_what_somebody_holds_is_not_let_go() -> None:
    with other_session() as other:
        other.execute("SELECT pg_advisory_lock(%s, 1)", [KIND])
        with held(KIND, 1) as is_mine:
            assert not is_mine
        assert held_keys(KIND) == {1}


def test_a_lost_connection_has_let_go() -> None:
    with pytest.raises(DatabaseError):
        lose_the_connection_while_holding(1)
    assert not taken_elsewhere(1)
    with held(KIND, 1) as is_mine:
        assert is_mine


def lose_the_connection_while_holding(key: int) -> None:
    with held(KIND, key), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        with other_session() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [cursor.fetchone()[0]])
