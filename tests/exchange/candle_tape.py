"""A venue made of numbered minutes, for tests of the candle store: it counts how often it is asked, and for what."""

from __future__ import annotations

from engine.market import MINUTE_MS, Candles, candles_of

FIRST = 1_761_955_200_000  # 2025-11-01 00:00 UTC
SERIES = ("binance", "spot", "BTCUSDT", "1m")
MINUTES = SERIES[:3]


def opening(number: int) -> int:
    return FIRST + number * MINUTE_MS


def candle(number: int, *, volume: int = 7) -> tuple[int, int, int, int, int, int]:
    return opening(number), 100 + number, 110 + number, 90 + number, 105 + number, volume


def candles(*numbers: int) -> Candles:
    return candles_of(candle(number) for number in numbers)


def numbers_of(found: Candles) -> list[int]:
    return [(int(at) - FIRST) // MINUTE_MS for at in found.open_ms]


class NumberedMinutes:
    """Candles `first` … `now` of which the last is running, but not those in `holes`. Its clock stands `late_ms` after
    the last one's opening. What `answers` holds is raised instead of answering, once each."""

    def __init__(
        self, now: int, *, first: int = 0, holes: frozenset[int] = frozenset(), late_ms: int = 0
    ) -> None:
        self.now, self.first, self.holes = now, first, holes
        self.time_ms = opening(now) + late_ms
        self.asked: list[tuple[int, int]] = []
        self.answers: list[Exception] = []

    def candles(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> Candles:
        assert start_ms is not None
        assert end_ms is not None
        self.asked.append(((start_ms - FIRST) // MINUTE_MS, (end_ms - FIRST) // MINUTE_MS))
        if self.answers:
            raise self.answers.pop(0)
        first = max(self.first, -(-(start_ms - FIRST) // MINUTE_MS))
        last = min(self.now, (end_ms - FIRST) // MINUTE_MS)
        rows = [candle(number, volume=self._volume(number)) for number in self._between(first, last, limit)]
        return candles_of(rows)

    def _between(self, first: int, last: int, limit: int) -> list[int]:
        found = [
            number
            for number in range(first, min(last, first + limit + len(self.holes)) + 1)
            if number not in self.holes
        ]
        return found[:limit]

    def _volume(self, number: int) -> int:
        return 1 if number == self.now and self.time_ms < opening(number + 1) else 7

    def market_time_ms(self, symbol: str) -> int:
        return self.time_ms
