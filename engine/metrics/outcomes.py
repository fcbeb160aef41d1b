"""What the positions came to: wins and losses, streaks, excursions, exits.

A win is a result above 0 after fees and funding, a loss one below; exactly 0 is neither.
"""

from typing import Final, NamedTuple

import numpy as np

from engine.compiled import compiled
from engine.market import FloatArray, IntArray
from engine.results import EXIT_REASONS, NO_EXIT, Positions

_LOW_BITS: Final = 32
_LOW: Final = (1 << _LOW_BITS) - 1


class Outcomes(NamedTuple):
    """Money in e8 of quote. `streaks` are the longest unbroken rows of wins and of losses."""

    wins: int
    losses: int
    gross_profit_e8: int
    gross_loss_e8: int
    largest_win_e8: int
    largest_loss_e8: int
    streaks: tuple[int, int]


class Excursions(NamedTuple):
    """Ratios of the entry price, never negative: how far the price went against (MAE) and for (MFE) each position while
    it was open (Sweeney 1996)."""

    adverse: FloatArray
    favourable: FloatArray


def outcomes_of(pnl_e8: IntArray) -> Outcomes:
    """Of the results of positions, in order."""
    wins, losses, gains, losings, largest_win, largest_loss, *streaks = compiled(walked_outcomes)(pnl_e8)
    return Outcomes(
        wins=wins,
        losses=losses,
        gross_profit_e8=_whole(*gains),
        gross_loss_e8=_whole(*losings),
        largest_win_e8=largest_win,
        largest_loss_e8=largest_loss,
        streaks=(streaks[0], streaks[1]),
    )


def walked_outcomes(
    pnl_e8: IntArray,
) -> tuple[int, int, tuple[int, int], tuple[int, int], int, int, int, int]:
    """The fields of `Outcomes`, sums in halves as in `exact_sum`. Compiled: one pass that allocates nothing."""
    wins = losses = won_high = won_low = lost_high = lost_low = 0
    largest_win = largest_loss = winning = losing = longest_winning = longest_losing = 0
    for pnl in pnl_e8:
        winning, losing = winning + 1 if pnl > 0 else 0, losing + 1 if pnl < 0 else 0
        if pnl > 0:
            wins += 1
            won_high += pnl >> _LOW_BITS
            won_low += pnl & _LOW
            largest_win = max(largest_win, pnl)
            longest_winning = max(longest_winning, winning)
        elif pnl < 0:
            losses += 1
            lost_high += pnl >> _LOW_BITS
            lost_low += pnl & _LOW
            largest_loss = min(largest_loss, pnl)
            longest_losing = max(longest_losing, losing)
    return (
        wins, losses, (won_high, won_low), (lost_high, lost_low), largest_win, largest_loss, longest_winning,
        longest_losing,
    )  # fmt: skip


def exact_sum(column: IntArray) -> int:
    """The sum as a Python integer, summed in halves so that it may exceed 64 bits."""
    return _whole(int((column >> _LOW_BITS).sum()), int((column & _LOW).sum()))


def _whole(high: int, low: int) -> int:
    return (high << _LOW_BITS) + low


def mean_e8(total: int, count: int) -> int | None:
    """total / count to the nearest whole 1e-8, a half up; None of nothing."""
    return (2 * total + count) // (2 * count) if count else None


def excursions(positions: Positions) -> Excursions:
    """Per position: (entry - lowest) / entry and (highest - entry) / entry for a long, mirrored for a short."""
    entry = positions.entry_price_e8
    below, above = (entry - positions.lowest_e8) / entry, (positions.highest_e8 - entry) / entry
    is_long = positions.side > 0
    adverse, favourable = np.where(is_long, below, above), np.where(is_long, above, below)
    return Excursions(np.maximum(adverse, 0.0), np.maximum(favourable, 0.0))


def position_returns(positions: Positions) -> FloatArray:
    """Result / cost of each position; 0 where a position cost nothing."""
    cost = positions.cost_e8
    return np.divide(positions.pnl_e8, cost, out=np.zeros(len(positions)), where=cost > 0)


def exits_by_reason(positions: Positions) -> dict[str, int]:
    """How many positions ended by each reason, every reason named, in the order of `EXIT_REASONS`."""
    counts = np.bincount(positions.exit_reason, minlength=len(EXIT_REASONS))
    return {word: int(counts[code]) for code, word in enumerate(EXIT_REASONS) if code != NO_EXIT}


def results_by_reason(positions: Positions) -> dict[str, int]:
    """The sum of results (e8) of the positions that ended by each reason."""
    return {
        word: exact_sum(positions.pnl_e8[positions.exit_reason == code])
        for code, word in enumerate(EXIT_REASONS)
        if code != NO_EXIT
    }
