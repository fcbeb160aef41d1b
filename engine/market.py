"""Candles as vectors of 64-bit integers, and the arithmetic of intervals.

Prices and volumes are in 1e-8, times in milliseconds UTC. A candle is closed once its interval is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

type IntArray = NDArray[np.int64]
type FloatArray = NDArray[np.float64]

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
INTERVAL_MS: Final[dict[str, int]] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
}


class UnknownInterval(KeyError):
    """The interval is none of `INTERVAL_MS`."""


def interval_ms(name: str) -> int:
    try:
        return INTERVAL_MS[name]
    except KeyError:
        raise UnknownInterval(name) from None


def opening_of(at_ms: int, interval: str) -> int:
    """Opening of the candle that contains the instant. All our intervals divide the UTC day."""
    length = interval_ms(interval)
    return at_ms // length * length


def last_closed_opening(at_ms: int, interval: str) -> int:
    """Opening of the newest candle that is closed at the instant."""
    return opening_of(at_ms, interval) - interval_ms(interval)


def day_of(at_ms: int) -> int:
    """UTC day of an instant, as days since 1970-01-01."""
    return at_ms // DAY_MS


class Candle(NamedTuple):
    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, eq=False)
class Candles:
    """A series in time order: int64 vectors of equal length, prices and volume in 1e-8."""

    open_ms: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray

    def __post_init__(self) -> None:
        for name, column in zip(Candle._fields, self.columns(), strict=True):
            if column.dtype != np.int64 or column.ndim != 1 or len(column) != len(self.open_ms):
                raise ValueError(f"candle column {name} must be an int64 vector as long as the others")

    def __len__(self) -> int:
        return len(self.open_ms)

    def __getitem__(self, part: slice) -> "Candles":
        return Candles(*(column[part] for column in self.columns()))

    @cached_property
    def highs(self) -> FloatArray:
        """For indicators; always the same vector, read-only, as are its like below."""
        return _shared_prices(self.high)

    @cached_property
    def lows(self) -> FloatArray:
        return _shared_prices(self.low)

    @cached_property
    def closes(self) -> FloatArray:
        return _shared_prices(self.close)

    @cached_property
    def volumes(self) -> FloatArray:
        return _shared_prices(self.volume)

    def columns(self) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]:
        return self.open_ms, self.open, self.high, self.low, self.close, self.volume

    def at(self, index: int) -> Candle:
        """One candle as plain Python integers; negative indices count from the end."""
        return Candle(*(int(column[index]) for column in self.columns()))

    @staticmethod
    def empty() -> "Candles":
        return candles_of(())


def candles_of(rows: Iterable[tuple[int, int, int, int, int, int]]) -> Candles:
    """From rows (open_ms, open, high, low, close, volume) of integers."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 6)
    return Candles(*(np.ascontiguousarray(table[:, number]) for number in range(6)))


def concat(parts: Iterable[Candles]) -> Candles:
    """Joined in the order given; the parts must follow one another in time."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return Candles.empty()
    joined = Candles(
        *(np.concatenate(columns) for columns in zip(*(part.columns() for part in kept), strict=True))
    )
    if not bool(np.all(np.diff(joined.open_ms) > 0)):
        raise ValueError("candles to join must follow one another in time")
    return joined


def prices(column: IntArray) -> FloatArray:
    """A column of e8 integers as floats, for indicators and charts only."""
    values = column.astype(np.float64)
    values /= 1e8
    return values


def _shared_prices(column: IntArray) -> FloatArray:
    values = prices(column)
    values.setflags(write=False)
    return values


def resample(candles: Candles, interval: str, *, source: str = "1m", running: bool = False) -> Candles:
    """Coarser candles, exactly as Binance's own: first open, highest high, lowest low, last close, volume.

    A leading candle whose beginning is missing is left out; so is the trailing one that is not yet
    closed, unless `running` asks for it. A gap inside is no hindrance, as on the exchange.
    Raises OverflowError where a summed volume does not fit 64 bits.
    """
    length, finer = interval_ms(interval), interval_ms(source)
    if length % finer:
        raise ValueError(f"{interval} candles cannot be made of {source} candles")
    if not len(candles):
        return Candles.empty()
    openings = candles.open_ms // length * length
    starts = np.flatnonzero(np.diff(openings, prepend=openings[0] - length))
    ends = np.append(starts[1:], len(candles)) - 1
    if float(np.add.reduceat(candles.volume.astype(np.float64), starts).max()) >= 2.0**63:
        raise OverflowError("the summed volume does not fit 64 bits")
    coarse = Candles(
        openings[starts],
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends],
        np.add.reduceat(candles.volume, starts),
    )
    first = 0 if int(candles.open_ms[0]) == int(openings[0]) else 1
    is_closed = int(candles.open_ms[-1]) + finer == int(openings[-1]) + length
    return coarse[first : len(coarse) if is_closed or running else len(coarse) - 1]
