"""What the bench `engine` reads: a year of generated one-minute candles (a seeded random walk, source `generated`) in
the candle store, and how long reading it takes. Run inside Django, in a database of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import Final

import numpy as np

from engine.market import MINUTE_MS, Candles

YEAR: Final = 525_600
BEGIN_MS: Final = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
SEED: Final = 20_240_101
OF: Final = ("generated", "spot", "WALKUSDT")


def generated_minutes(count: int = YEAR, seed: int = SEED) -> Candles:
    """A walk in steps of 0.01 around 60,000, each opening the close before it."""
    chance = np.random.default_rng(seed)
    tick = 1_000_000
    close = 60_000 * 10**8 + np.cumsum(chance.integers(-2_000, 2_001, count)) * tick
    begin = np.concatenate((close[:1], close[:-1]))
    above, below = (chance.integers(0, 1_500, count) * tick for _ in range(2))
    opens = BEGIN_MS + np.arange(count, dtype=np.int64) * MINUTE_MS
    high, low = np.maximum(begin, close) + above, np.minimum(begin, close) - below
    return Candles(opens, begin, high, low, close, chance.integers(1, 10**10, count))


def store_year() -> None:
    from exchange.candles.blocks import add
    from exchange.candles.store import MINUTES, Series

    add(Series(*OF, MINUTES), generated_minutes())


def history_bench(runs: int = 9) -> list[float]:
    """Milliseconds of reading the year, after a first time that fills the cache. Call `store_year` before."""
    from exchange.candles import history

    taken = []
    for _ in range(runs + 1):
        started = perf_counter()
        found = history(*OF, "1m", start_ms=BEGIN_MS, end_ms=BEGIN_MS + YEAR * MINUTE_MS)
        taken.append((perf_counter() - started) * 1000)
        if len(found) != YEAR:
            raise RuntimeError(f"the year has {len(found)} minutes")
    return taken[1:]
