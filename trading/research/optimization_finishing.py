"""The end of an optimisation: the best set examined in full over all of the period, with what its search did on candles
it had not seen, and the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import lookahead, metrics
from engine.backtest import Backtested
from engine.backtest import run as run_backtest
from engine.examination import examine
from engine.fold import Setting, fold
from engine.market import MINUTE_MS
from engine.metrics import Statistics
from engine.plain import plain
from engine.strategies import params_dict
from engine.strategies import strategy as strategy_named
from engine.walk_forward import Comparison, Pair, Window, compared
from trading.models.optimization import Optimization, Trial
from trading.research.described import in_json
from trading.research.futures import warning_of
from trading.research.ground import Ground
from trading.research.optimization_lanes import sample_from
from trading.research.optimization_scores import score_of
from trading.research.optimization_trying import Stand
from trading.research.optimizations import ranked
from trading.research.provenance import code_version
from trading.research.robustness import SEED
from trading.research.settings import setting_of


def best_of(row: Optimization, stand: Stand, ground: Ground) -> dict[str, Any]:
    """The columns of a finished optimisation. `best` stays empty where no set could be ranked."""
    columns: dict[str, Any] = {
        "message": "" if ground.contract is None else warning_of(ground.contract),
        "data_fingerprint": ground.fingerprint,
        "code_version": code_version(),
        "rules_version": ground.rules_version,
    }
    best = ranked(row).filter(score__isnull=False).first()
    if best is None:
        return columns
    pairs = walked(row, best, stand)
    setting = setting_of(
        {**stand.settings, **stand.space.settings_of(best.values)},
        timeframe=row.timeframe,
        rules=stand.rules,
        market=row.market,
        contract=stand.contract,
    )
    examined, found = _examined(row, best, stand, ground, setting=setting, walk=compared(pairs))
    columns["best"] = in_json(
        {
            "number": best.number,
            "values": best.values,
            "strategy_params": params_dict(stand.space.params_of(best.values)),
            "statistics": metrics.plain(found),
            "examination": examined,
            "walk": [_told(pair) for pair in pairs],
        }
    )
    return columns


def walked(row: Optimization, best: Trial, stand: Stand) -> list[Pair[int]]:
    """In each window of the walk the set that was best inside it, and what that one did outside; without a walk, the
    best of all and the stretch that was held out. `chosen` is a set's number."""
    if not stand.walk:
        return [Pair(stand.main, best.number, sample_from(best.inside), sample_from(best.outside))]
    trials: Sequence[Trial] = list(ranked(row))
    pairs = (_chosen(row, trials, index, window) for index, window in enumerate(stand.walk))
    found = [pair for pair in pairs if pair is not None]
    return found or [Pair(stand.main, best.number, sample_from(best.inside), sample_from(best.outside))]


def _chosen(row: Optimization, trials: Sequence[Trial], index: int, window: Window) -> Pair[int] | None:
    """The share of positions asked for is that of the window's length in the whole of what is in sample."""
    inside_ms = (row.split_at - row.start_at).total_seconds() * 1_000
    share = (window.inside_end_ms - window.inside_start_ms) / inside_ms
    least = round(row.min_positions * min(share, 1.0))
    scored = []
    for trial in trials:
        score = score_of(sample_from(trial.walk[index][0]), objective=row.objective, min_positions=least)
        if score is not None:
            scored.append((score, -trial.number, trial))
    if not scored:
        return None
    chosen = max(scored, key=lambda entry: entry[:2])[2]
    inside, outside = chosen.walk[index]
    return Pair(window, chosen.number, sample_from(inside), sample_from(outside))


def _examined(
    row: Optimization, best: Trial, stand: Stand, ground: Ground, *, setting: Setting, walk: Comparison
) -> tuple[dict[str, Any], Statistics]:
    params = stand.space.params_of(best.values)
    start_ms, end_ms = stand.main.inside_start_ms, stand.main.outside_end_ms
    tested = run_backtest(
        stand.minutes,
        interval=row.timeframe,
        strategy=row.strategy,
        params=params,
        setting=setting,
        start_ms=start_ms,
        end_ms=end_ms,
    )
    found = metrics.statistics(tested.folded, tested.bars, setting=setting)
    looked = lookahead.examine(strategy_named(row.strategy), params, tested.bars)
    examined = examine(
        tested.folded,
        tested.bars,
        found,
        setting=setting,
        again=lambda changed: _again(stand, tested, changed),
        seed=SEED,
        looks_ahead=not looked.is_clean,
        walk=walk,
        missing_share=ground.missing_minutes * MINUTE_MS / (end_ms - start_ms),
    )
    return {**examined.plain(), "look_ahead": plain(looked)}, found


def _again(stand: Stand, tested: Backtested, changed: Setting) -> Statistics:
    """The same bars and signals, folded with other costs."""
    under = None if changed.interval_ms == MINUTE_MS else stand.minutes
    folded = fold(tested.bars, tested.signals, changed, minutes=under, start_ms=stand.main.inside_start_ms)
    return metrics.statistics(folded, tested.bars, setting=changed)


def _told(pair: Pair[int]) -> dict[str, Any]:
    return {
        "window": pair.window._asdict(),
        "chosen": pair.chosen,
        "inside": pair.inside._asdict(),
        "outside": pair.outside._asdict(),
    }
