"""Client order ids: installation tag + bot + purpose + sequence, never used twice."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.db import connection

from engine.orders import Purpose
from trading.models import Installation

PREFIX = "tb"
LIST = "l"
LETTERS = {Purpose.ENTRY: "e", Purpose.EXIT: "x", Purpose.STOP: "s", Purpose.TARGET: "t"}


@cache
def installation_tag() -> str:
    """This database's own tag (cached: it changes only when a database is restored, which restarts everything)."""
    return Installation.objects.get_or_create(pk=1)[0].tag


def next_entry_ids(bot_ids: Iterable[int]) -> dict[int, str]:
    """The next id of an entry for each of these bots, in one statement; otherwise as `next_client_order_id`."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISE_ALL, [list(bot_ids)])
        return {
            bot_id: _spelled(bot_id, LETTERS[Purpose.ENTRY], newest) for bot_id, newest in cursor.fetchall()
        }


def next_client_order_id(bot_id: int, purpose: Purpose) -> str:
    """The bot's next id, at most 36 of `[A-Za-z0-9_-]`. Called inside the planning transaction: the sequence on the
    bot's state row rises with it, so an id drawn by a transaction that rolled back was never sent."""
    return _next_ids(bot_id, LETTERS[purpose])[0]


def next_list_ids(bot_id: int) -> tuple[str, str, str]:
    """The bot's next ids for an order list, its stop and its target, from the same sequence."""
    whole, stop, target = _next_ids(bot_id, LIST, LETTERS[Purpose.STOP], LETTERS[Purpose.TARGET])
    return whole, stop, target


def _next_ids(bot_id: int, *letters: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, [len(letters), bot_id])
        (newest,) = cursor.fetchone()
    first = newest - len(letters) + 1
    return [_spelled(bot_id, letter, first + at) for at, letter in enumerate(letters)]


def _spelled(bot_id: int, letter: str, number: int) -> str:
    return f"{PREFIX}{installation_tag()}-{bot_id}-{letter}{number}"


_RAISE = """
UPDATE bots_botstate SET order_sequence = order_sequence + %s WHERE bot_config_id = %s RETURNING order_sequence
"""
_RAISE_ALL = """
UPDATE bots_botstate SET order_sequence = order_sequence + 1 WHERE bot_config_id = ANY(%s)
RETURNING bot_config_id, order_sequence
"""
