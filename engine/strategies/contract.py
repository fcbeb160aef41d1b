"""What a strategy is: a frozen `Params`, and a pure function from candles to signals.

Signals of a prefix of the candles equal the signals of the whole on that prefix: nothing looks ahead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.market import Candles, FloatArray

type BoolArray = NDArray[np.bool_]

FLAGS: Final = ("long_entry", "long_exit", "short_entry", "short_exit", "ready")


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


class MalformedSignals(ValueError):
    """A strategy answered something else than a flag per candle; the text names it."""


def checked_signals(strategy: Strategy) -> Callable[[Candles, Any], Signals]:
    """For strategies not of ours: their signals, or MalformedSignals."""

    def signals(candles: Candles, params: Any) -> Signals:
        said = strategy.signals(candles, params)
        for name in FLAGS:
            flags = getattr(said, name, None)
            if not isinstance(flags, np.ndarray) or flags.dtype != np.bool_ or flags.shape != (len(candles),):
                wanted = f"a vector of {len(candles)} booleans, one for each candle"
                raise MalformedSignals(f"the strategy {strategy.name}: {name} must be {wanted}")
        return said

    return signals


def known_twice(*inputs: FloatArray) -> BoolArray:
    """True where every input has a value, and had one a candle before, for a crossing looks at both."""
    known: BoolArray = inputs[0] == inputs[0]
    for values in inputs[1:]:
        known &= values == values
    twice = np.zeros(len(known), dtype=np.bool_)
    np.logical_and(known[1:], known[:-1], out=twice[1:])
    return twice


def crossed_above(first: FloatArray | float, second: FloatArray | float) -> BoolArray:
    """True where `first` is above `second` and was not one candle before; False next to NaN. One may be a level."""
    above, was_not = np.greater(first, second), np.less_equal(first, second)
    crossed = np.zeros(len(above), dtype=np.bool_)
    np.logical_and(above[1:], was_not[:-1], out=crossed[1:])
    return crossed


def began(flags: BoolArray) -> BoolArray:
    """True where a flag is up and was down one candle before; the first candle begins nothing."""
    begun = np.zeros(len(flags), dtype=np.bool_)
    np.greater(flags[1:], flags[:-1], out=begun[1:])
    return begun
