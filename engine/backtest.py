"""One backtest from one-minute candles to its result: bars of the timeframe, the strategy's signals, the fold.

Nothing is fetched and nothing is made up: what the minutes do not hold did not happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.fold import Setting, fold
from engine.market import Candles, interval_ms, resample
from engine.metrics import Statistics, statistics
from engine.results import Folded
from engine.strategies import Signals, parse_params
from engine.strategies import strategy as strategy_named


@dataclass(frozen=True, eq=False)
class Backtested:
    """What a backtest found, with the bars and signals it rests on."""

    folded: Folded
    bars: Candles
    signals: Signals
    statistics: Statistics


def run(
    minutes: Candles,
    *,
    interval: str,
    strategy: str,
    params: Any,
    setting: Setting,
    start_ms: int,
    end_ms: int,
) -> Backtested:
    """The bot over the bars that open at `start_ms` or later and close by `end_ms`; earlier minutes warm indicators.
    `params` are the strategy's own, or a mapping to be parsed. Raises UnknownStrategy, InvalidParams, UnknownInterval,
    `engine.fold.UnservedSetting`, and ValueError where the setting is of another interval."""
    if setting.interval_ms != interval_ms(interval):
        raise ValueError(f"the setting is not of {interval} candles")
    chosen = strategy_named(strategy)
    if isinstance(params, Mapping):
        params = parse_params(strategy, params)
    minutes = minutes[: int(np.searchsorted(minutes.open_ms, end_ms))]
    bars = minutes if interval == "1m" else resample(minutes, interval)
    signals = chosen.signals(bars, params)
    under = None if interval == "1m" else minutes
    folded = fold(bars, signals, setting, minutes=under, start_ms=start_ms)
    return Backtested(folded, bars, signals, statistics(folded, bars, setting=setting))
