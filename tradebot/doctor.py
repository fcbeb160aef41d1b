"""What stands between this installation and trading, each finding with what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db import DatabaseError

from accounts.models import ApiKey
from accounts.vault import VaultError, credentials_of
from exchange.cache import cache
from exchange.connect import market_data
from exchange.port import ExchangeError
from tradebot import health

CLOCK_TOLERANCE_SECONDS = 1.0
ADVICE = {
    "database": "Start it (./run does), or correct DATABASE_URL.",
    "migrations": "Type ./run manage migrate.",
    "redis": "Start it (./run does), or correct REDIS_URL.",
    "worker": "Bots are not run. Start ./run; its log is DATA_DIR/logs/worker.log.",
    "beat": "Nothing wakes the bots. Start ./run; its log is DATA_DIR/logs/beat.log.",
    "feed": "Bots wait for the minute. Start ./run; its log is DATA_DIR/logs/feed.log.",
    "sandbox": "Paper bots cannot trade. Start ./run; its log is DATA_DIR/logs/sandbox.log.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` is empty where it is well."""

    subject: str
    detail: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Look at settings, parts, caches, clock and keys, in this order."""
    yield examine_secrets()
    checks = health.prober.checks()
    for name, check in checks.items():
        yield Finding(name, check.detail, "" if check.ok or not check.is_known else ADVICE[name])
    if checks["redis"].ok:
        yield examine_caches()
    if checks["sandbox"].ok:
        yield examine_clock()
    if checks["database"].ok and checks["migrations"].ok:
        yield examine_keys()


def examine_secrets() -> Finding:
    if settings.SECRET_KEY.startswith("development-only-"):
        return Finding(
            "settings", "the secrets are those of the source code", "Type ./run manage doctor instead."
        )
    return Finding("settings", f"read for {settings.ENVIRONMENT}, with secrets of its own")


def examine_caches() -> Finding:
    """How often what was looked for in Redis was there."""
    counted = [
        f"{family} {counts['hits']} of {counts['hits'] + counts['misses']}"
        for family, counts in cache().totals().items()
    ]
    return Finding("caches", f"found in Redis: {', '.join(counted)}" if counted else "nothing counted yet")


def examine_clock() -> Finding:
    """Compare our clock with the exchange's: signed requests are refused when they drift apart."""
    try:
        # The quickest of three answers says most: the first also opens a connection.
        _, offset = min(measure_offset() for _ in range(3))
    except ExchangeError as trouble:
        return Finding("clock", f"could not be compared: {trouble}", "Look at the sandbox first.")
    detail = f"{abs(offset):.2f} s {'behind' if offset > 0 else 'ahead of'} the exchange"
    return Finding(
        "clock", detail, "" if abs(offset) <= CLOCK_TOLERANCE_SECONDS else "Set this machine's time by NTP."
    )


def measure_offset() -> tuple[float, float]:
    """Seconds the exchange took to answer, and seconds its clock is before ours."""
    before = time.time()
    theirs = market_data("sandbox").server_time_ms() / 1000
    after = time.time()
    return after - before, theirs - (before + after) / 2


def examine_keys() -> Finding:
    """Open every stored key with the vault's present keys; none is shown."""
    try:
        keys = list(ApiKey.objects.all())
    except (DatabaseError, psycopg.Error) as trouble:
        return Finding("keys", f"could not be read: {trouble}", ADVICE["database"])
    sealed = [key.pk for key in keys if not can_be_opened(key)]
    if sealed:
        numbers = ", ".join(map(str, sealed))
        return Finding(
            "keys", f"cannot be opened: {numbers}", "Put the old key back at the end of FERNET_KEYS."
        )
    return Finding("keys", f"{len(keys)} stored, all can be opened")


def can_be_opened(key: ApiKey) -> bool:
    try:
        credentials_of(key)
    except VaultError:
        return False
    return True
