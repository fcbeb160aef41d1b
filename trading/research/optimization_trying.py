"""One set of parameters after the other over the same candles: what a leaderboard needs of each, and no more.

Bars, indicators and signals are shared between sets; nothing of a set is kept, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from engine.fold import Setting, fold
from engine.indicators import computing_once
from engine.market import DAY_MS, Candles, resample
from engine.metrics import returns
from engine.metrics.curve import curve_of, worst_drawdown
from engine.metrics.outcomes import outcomes_of
from engine.results import Folded
from engine.rules import SymbolRules
from engine.strategies import Signals, strategy
from engine.walk_forward import Pair, Sample, Window, compared
from trading.research.futures import Contract
from trading.research.optimization_space import Space, Values
from trading.research.settings import setting_of

# Indicator vectors kept for the next set; a year of minutes is 4 MB.
INDICATOR_BYTES: Final = 64 * 2**20


class Tried(NamedTuple):
    """`walk`: a pair (inside, outside) for each window of the walk."""

    inside: Sample
    outside: Sample
    walk: list[tuple[Sample, Sample]]

    def parts_ways(self, window: Window) -> bool:
        return compared([Pair(window, None, self.inside, self.outside)]).parts_ways


@dataclass(frozen=True)
class Stand:
    """What every set of a search shares: candles, rules, the settings that stay as they are, and the windows: `main`
    holds back the last stretch, `walk` are those of the walk forward."""

    minutes: Candles
    rules: SymbolRules
    timeframe: str
    market: str
    space: Space
    settings: Mapping[str, Any]
    main: Window
    walk: Sequence[Window] = ()
    contract: Contract | None = None


class Trying:
    """Of one process. Use inside `trying`, which shares indicators."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        until = int(np.searchsorted(stand.minutes.open_ms, stand.main.outside_end_ms))
        self.minutes = stand.minutes[:until]
        self.bars = self.minutes if stand.timeframe == "1m" else resample(self.minutes, stand.timeframe)
        self.strategy = strategy(stand.space.strategy)
        self.known: tuple[Any, Signals] | None = None

    def attempt(self, values: Values) -> Tried:
        """Every window begins with the initial capital and flat, as a backtest of that stretch would."""
        stand, main = self.stand, self.stand.main
        signals = self._signals(stand.space.params_of(values))
        setting = setting_of(
            {**stand.settings, **stand.space.settings_of(values)},
            timeframe=stand.timeframe,
            rules=stand.rules,
            market=stand.market,
            contract=stand.contract,
        )

        def over(start_ms: int, end_ms: int) -> Sample:
            return self._sample(signals, setting, start_ms, end_ms)

        return Tried(
            over(main.inside_start_ms, main.inside_end_ms),
            over(main.outside_start_ms, main.outside_end_ms),
            [
                (over(one.inside_start_ms, one.inside_end_ms), over(one.outside_start_ms, one.outside_end_ms))
                for one in stand.walk
            ],
        )

    def _signals(self, params: Any) -> Signals:
        """Neighbours in a space often differ in their risk fields alone."""
        if self.known is None or self.known[0] != params:
            self.known = params, self.strategy.signals(self.bars, params)
        return self.known[1]

    def _sample(self, signals: Signals, setting: Setting, start_ms: int, end_ms: int) -> Sample:
        last = int(np.searchsorted(self.bars.open_ms, end_ms))
        bars = self.bars[:last]
        flags = Signals(
            signals.long_entry[:last], signals.long_exit[:last], signals.short_entry[:last],
            signals.short_exit[:last], signals.ready[:last],
        )  # fmt: skip
        under = None
        if self.stand.timeframe != "1m":
            under = self.minutes[: int(np.searchsorted(self.minutes.open_ms, end_ms))]
        folded = fold(bars, flags, setting, minutes=under, start_ms=start_ms)
        return sample_of(folded, bars, setting)


@contextmanager
def trying(stand: Stand) -> Iterator[Trying]:
    with computing_once(INDICATOR_BYTES):
        yield Trying(stand)


def sample_of(folded: Folded, bars: Candles, setting: Setting) -> Sample:
    """As `engine.walk_forward.sample_of` of the full statistics says, without computing those."""
    curve, found = curve_of(folded, bars, setting), outcomes_of(folded.positions.pnl_e8)
    daily = returns.changes(curve.initial_e8, returns.daily_closes(curve).equity_e8)
    lost = -found.gross_loss_e8
    return Sample(
        days=(curve.end_ms - curve.start_ms) / DAY_MS,
        positions=len(folded.positions),
        total_return=(curve.final_e8 - curve.initial_e8) / curve.initial_e8,
        sharpe=returns.sharpe_ratio(daily),
        profit_factor=found.gross_profit_e8 / lost if lost > 0 else None,
        max_drawdown=worst_drawdown(curve).ratio,
    )


def attempts(stand: Stand, sets: Iterable[Values]) -> Iterator[Tried]:
    """All of them, in order."""
    with trying(stand) as at_it:
        for values in sets:
            yield at_it.attempt(values)
