"""One leader among several feeds: who holds a session lock of PostgreSQL leads, and loses it with the connection.

A leader that is cut off stops within moments, and the server frees its lock soon after: the next one takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import psycopg
import structlog

logger = structlog.get_logger(__name__)

# "tradebot feed" as a number nobody else uses.
LOCK: Final = 0x74625F66656564
TRY_EVERY_SECONDS: Final = 0.5
LOOK_EVERY_SECONDS: Final = 1.0
ANSWER_WITHIN_SECONDS: Final = 3.0
# The server notices within ten seconds that a leader's machine is gone, and frees the lock.
_NOTICED_SOON: Final = "-c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


class LeadershipLost(Exception):
    """The lock's connection is gone: somebody else may lead by now."""


async def lead(database: Mapping[str, Any], work: Callable[[], Awaitable[None]]) -> None:
    """Wait until elected, then run `work` for as long as the lock is held; again and again, until cancelled."""
    said = ""
    while True:
        try:
            async with await _connect(database) as connection:
                await _win(connection)
                logger.info("feed_leads")
                said = ""
                async with asyncio.TaskGroup() as group:
                    group.create_task(_hold(connection))
                    group.create_task(_working(work))
        except* (psycopg.Error, OSError, TimeoutError, LeadershipLost) as failures:
            cause = type(failures.exceptions[0]).__name__
            if cause != said:
                logger.warning("feed_does_not_lead", cause=cause)
            said = cause
        await asyncio.sleep(TRY_EVERY_SECONDS)


async def _connect(database: Mapping[str, Any]) -> psycopg.AsyncConnection[Any]:
    """A connection of its own, of no pool: it lives as long as the leadership."""
    transport = {name: value for name, value in database.get("OPTIONS", {}).items() if name.startswith("ssl")}
    return await psycopg.AsyncConnection.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        autocommit=True,
        connect_timeout=5,
        options=_NOTICED_SOON,
        **transport,
    )


async def _win(connection: psycopg.AsyncConnection[Any]) -> None:
    while not await _asked(connection, f"SELECT pg_try_advisory_lock({LOCK})"):
        await asyncio.sleep(TRY_EVERY_SECONDS)


async def _hold(connection: psycopg.AsyncConnection[Any]) -> None:
    """Returns never: raises once the connection does not answer."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        await _asked(connection, "SELECT true")


async def _asked(connection: psycopg.AsyncConnection[Any], query: Any) -> bool:
    async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
        row = await (await connection.execute(query)).fetchone()
    return bool(row and row[0])


async def _working(work: Callable[[], Awaitable[None]]) -> None:
    await work()
    raise LeadershipLost
