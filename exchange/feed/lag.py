"""How far behind the market our news are: an event's own time against the venue's time at its arrival.

The venue's market time is measured by request and carried on by our clock. Where the market does not run at wall
speed (the paper market stepped or fast) there is no lag to speak of, and none is told.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from exchange.port import MarketData

KEPT: Final = 64
# Between two measurements; the speed shows only over some seconds.
MEASURE_EVERY_SECONDS: Final = 20.0
SAME_SPEED: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Measured:
    market_ms: int
    monotonic: float


class Lag:
    """Thread-safe enough: one thread measures, one notes, anybody reads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._measured: _Measured | None = None
        self._is_wall_speed = False
        self._lags: deque[float] = deque(maxlen=KEPT)

    def measure(self, data: MarketData, symbol: str) -> None:
        """One request; the answer is taken to belong to the middle of its round trip. Raises `ExchangeError`."""
        sent = self._monotonic()
        market_ms = data.market_time_ms(symbol)
        last, here = self._measured, _Measured(market_ms, (sent + self._monotonic()) / 2)
        if last is not None:
            expected = (here.monotonic - last.monotonic) * 1000
            passed = market_ms - last.market_ms
            self._is_wall_speed = expected > 0 and abs(passed / expected - 1) < SAME_SPEED
        self._measured = here

    def note(self, event_ms: int) -> None:
        """An event came in just now."""
        last = self._measured
        if last is not None and self._is_wall_speed:
            market_now_ms = last.market_ms + (self._monotonic() - last.monotonic) * 1000
            self._lags.append(market_now_ms - event_ms)

    def median_ms(self) -> float | None:
        return median(self._lags) if self._lags and self._is_wall_speed else None
