"""Indicators over float vectors, by TA-Lib's conventions; the only door to pandas-ta, and kernels of our own.

Values before warm-up are NaN, never guesses. Live windows and backtests get the same bits from the same kernels.
"""

from typing import NamedTuple

import numpy as np

from engine.indicators import kernels
from engine.indicators.catalogue import UnknownIndicator, all_studies, study
from engine.indicators.memory import (
    atr_window,
    bollinger_window,
    ema_window,
    macd_window,
    rsi_window,
    sma_window,
    volume_ratio_window,
)
from engine.indicators.once import computing_once, is_computing_once, once
from engine.indicators.running import run, run_flags
from engine.market import FloatArray

__all__ = [
    "Bands", "Crossing", "Macd", "UnknownIndicator", "all_studies", "atr", "atr_window", "bollinger",
    "bollinger_window", "computing_once", "crossing", "ema", "ema_window", "macd", "macd_window", "rsi", "rsi_window",
    "run_flags", "sma", "sma_window", "study", "volume_ratio", "volume_ratio_window",
]  # fmt: skip


class Macd(NamedTuple):
    """The line, and its average."""

    line: FloatArray
    signal: FloatArray


class Bands(NamedTuple):
    lower: FloatArray
    middle: FloatArray
    upper: FloatArray


class Crossing(NamedTuple):
    """Two averages that may cross, and the relative strength that holds back whoever would follow."""

    fast: FloatArray
    slow: FloatArray
    strength: FloatArray


@once
def sma(values: FloatArray, length: int) -> FloatArray:
    """Mean of the last `length` values. First value at index length - 1."""
    return run(kernels.sma, values, numbers=(length,))[0]


@once
def ema(values: FloatArray, length: int) -> FloatArray:
    """Exponential moving average, α = 2 / (length + 1), seeded with the SMA of the first `length` values.

    First value at index length - 1.
    """
    return run(kernels.ema, values, numbers=(length,))[0]


@once
def rsi(values: FloatArray, length: int) -> FloatArray:
    """Relative strength index (Wilder 1978), its averages seeded with the SMA of the first `length` changes.

    First value at index `length`; 0 where nothing moved at all, as TA-Lib has it.
    """
    return run(kernels.rsi, values, numbers=(length,))[0]


@once
def macd(values: FloatArray, fast: int, slow: int, smooth: int) -> Macd:
    """EMA(fast) - EMA(slow), and its EMA(smooth) (Appel 1979); `fast` < `slow`. First values at slow + smooth - 2."""
    return Macd(*run(kernels.macd, values, numbers=(fast, slow, smooth), fills=2))


def crossing(values: FloatArray, fast: int, slow: int, length: int) -> Crossing:
    """EMA(fast), EMA(slow) and RSI(length), in the time of one of them.

    Where indicators are shared each is asked for by itself: another strategy may have asked for one of them already.
    """
    if is_computing_once():
        return Crossing(ema(values, fast), ema(values, slow), rsi(values, length))
    return Crossing(*run(kernels.crossing, values, numbers=(fast, slow, length), fills=3))


@once
def bollinger(values: FloatArray, length: int, deviations: float) -> Bands:
    """SMA(length), and `deviations` standard deviations of the population around it (Bollinger 1983).

    First values at index length - 1.
    """
    return Bands(*run(kernels.bollinger, values, numbers=(length, float(deviations)), fills=3))


@once
def atr(high: FloatArray, low: FloatArray, close: FloatArray, length: int) -> FloatArray:
    """Average true range (Wilder 1978), seeded with the SMA of the first `length`. First value at index `length`."""
    return run(kernels.atr, high, low, close, numbers=(length,))[0]


@once
def volume_ratio(volume: FloatArray, length: int) -> FloatArray:
    """Volume over its SMA(length), the candle's own included; 0 where nothing was traded at all."""
    mean = sma(volume, length)
    ratio = np.zeros(len(volume))
    np.divide(volume, mean, out=ratio, where=~(mean <= 0.0))
    return ratio
