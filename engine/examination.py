"""Everything that is tried on a finished backtest, in one call: luck, costs, concentration, and the verdict.

Same run, same seed, same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.fold import Setting
from engine.market import Candles
from engine.metrics import Statistics, monthly_rows
from engine.plain import plain
from engine.results import Folded
from engine.robustness import Costs, MonteCarlo, cost_sensitivity, monte_carlo
from engine.verdict import Concentration, Evidence, Verdict, concentration_of, verdict
from engine.walk_forward import Comparison

# Positions drawn in all of Monte Carlo's runs together: a fifth of a second, however many a run has.
DRAWS: Final = 2_000_000
MOST_RUNS: Final = 1_000
FEWEST_RUNS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found; None: it could not be tried (too few positions), or was not."""

    looks_ahead: bool | None
    concentration: Concentration | None
    luck: MonteCarlo | None
    costs: Costs | None
    walk: Comparison | None
    verdict: Verdict

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        tried = ("concentration", "luck", "costs", "walk")
        return {
            "looks_ahead": self.looks_ahead,
            **{name: plain(getattr(self, name)) for name in tried},
            "verdict": self.verdict.plain(),
        }


def examine(
    folded: Folded,
    bars: Candles,
    found: Statistics,
    *,
    setting: Setting,
    again: Callable[[Setting], Statistics] | None,
    seed: int,
    looks_ahead: bool | None = None,
    walk: Comparison | None = None,
    is_coarse: bool = False,
    missing_share: float = 0.0,
) -> Examination:
    """`again` runs the same candles and signals with other costs (they change no signal); the rest as in `Evidence`.
    A size that is a share of the capital compounds, a fixed one does not."""
    results = folded.positions.pnl_e8
    luck = monte_carlo(
        results,
        setting.initial_capital_e8,
        seed=seed,
        runs=min(MOST_RUNS, max(FEWEST_RUNS, DRAWS // max(len(results), 1))),
        compounding=setting.size_fixed_e8 is None,
    )
    costs = cost_sensitivity(setting, again) if again is not None and len(results) else None
    concentration = concentration_of(folded.positions, monthly_rows(folded, bars, setting=setting))
    evidence = Evidence(
        statistics=found,
        concentration=concentration,
        luck=luck,
        costs=costs,
        walk=walk,
        looks_ahead=looks_ahead,
        is_coarse=is_coarse,
        missing_share=missing_share,
        paused_ms=folded.paused_ms,
    )
    return Examination(
        looks_ahead=looks_ahead,
        concentration=concentration,
        luck=luck,
        costs=costs,
        walk=walk,
        verdict=verdict(evidence),
    )
