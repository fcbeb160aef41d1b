"""Statistics, costs and luck of real folds over recorded candles: they agree with the positions and with each other."""

import numpy as np
import pytest

from engine.fold import Setting, fold
from engine.market import MINUTE_MS, Candles
from engine.metrics import Statistics, daily_rows, statistics
from engine.results import Folded
from engine.robustness import cost_sensitivity, monte_carlo
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy

CAPITAL_E8 = 10**12


class Run:
    """`ema` with its defaults over the recorded minutes, at any costs."""

    def __init__(self, bars: Candles, rules: SymbolRules) -> None:
        self.bars = bars
        self.setting = Setting(
            rules=rules, interval_ms=MINUTE_MS, initial_capital_e8=CAPITAL_E8, stop_percent_e6=4_000,
            target_percent_e6=6_000, trailing_percent_e6=3_000,
        )  # fmt: skip
        self.signals = strategy("ema").signals(bars, parse_params("ema", {}))
        self.folded = self.fold(self.setting)
        self.found = self.again(self.setting)

    def fold(self, setting: Setting) -> Folded:
        start_ms = int(self.bars.open_ms[0])
        return fold(self.bars, self.signals, setting, minutes=None, start_ms=start_ms)

    def again(self, setting: Setting) -> Statistics:
        return statistics(self.fold(setting), self.bars, setting=setting)


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
    assert sum(found.exit_results_e8.values()) == found.total_pnl_e8
    days = daily_rows(folded, ran.bars, setting=ran.setting)
    assert sum(row.pnl_e8 for row in days) == found.total_pnl_e8
    lowest = int(np.append(folded.equity_e8, CAPITAL_E8).min())
    assert found.max_drawdown_e8 >= CAPITAL_E8 - lowest


def test_costs_only_ever_lower_a_run_without_limits(ran: Run) -> None:
    costs = cost_sensitivity(ran.setting, ran.again)
    results = [row.total_pnl_e8 for row in costs.rows]
    assert results == sorted(results, reverse=True)
    assert costs.at(100).total_pnl_e8 == ran.found.total_pnl_e8


def test_the_order_that_was_is_one_of_those_drawn(ran: Run) -> None:
    """From position to position a run falls no deeper than from bar to bar."""
    luck = monte_carlo(ran.folded.positions.pnl_e8, CAPITAL_E8, seed=7)
    assert luck is not None
    assert luck.positions == ran.found.positions
    assert 0.0 < luck.drawdown <= ran.found.max_drawdown + 1e-12
