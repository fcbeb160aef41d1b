"""How far a finished backtest can be trusted: whether its strategy looks ahead, what of it was luck, what other costs
would have left, and the verdict. Computed with the result and stored beside it.
"""

from __future__ import annotations

from typing import Any, Final

from engine import lookahead, metrics
from engine.backtest import Backtested
from engine.examination import examine
from engine.fold import Setting, fold
from engine.market import MINUTE_MS
from engine.metrics import Statistics
from engine.plain import plain
from engine.strategies import parse_params, strategy
from trading.models.research import Backtest
from trading.research.ground import Ground

# The same positions have the same luck, today and in a year.
SEED: Final = 20_251_109


def robustness_of(
    backtest: Backtest, ground: Ground, tested: Backtested, *, setting: Setting, statistics: Statistics
) -> dict[str, Any]:
    """As the row keeps it: `engine.examination.Examination.plain`, and what the look-ahead check compared."""
    params = parse_params(backtest.strategy, backtest.strategy_params)
    looked = lookahead.examine(strategy(backtest.strategy), params, tested.bars)

    def at_costs(changed: Setting) -> Statistics:
        """The same bars and signals, folded again."""
        if changed == setting:
            return statistics
        under = None if setting.interval_ms == MINUTE_MS else ground.minutes
        folded = fold(tested.bars, tested.signals, changed, minutes=under, start_ms=ground.start_ms)
        return metrics.statistics(folded, tested.bars, setting=changed)

    examined = examine(
        tested.folded,
        tested.bars,
        statistics,
        setting=setting,
        again=at_costs,
        seed=SEED,
        looks_ahead=not looked.is_clean,
        missing_share=ground.missing_minutes * MINUTE_MS / (ground.end_ms - ground.start_ms),
    )
    return {**examined.plain(), "look_ahead": plain(looked)}
