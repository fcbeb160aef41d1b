"""One of several feeds leads; the next takes over when its lock's connection is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings

from exchange.feed.leadership import LOCK, lead
from tradebot.supervisor.ports import free_port

WITHIN_SECONDS = 15.0
pytestmark = pytest.mark.django_db(transaction=True)


class Candidate:
    """Counts its leaderships; `leads` while one lasts."""

    def __init__(self) -> None:
        self.leads = False
        self.times = 0

    async def work(self) -> None:
        self.leads, self.times = True, self.times + 1
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False


def play(story: Callable[[Candidate, Candidate], Awaitable[None]]) -> None:
    async def run() -> None:
        pair = Candidate(), Candidate()
        tasks = [asyncio.create_task(lead(settings.DATABASES["default"], one.work)) for one in pair]
        try:
            await until(lambda: any(one.leads for one in pair))
            first = next(one for one in pair if one.leads)
            await story(first, next(one for one in pair if one is not first))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not is_so():
            await asyncio.sleep(0.01)


def holders() -> list[int]:
    with psycopg.connect(**address()) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32 | objid::bigint) = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        ).fetchall()
    return [pid for (pid,) in rows]


def address() -> dict[str, Any]:
    database = settings.DATABASES["default"]
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {ours: database[theirs] for ours, theirs in names.items()}


def cut(pid: int) -> None:
    with psycopg.connect(**address(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_only_one_leads() -> None:
    async def story(first: Candidate, second: Candidate) -> None:
        await asyncio.sleep(1.2)  # Two more attempts of the second.
        assert (first.leads, second.times) == (True, 0)
        assert len(await asyncio.to_thread(holders)) == 1

    play(story)


def test_a_lost_connection_ends_leadership_and_somebody_leads_again() -> None:
    async def story(first: Candidate, second: Candidate) -> None:
        (holder,) = await asyncio.to_thread(holders)
        await asyncio.to_thread(cut, holder)
        # For a moment both may: what a feed does twice is harmless.
        await until(lambda: first.times + second.times == 2 and first.leads != second.leads)

    play(story)


def test_a_leader_that_ends_makes_way() -> None:
    async def story() -> None:
        database = settings.DATABASES["default"]
        first, second = Candidate(), Candidate()
        leading = asyncio.create_task(lead(database, first.work))
        await until(lambda: first.leads)
        waiting = asyncio.create_task(lead(database, second.work))
        leading.cancel()
        await until(lambda: second.leads)
        assert not first.leads
        waiting.cancel()
        await asyncio.gather(leading, waiting, return_exceptions=True)

    asyncio.run(story())


def test_without_a_database_nobody_leads_and_nobody_dies() -> None:
    async def story() -> None:
        one = Candidate()
        nowhere = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": free_port()}
        waiting = asyncio.create_task(lead(nowhere, one.work))
        await asyncio.sleep(0.7)
        assert (one.times, waiting.done()) == (0, False)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(story())


def test_what_breaks_the_work_is_not_hidden() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(lead(settings.DATABASES["default"], broken))
    assert raised.group_contains(ZeroDivisionError)
