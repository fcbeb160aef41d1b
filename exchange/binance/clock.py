"""The exchange's clock as we know it: set by a measurement, carried on by the local monotonic clock.

A wall clock that is set by hand cannot move it, and a computer that slept is noticed and measured again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exchange.port import MOST_OFFSET_MS

MEASURE_EVERY_SECONDS: Final = 240.0
# The two local clocks part when the computer sleeps or the wall clock is set: then the measurement is worthless.
PARTED_SECONDS: Final = 0.25


def _wall_seconds() -> float:
    return time.time()


@dataclass(frozen=True, slots=True)
class Measurement:
    """At the local instant (`monotonic`, `wall`, both seconds) the exchange's clock stood at `server_ms`."""

    server_ms: float
    monotonic: float
    wall: float


class ServerClock:
    """Shared by every client of one host in a process; thread-safe. `ask` gives the server's time, one request."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = _wall_seconds
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._last: Measurement | None = None
        self._lock = threading.Lock()

    def now_ms(self, ask: Callable[[], int]) -> int:
        """The exchange's time, measured first when it never was, is old, or the local clocks parted."""
        last = self._last
        if last is None or self._is_worn(last):
            last = self.measure(ask)
        return int(last.server_ms + (self._monotonic() - last.monotonic) * 1000)

    def measure(self, ask: Callable[[], int]) -> Measurement:
        """Ask now. The answer is taken to belong to the middle of the round trip."""
        with self._lock:
            sent = self._monotonic()
            server_ms = ask()
            received = self._monotonic()
            middle = (sent + received) / 2
            self._last = Measurement(float(server_ms), middle, self._wall() - (received - middle))
            return self._last

    def forget(self) -> None:
        """The exchange refused a timestamp of ours (-1021): the next use measures."""
        self._last = None

    def offset_ms(self, ask: Callable[[], int]) -> int:
        """By how much the local wall clock is behind the exchange's. A slow answer looks like a wrong clock: what
        would stop entries is measured once more."""
        offset = self.now_ms(ask) - int(self._wall() * 1000)
        if abs(offset) <= MOST_OFFSET_MS:
            return offset
        self.measure(ask)
        return self.now_ms(ask) - int(self._wall() * 1000)

    def _is_worn(self, last: Measurement) -> bool:
        age = self._monotonic() - last.monotonic
        parted = abs((self._wall() - last.wall) - age)
        return age > MEASURE_EVERY_SECONDS or parted > PARTED_SECONDS
