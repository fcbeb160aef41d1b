"""How sets of parameters are ranked: one number from what a set did in sample. Larger is better; None is not ranked."""

from __future__ import annotations

from typing import Final

from engine.walk_forward import Sample
from trading.models.optimization import Objective

# A run that hardly fell is not a hundred times better for it: falls below this count as this.
SMALLEST_DRAWDOWN: Final = 0.01


def score_of(found: Sample, *, objective: str, min_positions: int) -> float | None:
    """Return over drawdown = total return / max(largest drawdown, 1 %); a losing return stays as it is, so that a deep
    fall never improves it."""
    if found.positions < max(min_positions, 1):
        return None
    if objective == Objective.TOTAL_RETURN:
        return found.total_return
    if objective == Objective.SHARPE:
        return found.sharpe
    if found.total_return <= 0.0:
        return found.total_return
    return found.total_return / max(found.max_drawdown, SMALLEST_DRAWDOWN)
