"""How much of a result is luck: Monte Carlo over the results of its positions.

Drawn with a seed: the same positions and the same seed give the same answer, on every machine.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from engine.compiled import compiled
from engine.market import FloatArray, IntArray

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
RUIN: Final = 0.5

_FAN_PARTS: Final = 100


class Quantiles(NamedTuple):
    """What 5, 25, 50, 75 and 95 % of the runs stay below (linear between neighbours)."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float


class Fan(NamedTuple):
    """Equity (1 = the initial capital) of the resampled runs after so many positions, at three quantiles."""

    after: tuple[int, ...]
    p05: tuple[float, ...]
    p50: tuple[float, ...]
    p95: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class MonteCarlo:
    """`drawdowns`: largest drawdown had the same positions come in another order (shuffled: the end is the same).
    `returns` and `resampled_drawdowns`: total return and drawdown of as many positions drawn anew from those there
    were (bootstrap). `chance_of_loss` and `chance_of_ruin` are the shares of the resampled runs that end below their
    start, and that lose half of a peak on the way. `drawdown` is the one of the order as it was. All from position to
    position: what happened while one was open is not seen."""

    runs: int
    seed: int
    positions: int
    compounding: bool
    drawdown: float
    drawdowns: Quantiles
    returns: Quantiles
    resampled_drawdowns: Quantiles
    chance_of_loss: float
    chance_of_ruin: float
    fan: Fan


class Drawn(NamedTuple):
    """One row per run: where it ended, its largest drawdown, and its equity at the fan's points."""

    ends: FloatArray
    drawdowns: FloatArray
    paths: FloatArray


def monte_carlo(
    pnl_e8: IntArray, initial_e8: int, *, seed: int, runs: int = 1_000, compounding: bool = True
) -> MonteCarlo | None:
    """Over the results of all positions in their order. None below two positions.

    With `compounding` (a size that is a share of the capital) each result counts as a share of the capital before it,
    and shares multiply; without (a fixed size) results add up. A run that has lost everything stays at 0.
    """
    if len(pnl_e8) < 2 or initial_e8 <= 0:
        return None
    shares = _shares(pnl_e8, initial_e8, compounding)
    points = np.unique(np.linspace(0, len(shares), min(len(shares), _FAN_PARTS) + 1).astype(np.int64))
    as_it_was = _drawn(shares, points, runs=1, draw=AS_IT_WAS, seed=seed, compounding=compounding)
    shuffled = _drawn(shares, points, runs=runs, draw=SHUFFLED, seed=seed, compounding=compounding)
    resampled = _drawn(shares, points, runs=runs, draw=RESAMPLED, seed=seed, compounding=compounding)
    return MonteCarlo(
        runs=runs,
        seed=seed,
        positions=len(shares),
        compounding=compounding,
        drawdown=float(as_it_was.drawdowns[0]),
        drawdowns=_quantiles(shuffled.drawdowns),
        returns=_quantiles(resampled.ends - 1.0),
        resampled_drawdowns=_quantiles(resampled.drawdowns),
        chance_of_loss=float((resampled.ends < 1.0).mean()),
        chance_of_ruin=float((resampled.drawdowns >= RUIN).mean()),
        fan=_fan(points, resampled.paths),
    )


def _shares(pnl_e8: IntArray, initial_e8: int, compounding: bool) -> FloatArray:
    """Each result as a share of the capital before it (compounding), or of the initial capital."""
    if not compounding:
        return np.divide(pnl_e8, initial_e8, dtype=np.float64)
    before = initial_e8 + np.append(0, np.cumsum(pnl_e8)[:-1])
    shares: FloatArray = np.divide(pnl_e8, before, out=np.zeros(len(pnl_e8)), where=before > 0)
    return shares


def _quantiles(values: FloatArray) -> Quantiles:
    return Quantiles(*np.quantile(values, LEVELS).tolist())


def _fan(points: IntArray, paths: FloatArray) -> Fan:
    low, middle, high = np.quantile(paths, (0.05, 0.5, 0.95), axis=0).tolist()
    return Fan(tuple(points.tolist()), tuple(low), tuple(middle), tuple(high))


AS_IT_WAS: Final = 0
SHUFFLED: Final = 1
RESAMPLED: Final = 2

MERSENNE: Final = 2147483647
MULTIPLIER: Final = 48271


def _drawn(
    shares: FloatArray, points: IntArray, *, runs: int, draw: int, seed: int, compounding: bool
) -> Drawn:
    drawn = Drawn(np.empty(runs), np.empty(runs), np.ones((runs, len(points))))
    compiled(draw_runs)(
        shares.copy(), points, draw, seed, int(compounding), drawn.ends, drawn.drawdowns, drawn.paths
    )
    return drawn


def draw_runs(
    shares: FloatArray,
    points: IntArray,
    draw: int,
    seed: int,
    compounding: int,
    ends: FloatArray,
    drawdowns: FloatArray,
    paths: FloatArray,
) -> None:
    """Compiled: fills the last three, one row per run; `shares` is shuffled in place.

    The generator is Lehmer's, modulo 2^31 - 1 with the multiplier 48271 (Park, Miller, Stockmeyer 1993), whose integers
    fit 64 bits everywhere: libraries change theirs, and a seed would not mean the same next year.
    """
    count = len(shares)
    state = 1 + seed % (MERSENNE - 1)
    for _ in range(20):  # small seeds lie close together: their first draws would, too
        state = state * MULTIPLIER % MERSENNE
    for run in range(len(ends)):
        value, peak, lowest, worst, point = 1.0, 1.0, 1.0, 0.0, 1
        for index in range(count):
            product = state * MULTIPLIER
            state = (product & MERSENNE) + (product >> 31)  # modulo 2^31 - 1 without a division
            if state >= MERSENNE:
                state -= MERSENNE
            if draw == RESAMPLED:
                share = shares[state * count >> 31]
            elif draw == SHUFFLED:  # Fisher and Yates, from the front: all orders are equally likely
                other = index + (state * (count - index) >> 31)
                share = shares[other]
                shares[other], shares[index] = shares[index], share
            else:
                share = shares[index]
            if value > 0.0:
                value = max(value * (1.0 + share) if compounding else value + share, 0.0)
            if value > peak:
                peak, lowest = value, value * (1.0 - worst)
            elif value < lowest:  # a deeper fall than any before: only these are divided
                worst, lowest = 1.0 - value / peak, value
            if index + 1 == points[point]:
                paths[run, point] = value
                point += 1
        ends[run], drawdowns[run] = value, worst
