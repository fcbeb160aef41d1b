"""The Redis door: JSON values with a time to live and atomic counters, for sync and async callers.

Redis is never needed: away, every read is a miss and every write does nothing, quickly, and the log says so once.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
import redis.asyncio.retry
import structlog
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 0.3
OPERATION_SECONDS: Final = 0.5
# After a failure nobody waits for Redis again for this long.
PAUSE_SECONDS: Final = 2.0
# A listener looks up this often, so that a connection that is gone is noticed.
NEWS_SECONDS: Final = 0.4
# How often a process adds its hits and misses to the installation's.
TELL_SECONDS: Final = 10.0
_TOTALS: Final = "cache-totals"
_FAILURES: Final = (RedisError, OSError, TimeoutError)
_ADD: Final = """
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
if ARGV[2] ~= '' and redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return total
"""
_ADD_IN_WINDOW: Final = """
local total = redis.call('INCR', KEYS[1])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {total, redis.call('TTL', KEYS[1])}
"""


class RedisCache:
    """Keys are `family:rest`; hits and misses are counted per family. A value of None cannot be kept: it is a miss."""

    def __init__(
        self, url: str, *, prefix: str = "tradebot:", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._monotonic = monotonic
        self._paused_until = 0.0
        self._is_away = False
        self._lock = threading.Lock()
        self._hits: Counter[str] = Counter()
        self._misses: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._told_at = monotonic()
        # One more try where an idle connection had been closed; none after a time-out.
        self._sync = redis.Redis.from_url(
            url, **_limits(), retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        )
        # An async connection belongs to the loop that opened it.
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()

    # --- sync ---------------------------------------------------------------------------------
    def get(self, key: str) -> Any | None:
        return self._counted(key, self._run(lambda: self._sync.get(self._prefix + key)))

    def get_many(self, keys: list[str]) -> list[Any | None]:
        found = self._run(lambda: self._sync.mget([self._prefix + key for key in keys])) if keys else []
        values = cast("list[Any]", found) or [None] * len(keys)
        return [self._counted(key, value) for key, value in zip(keys, values, strict=True)]

    def put(self, key: str, value: Any, *, ttl_seconds: float) -> bool:
        """True if Redis has it now."""
        text = json.dumps(value)
        return bool(self._run(lambda: self._sync.set(self._prefix + key, text, px=int(ttl_seconds * 1000))))

    def delete(self, *keys: str) -> bool:
        """True if Redis was told; where it was not, what is there lives on until its time is over."""
        return self._run(lambda: self._sync.delete(*(self._prefix + key for key in keys))) is not None

    def add(self, key: str, amount: int = 1, *, ttl_seconds: int | None = None) -> int | None:
        """Raise a counter and return it; its life begins with its first raise. None when Redis is away."""
        arguments = (1, self._prefix + key, amount, "" if ttl_seconds is None else ttl_seconds)
        return cast("int | None", self._run(lambda: self._sync.eval(_ADD, *arguments)))

    def add_in_window(self, key: str, *, window_seconds: int) -> tuple[int, int] | None:
        """Raise a counter that begins anew every window: how often so far, and how many seconds the window still has.
        None when Redis is away."""
        arguments = (1, self._prefix + key, window_seconds)
        counted = self._run(lambda: self._sync.eval(_ADD_IN_WINDOW, *arguments))
        return None if counted is None else (int(counted[0]), int(counted[1]))

    # --- hashes and news ----------------------------------------------------------------------
    def put_fields(self, key: str, fields: dict[str, Any], *, ttl_seconds: float, news: str = "") -> bool:
        """Set fields of a hash that lives on for `ttl_seconds` from now, and tell the listeners of the topic `news`,
        where one is given. True if Redis has it now."""
        texts = {name: json.dumps(value, separators=(",", ":")) for name, value in fields.items()}
        return self._run(lambda: self._sync_fields(key, texts, int(ttl_seconds * 1000), news)) is not None

    def get_fields(self, key: str) -> dict[str, Any]:
        """All fields; none where there is no such hash, or no Redis."""
        found = self._run(lambda: self._sync.hgetall(self._prefix + key)) or {}
        self._counted(key, "true" if found else None)
        return {name.decode(): json.loads(text) for name, text in found.items()}

    def topic(self, name: str) -> str:
        """What a topic is called at Redis."""
        return f"{self._prefix}{name}"

    async def news(self, name: str) -> AsyncIterator[Any]:
        """What is told on a topic from now on. Ends when Redis is away: whoever listens asks elsewhere, and again."""
        try:
            async with self._async_client().pubsub(ignore_subscribe_messages=True) as listening:
                await listening.subscribe(self.topic(name))
                while True:
                    message = await listening.get_message(timeout=NEWS_SECONDS)
                    if message is not None:
                        yield json.loads(message["data"])
        except _FAILURES as error:
            self._note_failure(error)

    def _sync_fields(self, key: str, texts: Mapping[Any, Any], ttl_ms: int, news: str) -> list[Any]:
        with self._sync.pipeline(transaction=False) as pipe:
            if texts:
                pipe.hset(self._prefix + key, mapping=texts)
            pipe.pexpire(self._prefix + key, ttl_ms)
            if texts and news:
                told = ",".join(f"{json.dumps(name)}:{text}" for name, text in texts.items())
                pipe.publish(self.topic(news), "{" + told + "}")
            return pipe.execute()

    def clear(self) -> None:
        """Forget everything under our prefix."""
        self._run(lambda: [self._sync.delete(key) for key in self._sync.scan_iter(f"{self._prefix}*")])

    # --- async --------------------------------------------------------------------------------
    async def aget(self, key: str) -> Any | None:
        return self._counted(key, await self._arun(lambda client: client.get(self._prefix + key)))

    async def aput(self, key: str, value: Any, *, ttl_seconds: float) -> bool:
        text = json.dumps(value)
        return bool(
            await self._arun(lambda client: client.set(self._prefix + key, text, px=int(ttl_seconds * 1000)))
        )

    async def adelete(self, *keys: str) -> bool:
        return (
            await self._arun(lambda client: client.delete(*(self._prefix + key for key in keys))) is not None
        )

    async def aadd(self, key: str, amount: int = 1, *, ttl_seconds: int | None = None) -> int | None:
        arguments = (1, self._prefix + key, amount, "" if ttl_seconds is None else ttl_seconds)
        return cast("int | None", await self._arun(lambda client: client.eval(_ADD, *arguments)))

    # --- state --------------------------------------------------------------------------------
    def counts(self) -> dict[str, dict[str, int]]:
        """Of this process: {family: {"hits": n, "misses": n}}."""
        families = sorted(self._hits.keys() | self._misses.keys())
        return {name: {"hits": self._hits[name], "misses": self._misses[name]} for name in families}

    def totals(self) -> dict[str, dict[str, int]]:
        """Of the installation since Redis was new: like `counts`; each process adds its own every few seconds. Empty
        where Redis is away."""
        found: dict[str, dict[str, int]] = {}
        for name, count in (self._run(lambda: self._sync.hgetall(self._prefix + _TOTALS)) or {}).items():
            family, _, kind = name.decode().rpartition(":")
            found.setdefault(family, {"hits": 0, "misses": 0})[kind] = int(count)
        return dict(sorted(found.items()))

    def tell_counts(self) -> None:
        """Add to the totals what has been counted since the last time."""
        now = {
            f"{family}:{kind}": count
            for family, counts in self.counts().items()
            for kind, count in counts.items()
        }
        news = {name: count - self._told[name] for name, count in now.items() if count > self._told[name]}
        if news and self._run(lambda: self._sync_totals(news)) is not None:
            self._told.update(news)

    def _sync_totals(self, news: dict[str, int]) -> list[Any]:
        with self._sync.pipeline(transaction=False) as pipe:
            for name, count in news.items():
                pipe.hincrby(self._prefix + _TOTALS, name, count)
            return pipe.execute()

    def is_answering(self) -> bool:
        """Asks now, whatever the pause says."""
        self._paused_until = 0.0
        return self._run(self._sync.ping) is not None

    def _counted(self, key: str, raw: Any) -> Any | None:
        value = None if raw is None else json.loads(raw)
        (self._misses if value is None else self._hits)[key.partition(":")[0]] += 1
        self._tell_counts_now_and_then()
        return value

    def _tell_counts_now_and_then(self) -> None:
        """In a thread of its own: whoever asked for a value does not wait for a statistic."""
        now = self._monotonic()
        if now - self._told_at >= TELL_SECONDS and not self._is_away:
            self._told_at = now
            threading.Thread(target=self.tell_counts, name="cache-counts", daemon=True).start()

    def _run(self, operation: Callable[[], Any]) -> Any | None:
        if self._monotonic() < self._paused_until:
            return None
        try:
            answer = operation()
        except _FAILURES as error:
            self._note_failure(error)
            return None
        self._note_success()
        return answer

    async def _arun(self, operation: Callable[[redis.asyncio.Redis], Awaitable[Any]]) -> Any | None:
        if self._monotonic() < self._paused_until:
            return None
        try:
            answer = await operation(self._async_client())
        except _FAILURES as error:
            self._note_failure(error)
            return None
        self._note_success()
        return answer

    def _async_client(self) -> redis.asyncio.Redis:
        loop = asyncio.get_running_loop()
        client = self._async.get(loop)
        if client is None:
            retry = redis.asyncio.retry.Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
            client = self._async[loop] = redis.asyncio.Redis.from_url(self._url, **_limits(), retry=retry)
        return client

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            self._paused_until = self._monotonic() + PAUSE_SECONDS
            first, self._is_away = not self._is_away, True
        if first:
            logger.warning("redis_away", error=type(error).__name__)

    def _note_success(self) -> None:
        if not self._is_away:
            return
        with self._lock:
            back, self._is_away = self._is_away, False
        if back:
            logger.info("redis_back")


def _limits() -> dict[str, Any]:
    return {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": OPERATION_SECONDS}


_caches: dict[tuple[str, str], RedisCache] = {}


def cache() -> RedisCache:
    """The installation's cache. What it keeps mirrors one database, so that database's name is in every key."""
    name = (str(settings.REDIS_URL), str(connection.settings_dict["NAME"]))
    if name not in _caches:
        _caches[name] = RedisCache(name[0], prefix=f"tradebot:{name[1]}:")
    return _caches[name]
