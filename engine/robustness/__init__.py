"""What a result would be under other circumstances: another order of its positions, other luck, other costs."""

from engine.robustness.costs import COST_PERCENTS, CostRow, Costs, cost_sensitivity, with_costs
from engine.robustness.luck import Fan, MonteCarlo, Quantiles, monte_carlo

__all__ = [
    "COST_PERCENTS", "CostRow", "Costs", "Fan", "MonteCarlo", "Quantiles", "cost_sensitivity", "monte_carlo",
    "with_costs",
]  # fmt: skip
