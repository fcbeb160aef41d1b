"""Ratios of return to risk, from daily returns of equity.

A year has 365 days, as crypto markets never close, and the riskless rate is 0. What cannot be divided is None.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from engine.market import DAY_MS, FloatArray, IntArray
from engine.metrics.curve import Curve

YEAR_DAYS: Final = 365

# Returns that differ by less than this share of their size differ by the rounding of floats alone.
_INDISTINCT: Final = 1e-9


class DailyCloses(NamedTuple):
    """One row per UTC day the run touched: the day's number since 1970, and the equity at its end."""

    day: IntArray
    equity_e8: IntArray


def daily_closes(curve: Curve) -> DailyCloses:
    """Equity at every UTC midnight, and at the end of the run for its last day. A day without candles keeps the equity
    of the day before. A candle that closes at midnight belongs to the day it ends."""
    if curve.end_ms <= curve.start_ms:
        return DailyCloses(np.empty(0, np.int64), np.empty(0, np.int64))
    days = np.arange(curve.start_ms // DAY_MS, (curve.end_ms - 1) // DAY_MS + 1)
    return DailyCloses(days, curve.value_at((days + 1) * DAY_MS))


def changes(initial_e8: int, closes_e8: IntArray) -> FloatArray | None:
    """Simple returns (value - value before) / value before, the first from the initial capital; None where a value
    before is not above 0."""
    before = np.concatenate([np.array([initial_e8]), closes_e8[:-1]])[: len(closes_e8)]
    if bool((before <= 0).any()):
        return None
    ratios: FloatArray = (closes_e8 - before) / before
    return ratios


def volatility(daily: FloatArray | None) -> float | None:
    """Annualised: sample standard deviation (n - 1) of daily returns × √365. None below two days."""
    return None if daily is None or len(daily) < 2 else float(daily.std(ddof=1)) * math.sqrt(YEAR_DAYS)


def sharpe_ratio(daily: FloatArray | None) -> float | None:
    """Sharpe (1994): mean of daily returns / their sample standard deviation (n - 1) × √365, riskless rate 0.

    None below two days, or where all returns are the same."""
    if daily is None or len(daily) < 2:
        return None
    if float(np.ptp(daily)) <= _INDISTINCT * float(np.abs(daily).max()):
        return None
    return float(daily.mean()) / float(daily.std(ddof=1)) * math.sqrt(YEAR_DAYS)


def sortino_ratio(daily: FloatArray | None) -> float | None:
    """Sortino & Price (1994), target 0: mean of daily returns / √(mean of min(return, 0)², over all days) × √365.

    None below two days, or without a losing day."""
    if daily is None or len(daily) < 2:
        return None
    downside = math.sqrt(float((np.minimum(daily, 0.0) ** 2).mean()))
    return float(daily.mean()) / downside * math.sqrt(YEAR_DAYS) if downside > 0.0 else None


def annual_growth(initial_e8: int, final_e8: int, duration_ms: int) -> float | None:
    """CAGR: (final / initial) ^ (365 days / duration) - 1. None for less than a day, or where it is beyond any number;
    -1 where nothing is left."""
    if duration_ms < DAY_MS or initial_e8 <= 0:
        return None
    if final_e8 <= 0:
        return -1.0
    try:
        return math.expm1(math.log(final_e8 / initial_e8) * (YEAR_DAYS * DAY_MS / duration_ms))
    except OverflowError:
        return None


def calmar_ratio(growth: float | None, drawdown: float) -> float | None:
    """Young (1991): CAGR / largest drawdown (ratio), here over the whole run. None without either."""
    return None if growth is None or drawdown <= 0.0 else growth / drawdown
