"""Where one line crosses another, in both directions and in one pass: what strategies that follow averages look for."""

from collections.abc import MutableSequence, Sequence
from math import inf
from typing import NamedTuple

from engine.indicators import run_flags
from engine.market import FloatArray
from engine.strategies.contract import BoolArray


class Crossings(NamedTuple):
    """`ready`: every input has a value, and had one a candle before. `up`: the first line has risen above the second,
    `down`: it has fallen below; only where ready."""

    ready: BoolArray
    up: BoolArray
    down: BoolArray


def crossings(
    first: FloatArray,
    second: FloatArray,
    brake: FloatArray | None = None,
    *,
    low: float = -inf,
    high: float = inf,
) -> Crossings:
    """As `known_twice` and `crossed_above` have it, but no `up` where the brake is at `high` or above, and no `down`
    where it is at `low` or below."""
    held = first if brake is None else brake
    return Crossings(*run_flags(crossed, first, second, held, numbers=(float(low), float(high)), fills=3))


def crossed(
    first: Sequence[float],
    second: Sequence[float],
    brake: Sequence[float],
    low: float,
    high: float,
    ready: MutableSequence[bool],
    up: MutableSequence[bool],
    down: MutableSequence[bool],
) -> None:
    """A kernel (`engine.indicators.kernels`). No branches: the processor could not guess what a candle brings."""
    was_known = was_above = was_below = False
    for n in range(len(first)):
        one, other, held = first[n], second[n], brake[n]
        # NaN alone is not what it is.
        is_known = (one == one) & (other == other) & (held == held)
        is_above, is_below = one > other, one < other
        is_ready = is_known & was_known
        ready[n] = is_ready
        up[n] = is_ready & is_above & (not was_above) & (held < high)
        down[n] = is_ready & is_below & (not was_below) & (held > low)
        was_known, was_above, was_below = is_known, is_above, is_below
