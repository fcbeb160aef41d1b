"""What a process remembers of a series: the newest candles, and the stretch for which nothing is missing.

Nothing is missing of a stretch once the exchange was asked for all of it: a hole that stays is the exchange's own.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.market import Candles
from exchange.candles.packing import merge
from exchange.candles.store import Series

KEPT: Final = 6000  # candles of a series, 288 kB


@dataclass(frozen=True)
class Stretch:
    """From `start_ms` to `until_ms` (inclusive openings) these are all the candles there are. Empty: start > until."""

    start_ms: int
    until_ms: int
    candles: Candles

    def covers(self, start_ms: int, until_ms: int) -> bool:
        return self.start_ms <= start_ms and until_ms <= self.until_ms

    def part(self, start_ms: int, until_ms: int) -> Candles:
        first, last = np.searchsorted(self.candles.open_ms, [start_ms, until_ms + 1])
        return self.candles[int(first) : int(last)]

    def joined(self, new: Stretch, length_ms: int) -> Stretch:
        """Both as one where they touch, else the new one alone. The oldest fall off at the end."""
        whole = new
        if self.start_ms <= new.until_ms + length_ms and new.start_ms <= self.until_ms + length_ms:
            start_ms, until_ms = min(self.start_ms, new.start_ms), max(self.until_ms, new.until_ms)
            whole = Stretch(start_ms, until_ms, merge(self.candles, new.candles))
        if len(whole.candles) <= KEPT:
            return whole
        newest = whole.candles[len(whole.candles) - KEPT :]
        return Stretch(int(newest.open_ms[0]), whole.until_ms, newest)


@dataclass
class Window:
    """Readers take `known` as it is; who changes it holds the lock, and so do two who would fetch the same."""

    known: Stretch = field(default_factory=lambda: Stretch(0, -1, Candles.empty()))
    lock: threading.Lock = field(default_factory=threading.Lock)


_windows: dict[Series, Window] = {}
_lock = threading.Lock()


def window_of(series: Series) -> Window:
    with _lock:
        return _windows.setdefault(series, Window())


def forget_windows() -> None:
    """The next read asks the database; for tests, and after somebody else changed what is stored."""
    with _lock:
        _windows.clear()


def _start_anew_after_fork() -> None:
    """A lock another thread held while we forked would stay locked for ever."""
    global _lock
    _lock = threading.Lock()
    _windows.clear()


os.register_at_fork(after_in_child=_start_anew_after_fork)
