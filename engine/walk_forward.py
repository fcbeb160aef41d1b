"""Walk-forward: parameters chosen on one stretch of candles, judged on the next one, which they have not seen.

The windows are only cut here, the results only compared: how parameters are chosen is the caller's.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from engine.market import DAY_MS
from engine.metrics.summary import Statistics

# Below this share of its growth in sample, what was found out of sample is another thing (Pardo 2008, ch. 11).
LEAST_EFFICIENCY: Final = 0.5


class TooShort(ValueError):
    """The period is too short for the windows asked for."""


class Window(NamedTuple):
    """Candles that open in [start, end), in milliseconds; what is out of sample begins where in sample ends."""

    number: int
    inside_start_ms: int
    inside_end_ms: int
    outside_end_ms: int

    @property
    def outside_start_ms(self) -> int:
        return self.inside_end_ms


class Sample(NamedTuple):
    """What one side of a window came to."""

    days: float
    positions: int
    total_return: float
    sharpe: float | None
    profit_factor: float | None
    max_drawdown: float


@dataclass(frozen=True)
class Pair[P]:
    """A window, the parameters chosen inside it, and both results."""

    window: Window
    chosen: P
    inside: Sample
    outside: Sample


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All windows together. Returns are chained: Π(1 + return) - 1 (inside, where windows overlap, a measure and
    no run that anybody could have had); growth is ln(1 + chained return) a day.

    `efficiency` is growth outside / growth inside, None where nothing grew inside. `parts_ways` warns: inside it
    earned, outside it lost or grew less than half as fast."""

    windows: int
    inside_return: float
    outside_return: float
    outside_positions: int
    profitable_windows: int
    efficiency: float | None
    worst_outside_drawdown: float
    parts_ways: bool


def cut_windows(
    start_ms: int,
    end_ms: int,
    *,
    count: int,
    outside_share: float = 0.25,
    anchored: bool = False,
    unit_ms: int = DAY_MS,
) -> tuple[Window, ...]:
    """`count` windows of one length, of which the last `outside_share` is out of sample; what lies outside follows one
    another without gap or overlap up to `end_ms`, so that each candle is judged once.

    With `anchored` every window begins at the first one's start and grows. Lengths are whole `unit_ms` (days, or the
    interval for short periods); what is left over is added to the first stretch inside. Raises `TooShort`.
    """
    if count < 1 or not 0.0 < outside_share < 1.0:
        raise ValueError("a walk has at least one window, and a share of it between 0 and 1 is out of sample")
    ratio = (1.0 - outside_share) / outside_share
    outside_ms = int((end_ms - start_ms) / (count + ratio)) // unit_ms * unit_ms
    first_end_ms = end_ms - count * outside_ms
    inside_ms = first_end_ms - start_ms
    if outside_ms <= 0 or inside_ms <= 0:
        raise TooShort(f"{count} windows need more than {(end_ms - start_ms) // unit_ms} units of time")
    return tuple(
        Window(
            number=number + 1,
            inside_start_ms=start_ms if anchored else start_ms + number * outside_ms,
            inside_end_ms=first_end_ms + number * outside_ms,
            outside_end_ms=first_end_ms + (number + 1) * outside_ms,
        )
        for number in range(count)
    )


def walk[P](
    windows: Iterable[Window],
    *,
    choose: Callable[[int, int], P],
    measure: Callable[[P, int, int], Statistics],
) -> tuple[Pair[P], ...]:
    """`choose(start_ms, end_ms)` finds parameters, `measure(chosen, start_ms, end_ms)` runs them; both see nothing
    beyond the end they are given (warm-up before the start is theirs)."""
    pairs = []
    for window in windows:
        chosen = choose(window.inside_start_ms, window.inside_end_ms)
        inside = measure(chosen, window.inside_start_ms, window.inside_end_ms)
        outside = measure(chosen, window.outside_start_ms, window.outside_end_ms)
        pairs.append(Pair(window, chosen, sample_of(inside), sample_of(outside)))
    return tuple(pairs)


def sample_of(found: Statistics) -> Sample:
    return Sample(
        days=(found.end_ms - found.start_ms) / DAY_MS,
        positions=found.positions,
        total_return=found.total_return or 0.0,
        sharpe=found.sharpe,
        profit_factor=found.profit_factor,
        max_drawdown=found.max_drawdown,
    )


def compared[P](pairs: Sequence[Pair[P]]) -> Comparison:
    """Raises ValueError without a pair."""
    if not pairs:
        raise ValueError("a walk has at least one window")
    inside, outside = [pair.inside for pair in pairs], [pair.outside for pair in pairs]
    inside_growth, outside_growth = _growth(inside), _growth(outside)
    efficiency = outside_growth / inside_growth if inside_growth > 0.0 else None
    return Comparison(
        windows=len(pairs),
        inside_return=_chained(inside),
        outside_return=_chained(outside),
        outside_positions=sum(sample.positions for sample in outside),
        profitable_windows=sum(sample.total_return > 0.0 for sample in outside),
        efficiency=efficiency,
        worst_outside_drawdown=max(sample.max_drawdown for sample in outside),
        parts_ways=efficiency is not None and efficiency < LEAST_EFFICIENCY,
    )


def _chained(samples: Sequence[Sample]) -> float:
    return math.prod(max(1.0 + sample.total_return, 0.0) for sample in samples) - 1.0


# ln of a capital that is gone: finite, so that no ratio is, and far below any that is left.
_RUINED: Final = -50.0


def _growth(samples: Sequence[Sample]) -> float:
    """ln(1 + return) a day over all samples; 0 over no time."""
    days = sum(sample.days for sample in samples)
    total = sum(
        math.log(1.0 + sample.total_return) if sample.total_return > -1.0 else _RUINED for sample in samples
    )
    return total / days if days > 0.0 else 0.0
