"""Does a strategy look ahead? Its signals on a prefix of the candles must equal those of the whole on that prefix.

Pure; an error of the strategy on a prefix is a finding like any other, told and not raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.market import Candles
from engine.strategies.contract import FLAGS, BoolArray, Signals, Strategy

# Candles looked at, beside those that only warm a strategy up: what peeks does so everywhere.
MOST_CANDLES: Final = 4_000
MOST_PREFIXES: Final = 600
EVENLY: Final = 20


@dataclass(frozen=True)
class Offence:
    """The first candle about which the whole says something else than the candles up to `prefix` did.

    `flags` are those of `Signals` that differ; empty where the strategy failed instead, which `problem` tells.
    """

    candle: int
    open_ms: int
    prefix: int
    flags: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Examination:
    """`prefixes` were compared over `candles`; of `boundaries` (candles with a signal), so many ended one."""

    candles: int
    prefixes: int
    boundaries: int
    boundaries_compared: int
    offence: Offence | None

    @property
    def is_clean(self) -> bool:
        return self.offence is None


def examine(
    strategy: Strategy,
    params: Any,
    candles: Candles,
    *,
    most_candles: int = MOST_CANDLES,
    most_prefixes: int = MOST_PREFIXES,
) -> Examination:
    """Over the first candles of the series: prefixes that end at a signal, just before one, and evenly between.

    Every signal's candle ends a prefix, unless there are more than `most_prefixes` in all: then every so many-th.
    """
    part = candles[: strategy.window(params) + most_candles]
    whole = strategy.signals(part, params)
    boundaries = np.flatnonzero(fired(whole))
    ends = chosen_ends(boundaries, len(part), most_prefixes)
    found: list[Offence] = []
    for end in ends:
        found += compared(strategy, params, part, whole, end)
    return Examination(
        candles=len(part),
        prefixes=len(ends),
        boundaries=len(boundaries),
        boundaries_compared=len(set(ends) & {int(at) + 1 for at in boundaries}),
        offence=min(found, key=lambda offence: (offence.candle, offence.prefix), default=None),
    )


def fired(signals: Signals) -> BoolArray:
    """Where anything is said at all, and where warm-up ends."""
    ready = signals.ready.copy()
    ready[1:] &= ~signals.ready[:-1]
    said: BoolArray = (
        signals.long_entry | signals.long_exit | signals.short_entry | signals.short_exit | ready
    )
    return said


def chosen_ends(boundaries: np.ndarray[Any, Any], count: int, most: int) -> list[int]:
    """Lengths of the prefixes, in order; never that of the whole, which would be compared with itself."""
    evenly = {int(end) for end in np.linspace(1, count - 1, min(EVENLY, most, max(0, count - 1)))}
    room = max(0, most - len(evenly)) // 2
    few = boundaries[np.linspace(0, len(boundaries) - 1, min(room, len(boundaries)), dtype=np.int64)]
    at_signals = {int(at) + 1 for at in few} | {int(at) for at in few}
    return sorted(end for end in evenly | at_signals if 0 < end < count)


def compared(strategy: Strategy, params: Any, part: Candles, whole: Signals, end: int) -> Iterator[Offence]:
    """What a prefix says otherwise than the whole: nothing, or its first candle."""
    try:
        said = strategy.signals(part[:end], params)
    except Exception as error:
        last = end - 1
        yield Offence(last, int(part.open_ms[last]), end, (), f"{type(error).__name__}: {error}")
        return
    if len(said) != end:
        yield Offence(end - 1, int(part.open_ms[end - 1]), end, (), f"{len(said)} signals for {end} candles")
        return
    differs = {name: getattr(said, name) != getattr(whole, name)[:end] for name in FLAGS}
    anywhere = np.flatnonzero(np.logical_or.reduce(list(differs.values())))
    if len(anywhere):
        first = int(anywhere[0])
        flags = tuple(name for name in FLAGS if differs[name][first])
        yield Offence(first, int(part.open_ms[first]), end, flags)
