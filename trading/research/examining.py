"""The work of a backtest: ground, signals, fold, statistics, tables. From a row's request to the columns of its report;
the row itself is moved by others, so that a command can do without one.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from engine import backtest as engine_backtest
from engine import metrics
from engine.fold import UnservedSetting
from engine.strategies import parse_params
from trading.models.research import Backtest, BacktestStep
from trading.research.described import candles_json, in_json, rows_json
from trading.research.futures import warning_of
from trading.research.ground import CANDLES_PERCENT, BacktestFailed, Ground, Steps, lay_ground
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
        backtest.settings,
        timeframe=backtest.timeframe,
        rules=ground.rules,
        market=backtest.market,
        contract=ground.contract,
    )
    try:
        tested = engine_backtest.run(
            ground.minutes,
            interval=backtest.timeframe,
            strategy=backtest.strategy,
            params=parse_params(backtest.strategy, backtest.strategy_params),
            setting=setting,
            start_ms=ground.start_ms,
            end_ms=ground.end_ms,
        )
    except UnservedSetting as unserved:
        raise BacktestFailed(str(unserved)) from None
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
        "data_fingerprint": ground.fingerprint,
        "code_version": code_version(),
        "rules_version": ground.rules_version,
        "message": _warning(ground),
    }


def _warning(ground: Ground) -> str:
    """What a reader must know of the data."""
    texts = []
    if ground.missing_minutes:
        message = _("%(count)s minutes of the period have no candle; nothing was invented for them.")
        texts.append(message % {"count": ground.missing_minutes})
    if ground.contract is not None:
        texts.append(warning_of(ground.contract))
    return " ".join(text for text in texts if text)
