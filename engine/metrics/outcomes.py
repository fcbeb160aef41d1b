"""What the positions came to: wins and losses, streaks, excursions, exits.

A win is a result above 0 after fees and funding, a loss one below; exactly 0 is neither.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.market import FloatArray, IntArray
from engine.results import EXIT_REASONS, NO_EXIT, Positions

_LOW_BITS = 32


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
    won, lost = pnl_e8 > 0, pnl_e8 < 0
    return Outcomes(
        wins=int(won.sum()),
        losses=int(lost.sum()),
        gross_profit_e8=exact_sum(pnl_e8[won]),
        gross_loss_e8=exact_sum(pnl_e8[lost]),
        largest_win_e8=int(pnl_e8.max(initial=0)),
        largest_loss_e8=int(pnl_e8.min(initial=0)),
        streaks=(_longest_run(won), _longest_run(lost)),
    )


def exact_sum(column: IntArray) -> int:
    """The sum as a Python integer, summed in halves so that it may exceed 64 bits."""
    low = int((column & ((1 << _LOW_BITS) - 1)).sum())
    return (int((column >> _LOW_BITS).sum()) << _LOW_BITS) + low


def mean_e8(total: int, count: int) -> int | None:
    """total / count to the nearest whole 1e-8, a half up; None of nothing."""
    return (2 * total + count) // (2 * count) if count else None


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max(initial=0))


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
