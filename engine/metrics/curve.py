"""The equity of a run as one curve, its worst drawdown, and what of it a chart needs.

Nothing is interpolated: every point is an instant at which the equity was reckoned.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from engine.compiled import compiled
from engine.market import Candles, FloatArray, IntArray
from engine.results import Folded

# Values that a drawdown looks at together: a kilobyte, a few positions of a bot on minutes.
BLOCK: Final = 128


class Terms(Protocol):
    """What the statistics need of a run's setting (`engine.fold.Setting` has it)."""

    @property
    def initial_capital_e8(self) -> int: ...

    @property
    def taker_e6(self) -> int: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """The initial capital at the opening of the first evaluated bar, then the equity at every close; the last value is
    the final balance, which has paid for closing what was open. The vectors are the fold's own, not copied: read the
    last value from `final_e8`."""

    start_ms: int
    initial_e8: int
    at_ms: IntArray
    equity_e8: IntArray
    final_e8: int

    @property
    def end_ms(self) -> int:
        return int(self.at_ms[-1]) if len(self.at_ms) else self.start_ms

    def value_at(self, instants_ms: IntArray) -> IntArray:
        """What each instant (none before the start) finds: the newest value not after it."""
        found = np.searchsorted(self.at_ms, instants_ms, "right") - 1
        values = np.full(len(found), self.initial_e8, np.int64)
        values[found >= 0] = self.equity_e8[found[found >= 0]]
        values[found == len(self.at_ms) - 1] = self.final_e8
        return values


class Drawdown(NamedTuple):
    """`amount_e8` and `ratio` are the largest of their kind (not always the same fall); `from_ms` and `to_ms` are the
    peak and the bottom of the largest ratio, `duration_ms` the longest time from a peak until it was reached again, or
    until the end."""

    amount_e8: int
    ratio: float
    duration_ms: int
    from_ms: int
    to_ms: int


def curve_of(folded: Folded, bars: Candles, setting: Terms) -> Curve:
    first = min(folded.first_bar, len(bars) - 1)
    has_run = len(folded.equity_ms) > 0
    return Curve(
        start_ms=int(bars.open_ms[first]) if len(bars) else 0,
        initial_e8=setting.initial_capital_e8,
        at_ms=folded.equity_ms,
        equity_e8=folded.equity_e8,
        final_e8=final_balance_e8(folded) if has_run else setting.initial_capital_e8,
    )


def market_curve(folded: Folded, bars: Candles) -> Curve:
    """The price itself over the evaluated bars (at least one), from the first opening to every close."""
    closes = bars.close[folded.first_bar : folded.last_bar + 1]
    return Curve(
        start_ms=int(bars.open_ms[folded.first_bar]),
        initial_e8=int(bars.open[folded.first_bar]),
        at_ms=folded.equity_ms,
        equity_e8=closes,
        final_e8=int(closes[-1]),
    )


def final_balance_e8(folded: Folded) -> int:
    """Money at the end, and dust at what it cost: initial capital + the results of all positions, to the digit."""
    return folded.balance_e8 + folded.dust_cost_e8


def worst_drawdown(curve: Curve) -> Drawdown:
    """Drawdown at an instant = highest equity so far - equity; its ratio is of that highest equity."""
    if not len(curve.at_ms):
        return Drawdown(0, 0.0, 0, curve.start_ms, curve.start_ms)
    walk = compiled(walked_drawdown)
    return Drawdown(*walk(curve.at_ms, curve.equity_e8, curve.start_ms, curve.initial_e8, curve.final_e8))


def walked_drawdown(
    at_ms: IntArray, equity_e8: IntArray, start_ms: int, initial_e8: int, final_e8: int
) -> Drawdown:
    """Compiled: one pass that allocates nothing. A block of values that all lie below the peak is one step: where its
    lowest lies is asked only of the fall that turns out to be the worst."""
    end, worst = len(equity_e8) - 1, Drawdown(0, 0.0, 0, start_ms, start_ms)
    peak, peak_ms, bottom, bottom_from = initial_e8, start_ms, initial_e8, 0
    for begin in range(0, end, BLOCK):
        block = equity_e8[begin : min(begin + BLOCK, end)]
        lowest, highest = _reach(block)
        if highest < peak:
            if lowest < bottom:
                bottom, bottom_from = lowest, begin
            continue
        for index in range(begin, begin + len(block)):
            value = equity_e8[index]
            if value >= peak:
                if bottom < peak:
                    ended_ms = at_ms[index]
                    worst = _worse(worst, at_ms, equity_e8, peak, peak_ms, bottom, bottom_from, ended_ms)
                peak = bottom = value
                peak_ms = at_ms[index]
            elif value < bottom:
                bottom, bottom_from = value, index
    if final_e8 < bottom:
        bottom, bottom_from = final_e8, end
    if bottom < peak:
        worst = _worse(worst, at_ms, equity_e8, peak, peak_ms, bottom, bottom_from, at_ms[end])
    return worst


def _reach(values: IntArray) -> tuple[int, int]:
    """(lowest, highest); no branches, so that the processor compares eight at a time."""
    lowest = highest = values[0]
    for index in range(len(values)):
        lowest, highest = min(lowest, values[index]), max(highest, values[index])
    return lowest, highest


def _worse(
    worst: Drawdown, at_ms: IntArray, equity_e8: IntArray, peak: int, peak_ms: int, bottom: int, bottom_from: int,
    ended_ms: int,
) -> Drawdown:  # fmt: skip
    """The worst so far, after a fall that ended; its bottom was first reached at `bottom_from` or soon after it."""
    amount, longest_ms = max(worst.amount_e8, peak - bottom), max(worst.duration_ms, ended_ms - peak_ms)
    ratio = (peak - bottom) / peak
    if ratio <= worst.ratio:
        return Drawdown(amount, worst.ratio, longest_ms, worst.from_ms, worst.to_ms)
    while bottom_from < len(equity_e8) - 1 and equity_e8[bottom_from] != bottom:
        bottom_from += 1
    return Drawdown(amount, ratio, longest_ms, peak_ms, at_ms[bottom_from])


def drawdown_curve(equity_e8: IntArray) -> FloatArray:
    """equity / highest equity so far - 1, 0 at a peak and negative below; one value per point."""
    if not len(equity_e8):
        return np.empty(0)
    ratios: FloatArray = np.divide(equity_e8, np.maximum.accumulate(equity_e8))
    ratios -= 1.0
    return ratios


def hold_curve(bars: Candles, setting: Terms) -> FloatArray:
    """Equity in quote money at each close of these bars had all of the capital bought the first opening (buy-and-hold),
    before fees, for charts."""
    if not len(bars):
        return np.empty(0)
    return np.multiply(bars.close, setting.initial_capital_e8 / 1e8 / int(bars.open[0]), dtype=np.float64)


def thinned(values: IntArray | FloatArray, points: int) -> IntArray:
    """Indices (ascending, at most `points`, at least the four of one bucket) that draw the same line: first, last,
    lowest and highest of each of points/4 equal buckets, so that no extreme of the curve is lost."""
    count = len(values)
    if count <= max(points, 4):
        return np.arange(count)
    width = -(-count // max(points // 4, 1))
    buckets = -(-count // width)
    padded = np.concatenate([values, np.full(buckets * width - count, values[-1])]).reshape(buckets, width)
    starts = np.arange(buckets) * width
    kept = [starts, starts + padded.argmin(axis=1), starts + padded.argmax(axis=1), starts + width - 1]
    indices: IntArray = np.unique(np.minimum(np.concatenate(kept), count - 1))
    return indices
