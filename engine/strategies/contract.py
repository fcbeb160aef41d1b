"""What a strategy is: a frozen `Params`, and a pure function from candles to signals.

Signals of a prefix of the candles equal the signals of the whole on that prefix: nothing looks ahead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market import Candles, FloatArray

type BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Signals:
    """One flag per candle; `ready` is False while any input still warms up, and so is every signal there."""

    long_entry: BoolArray
    long_exit: BoolArray
    short_entry: BoolArray
    short_exit: BoolArray
    ready: BoolArray

    def __len__(self) -> int:
        return len(self.ready)


@dataclass(frozen=True)
class Strategy:
    """`window(params)` is how many candles make the last signal the same as on the full history."""

    name: str
    title: str
    summary: str
    Params: type[Any]
    signals: Callable[[Candles, Any], Signals]
    window: Callable[[Any], int]


def known_twice(*inputs: FloatArray) -> BoolArray:
    """True where every input has a value, and had one a candle before, for a crossing looks at both."""
    known: BoolArray = ~np.logical_or.reduce([np.isnan(values) for values in inputs])
    twice = known.copy()
    twice[:1] = False
    twice[1:] &= known[:-1]
    return twice


def crossed_above(first: FloatArray, second: FloatArray) -> BoolArray:
    """True where `first` is above `second` and was not one candle before; False next to NaN."""
    crossed = np.zeros(len(first), dtype=np.bool_)
    crossed[1:] = (first[1:] > second[1:]) & (first[:-1] <= second[:-1])
    return crossed
