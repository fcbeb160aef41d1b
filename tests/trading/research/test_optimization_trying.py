"""What the leaderboard says of a set is what the full backtest of that set says, on each of its stretches."""

from __future__ import annotations

from typing import Any

import pytest

from engine import metrics
from engine.backtest import run
from engine.strategies import parse_params
from engine.walk_forward import Window, sample_of
from tests.engine.conftest import recorded
from trading.research.optimization_scores import score_of
from trading.research.optimization_space import Space, read_axes
from trading.research.optimization_trying import Stand, attempts
from trading.research.settings import setting_of, settings_json

MINUTE_MS = 60_000


def stand_for(rules: Any, timeframe: str) -> Stand:
    minutes = recorded("BTCUSDT")
    first, last = int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + MINUTE_MS
    start_ms, end_ms = first // 3_600_000 * 3_600_000 + 6 * 3_600_000, last // 3_600_000 * 3_600_000
    split_ms = start_ms + (end_ms - start_ms) // 7_200_000 * 3_600_000
    axes, errors = read_axes("ema", {"ema_fast": [2, 4], "ema_slow": [5], "stop_loss_perc": ["0.2", "1"]})
    assert errors == {}
    base = {"rsi_oversold": 1, "rsi_overbought": 99}
    settings = settings_json({"initial_capital": 2000, "cooldown_candles": 0})
    return Stand(
        minutes=minutes, rules=rules, timeframe=timeframe, market="spot", space=Space("ema", base, tuple(axes)),
        settings={**settings, "initial_capital": "2000"}, main=Window(1, start_ms, split_ms, end_ms),
        walk=(Window(1, start_ms, split_ms - 3_600_000, split_ms),),
    )  # fmt: skip


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_a_set_is_measured_as_its_backtest_is(timeframe: str) -> None:
    stand = stand_for_recorded(timeframe)
    sets = list(stand.space.every())
    for values, tried in zip(sets, attempts(stand, sets), strict=True):
        setting = setting_of(
            {**stand.settings, **stand.space.settings_of(values)}, timeframe=timeframe, rules=stand.rules
        )

        def whole(start_ms: int, end_ms: int, values: Any = values, setting: Any = setting) -> Any:
            tested = run(
                stand.minutes, interval=timeframe, strategy="ema", setting=setting, start_ms=start_ms, end_ms=end_ms,
                params=parse_params("ema", {**stand.space.base, "ema_fast": values["ema_fast"], "ema_slow": 5}),
            )  # fmt: skip
            return sample_of(metrics.statistics(tested.folded, tested.bars, setting=setting))

        main, walk = stand.main, stand.walk[0]
        assert tried.inside == whole(main.inside_start_ms, main.inside_end_ms)
        assert tried.outside == whole(main.outside_start_ms, main.outside_end_ms)
        assert tried.walk == [
            (
                whole(walk.inside_start_ms, walk.inside_end_ms),
                whole(walk.outside_start_ms, walk.outside_end_ms),
            )
        ]
        assert tried.inside.positions > 10


def test_scores() -> None:
    tried = next(attempts(stand := stand_for_recorded(), [next(stand.space.every())]))
    good = tried.inside._replace(positions=20, total_return=0.3, max_drawdown=0.1, sharpe=1.5)
    calm, bad = good._replace(max_drawdown=0.001), good._replace(total_return=-0.3)

    def score(found: Any, objective: str = "return_over_drawdown", least: int = 10) -> float | None:
        return score_of(found, objective=objective, min_positions=least)

    assert [score(one) for one in (good, calm, bad)] == [pytest.approx(3), pytest.approx(30), -0.3]
    assert (score(good, "total_return"), score(good, "sharpe"), score(good, least=21)) == (0.3, 1.5, None)
    assert score(good._replace(positions=0), least=0) is None


def stand_for_recorded(timeframe: str = "1m") -> Stand:
    from tests.engine.conftest import rules_in

    return stand_for(rules_in("spot_testnet_2024-09-08.json")["BTCUSDT"], timeframe)


def test_where_a_set_parts_ways_is_said() -> None:
    stand = stand_for_recorded()
    tried = next(attempts(stand, [next(stand.space.every())]))
    inside = tried.inside._replace(total_return=0.1, days=10)
    for outside, parts in ((0.1, False), (0.01, True), (-0.1, True)):
        found = tried._replace(inside=inside, outside=tried.outside._replace(total_return=outside, days=10))
        assert found.parts_ways(stand.main) is parts
