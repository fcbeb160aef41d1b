"""A real run on recorded candles, examined as a worker would: all of it tried, repeatable, and fit for JSON."""

import json

import numpy as np
import pytest

from engine.examination import Examination, examine
from engine.fold import Setting, fold
from engine.market import MINUTE_MS, Candles
from engine.metrics import Statistics, daily_rows, statistics
from engine.results import Folded
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy


class Run:
    """`ema` with its defaults over the recorded minutes, at any costs."""

    def __init__(self, bars: Candles, rules: SymbolRules, **sizes: int) -> None:
        self.bars = bars
        self.setting = Setting(
            rules=rules, interval_ms=MINUTE_MS, initial_capital_e8=10**12, stop_percent_e6=4_000,
            target_percent_e6=6_000, trailing_percent_e6=3_000, **sizes,
        )  # fmt: skip
        self.signals = strategy("ema").signals(bars, parse_params("ema", {}))
        self.folded = self.fold(self.setting)
        self.found = self.again(self.setting)

    def fold(self, setting: Setting) -> Folded:
        start_ms = int(self.bars.open_ms[0])
        return fold(self.bars, self.signals, setting, minutes=None, start_ms=start_ms)

    def again(self, setting: Setting) -> Statistics:
        return statistics(self.fold(setting), self.bars, setting=setting)

    def examined(self, seed: int) -> Examination:
        return examine(
            self.folded,
            self.bars,
            self.found,
            setting=self.setting,
            again=self.again,
            seed=seed,
            looks_ahead=False,
        )


@pytest.fixture(scope="module")
def ran(candles: Candles, btc_rules: SymbolRules) -> Run:
    return Run(candles, btc_rules)


def test_the_statistics_of_a_real_run_agree_with_its_positions(ran: Run) -> None:
    found, folded = ran.found, ran.folded
    assert found.positions == len(folded.positions) > 20
    assert found.total_pnl_e8 == sum(folded.positions.pnl_e8.tolist())
    assert found.final_balance_e8 == folded.balance_e8 + folded.dust_cost_e8
    assert found.bars == len(ran.bars)
    assert sum(found.exits.values()) == found.positions
    days = daily_rows(folded, ran.bars, setting=ran.setting)
    assert sum(row.pnl_e8 for row in days) == found.total_pnl_e8
    lowest = int(np.concatenate([[10**12], folded.equity_e8]).min())
    assert found.max_drawdown_e8 >= 10**12 - lowest


def test_all_is_tried_and_repeatable(ran: Run) -> None:
    examined = ran.examined(7)
    assert examined == ran.examined(7)
    assert examined.luck is not None
    assert examined.luck.compounding
    assert examined.luck != ran.examined(8).luck
    assert examined.costs is not None
    free, today, thrice = (examined.costs.at(percent) for percent in (0, 100, 300))
    assert today.total_pnl_e8 == ran.found.total_pnl_e8
    assert free.total_pnl_e8 > today.total_pnl_e8 > thrice.total_pnl_e8
    written = json.loads(json.dumps(examined.plain(), allow_nan=False))
    assert set(written) == {"looks_ahead", "concentration", "luck", "costs", "walk", "verdict"}
    assert written["verdict"]["level"] in ("convincing", "promising", "doubtful", "unfit")
    codes = {reason["code"] for reason in written["verdict"]["reasons"]}
    assert {"no_look_ahead", "never_outside", "short_period"} <= codes


def test_a_fixed_size_does_not_compound(candles: Candles, btc_rules: SymbolRules) -> None:
    luck = Run(candles, btc_rules, size_fixed_e8=10**10).examined(1).luck
    assert luck is not None
    assert not luck.compounding


def test_without_a_position_there_is_nothing_to_try(candles: Candles, btc_rules: SymbolRules) -> None:
    examined = Run(candles[:30], btc_rules).examined(1)
    assert (examined.luck, examined.costs, examined.concentration) == (None, None, None)
    assert [reason.code for reason in examined.verdict.deciding] == ["no_positions"]
