"""What a backtest came to, in numbers: statistics, rows by day and month, curves for charts.

Money is exact to 1e-8; ratios are floats and agree to 1e-9 with the same formulas written out plainly.
"""

from engine.metrics.curve import (
    Terms,
    curve_of,
    drawdown_curve,
    final_balance_e8,
    hold_curve,
    thinned,
    worst_drawdown,
)
from engine.metrics.outcomes import excursions, position_returns
from engine.metrics.periods import PeriodRow, daily_rows, monthly_rows
from engine.metrics.summary import Statistics, statistics
from engine.plain import plain

__all__ = [
    "PeriodRow", "Statistics", "Terms", "curve_of", "daily_rows", "drawdown_curve", "excursions",
    "final_balance_e8", "hold_curve", "monthly_rows", "plain", "position_returns", "statistics", "thinned",
    "worst_drawdown",
]  # fmt: skip
