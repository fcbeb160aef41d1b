"""What stands between this installation and trading, each finding with what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psycopg
from django.conf import settings
from django.db import DatabaseError

from accounts.models import ApiKey
from accounts.vault import VaultError, credentials_of
from engine.lookahead import examine as look_ahead
from engine.market import MINUTE_MS, Candles
from engine.strategies import all_strategies, broken_strategies, built_in_strategies, parse_params
from exchange.cache import cache
from exchange.connect import market_data
from exchange.port import ExchangeError
from exchange.sandbox.tape import load_tapes
from tradebot import health

CLOCK_TOLERANCE_SECONDS = 1.0
ADVICE = {
    "database": "Start it (./run does), or correct DATABASE_URL.",
    "migrations": "Type ./run manage migrate.",
    "redis": "Start it (./run does), or correct REDIS_URL.",
    "worker": "Bots are not run. Start ./run; its log is DATA_DIR/logs/worker.log.",
    "research": "Backtests, optimisations and chart studies wait. Start ./run; its log is DATA_DIR/logs/research.log.",
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
    """Look at settings, strategies, parts, caches, clock and keys, in this order."""
    yield examine_secrets()
    yield examine_strategies()
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


def examine_strategies() -> Finding:
    """Whether the user's own can be used, and whether they look ahead on the candles recorded for the paper market."""
    subject, advice = "strategies", f"Correct what lies in {settings.STRATEGIES_DIR}, then start again."
    if broken := broken_strategies():
        return Finding(subject, "; ".join(map(str, broken)), advice)
    own = all_strategies()[len(built_in_strategies()) :]
    for entry in own:
        looked = look_ahead(entry, parse_params(entry.name, {}), recorded_candles())
        if looked.offence is not None:
            at = datetime.fromtimestamp(looked.offence.open_ms / 1000, UTC)
            why = looked.offence.problem or "its signals change when later candles are known"
            return Finding(
                subject, f"{entry.name} fails on the recorded candle of {at:%Y-%m-%d %H:%M}: {why}", advice
            )
    return Finding(subject, f"{len(built_in_strategies())} of TradeBot, {len(own)} of your own")


def recorded_candles() -> Candles:
    """The first recorded minutes of one market, as the sandbox serves them."""
    tape = next(iter(load_tapes().values()))
    opens = tape.first_open_ms + MINUTE_MS * np.arange(len(tape), dtype=np.int64)
    first, high, low, last = (
        column * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)
    )
    return Candles(opens, first, high, low, last, tape.volume)


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
