"""How far a backtest can be trusted: one of four levels, with its reasons in plain language.

The level is the lowest that any finding allows, so that a verdict can be checked by reading its reasons.
"""

from collections.abc import Callable, Sequence
from typing import Final

from engine.metrics.outcomes import exact_sum
from engine.metrics.periods import PeriodRow
from engine.results import Positions
from engine.verdict import findings, trials
from engine.verdict.levels import LEVEL_OF_WORD, Concentration, Evidence, Level, Reason, Verdict
from engine.verdict.texts import LEVEL_TEXTS, TEXTS

__all__ = [
    "LEVEL_OF_WORD", "LEVEL_TEXTS", "TEXTS", "Concentration", "Evidence", "Level", "Reason", "Verdict",
    "concentration_of", "verdict",
]  # fmt: skip

type Question = Callable[[Evidence], Reason | None]

# Whatever the result: can it be trusted at all?
_GROUNDS: Final[tuple[Question, ...]] = (
    trials.look_ahead, trials.coarse, trials.missing, trials.paused, findings.length,
)  # fmt: skip
# Of a result that is there.
_ALWAYS: Final[tuple[Question, ...]] = (findings.result, findings.positions, trials.outside)
# Of a gain: a loss needs no further reasons.
_OF_GAINS: Final[tuple[Question, ...]] = (
    findings.edge, findings.drawdown, findings.liquidations, findings.holding, findings.concentration,
    trials.luck, trials.orders, trials.costs,
)  # fmt: skip


def verdict(evidence: Evidence) -> Verdict:
    """Reasons worst first, and in the order of the questions among equals."""
    found = evidence.statistics
    if not found.positions:
        questions, reasons = _GROUNDS, [Reason("no_positions", Level.UNFIT, {})]
    else:
        questions, reasons = (*_ALWAYS, *(_OF_GAINS if found.total_pnl_e8 > 0 else ()), *_GROUNDS), []
    reasons += [reason for ask in questions if (reason := ask(evidence)) is not None]
    reasons.sort(key=lambda reason: reason.allows)
    return Verdict(reasons[0].allows, tuple(reasons))


def concentration_of(positions: Positions, months: Sequence[PeriodRow]) -> Concentration | None:
    """Of the sum of all results; None where that is not above 0."""
    total = exact_sum(positions.pnl_e8)
    if total <= 0:
        return None
    return Concentration(
        best_position=int(positions.pnl_e8.max()) / total,
        best_month=max(row.pnl_e8 for row in months) / total,
        months=len(months),
    )
