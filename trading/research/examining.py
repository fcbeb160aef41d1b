"""The work of a backtest: ground, signals, fold, statistics, tables. From a row's request to the columns of its report;
the row itself is moved by others, so that a command can do without one.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from engine import backtest as engine_backtest
from engine import metrics
from engine.strategies import parse_params
from exchange.candles import fingerprint
from trading.models.research import Backtest, BacktestStep
from trading.research.described import candles_json, in_json, rows_json
from trading.research.ground import CANDLES_PERCENT, Steps, lay_ground
from trading.research.packing import pack
from trading.research.provenance import code_version
from trading.research.robustness import robustness_of
from trading.research.settings import setting_of


def examine(backtest: Backtest, steps: Steps) -> dict[str, Any]:
    """The columns of a finished backtest. Raises what `lay_ground` raises."""
    steps.at(BacktestStep.CANDLES, 0)
    ground = lay_ground(backtest, steps)
    steps.at(BacktestStep.SIGNALS, CANDLES_PERCENT)
    setting = setting_of(
        backtest.settings, timeframe=backtest.timeframe, rules=ground.rules, market=backtest.market
    )
    tested = engine_backtest.run(
        ground.minutes,
        interval=backtest.timeframe,
        strategy=backtest.strategy,
        params=parse_params(backtest.strategy, backtest.strategy_params),
        setting=setting,
        start_ms=ground.start_ms,
        end_ms=ground.end_ms,
    )
    steps.at(BacktestStep.STATISTICS, 70)
    folded, bars = tested.folded, tested.bars
    statistics = metrics.statistics(folded, bars, setting=setting)
    steps.at(BacktestStep.ROBUSTNESS, 75)
    robustness = robustness_of(backtest, ground, tested, setting=setting, statistics=statistics)
    steps.at(BacktestStep.SAVING, 90)
    return {
        "results": pack(folded),
        "statistics": in_json(metrics.plain(statistics)),
        "periods": {
            "daily": rows_json(metrics.daily_rows(folded, bars, setting=setting)),
            "monthly": rows_json(metrics.monthly_rows(folded, bars, setting=setting)),
        },
        "robustness": in_json(robustness),
        "candles": candles_json(ground),
        "data_fingerprint": fingerprint(ground.minutes),
        "code_version": code_version(),
        "rules_version": ground.rules_version,
        "message": _warning(ground.missing_minutes),
    }


def _warning(missing: int) -> str:
    if not missing:
        return ""
    message = _("%(count)s minutes of the period have no candle; nothing was invented for them.")
    return message % {"count": missing}
