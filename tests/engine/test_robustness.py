"""Monte Carlo over positions and other costs: seeded, bounded, and by hand where the answer is known."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiled import compiled
from engine.market import DAY_MS
from engine.metrics import statistics
from engine.robustness import cost_sensitivity, monte_carlo, with_costs
from engine.robustness.luck import RESAMPLED, SHUFFLED, draw_runs
from tests.engine.folds import E8, Held, bars_of, folded_of, ints

INITIAL = 1_000 * E8


def mixed(count: int = 200) -> np.ndarray:
    return np.random.default_rng(7).normal(2 * E8, 20 * E8, count).astype(np.int64)


def test_the_same_seed_gives_the_same_answer_and_another_seed_another():
    first, again = (monte_carlo(mixed(), INITIAL, seed=3) for _ in range(2))
    assert first == again
    assert monte_carlo(mixed(), INITIAL, seed=4).returns != first.returns


def test_below_two_positions_there_is_nothing_to_draw():
    assert monte_carlo(ints([E8]), INITIAL, seed=1) is None
    assert monte_carlo(ints([]), INITIAL, seed=1) is None


@pytest.mark.parametrize("compounding", [True, False])
def test_equal_results_leave_nothing_to_luck(compounding):
    """+1 % of the capital before, or of the initial capital, ten times."""
    pnl = ints(
        [round(INITIAL * Fraction(101, 100) ** n / 100) for n in range(10)]
        if compounding
        else [INITIAL // 100] * 10
    )
    found = monte_carlo(pnl, INITIAL, seed=1, runs=50, compounding=compounding)
    expected = 1.01**10 - 1 if compounding else 0.1
    assert found.returns == pytest.approx([expected] * 5)
    assert found.drawdowns == found.resampled_drawdowns == (0.0,) * 5
    assert (found.drawdown, found.chance_of_loss, found.chance_of_ruin) == (0.0, 0.0, 0.0)


def test_every_order_of_two_results_is_seen():
    """-50 % then +100 %, or the other way round: the drawdown is a half either way; the end of a bootstrap is a
    quarter, the whole, or four times of the start."""
    found = monte_carlo(ints([-500 * E8, 500 * E8]), INITIAL, seed=5, runs=2_000)
    assert found.drawdowns == pytest.approx((0.5,) * 5)
    assert (found.returns.p05, found.returns.p50, found.returns.p95) == pytest.approx((-0.75, 0.0, 3.0))
    assert found.chance_of_loss == pytest.approx(0.25, abs=0.03)


def test_every_order_is_equally_likely_and_every_position_is_drawn_as_often():
    """The generator, asked directly: where each of five results lands, over 20,000 shuffles and resamplings."""
    shares, points, runs = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.arange(6), 20_000
    for draw in SHUFFLED, RESAMPLED:
        paths = np.ones((runs, 6))
        compiled(draw_runs)(shares.copy(), points, draw, 11, 0, np.empty(runs), np.empty(runs), paths)
        landed = np.diff(paths, axis=1)
        for place in range(5):
            values, counts = np.unique(landed[:, place], return_counts=True)
            assert values.tolist() == [1.0, 2.0, 4.0, 8.0, 16.0]
            assert bool((np.abs(counts - runs / 5) < 5 * math.sqrt(runs * 0.16)).all())
        ends = set(paths[:, -1].tolist())
        assert (ends == {32.0}) == (draw == SHUFFLED)


def test_compiled_and_plain_draw_the_same():
    shares, points = np.array([0.1, -0.2, 0.05, 0.3]), np.arange(5)
    found = []
    for function in draw_runs, compiled(draw_runs):
        columns = np.empty(50), np.empty(50), np.ones((50, 5))
        function(shares.copy(), points, SHUFFLED, 2**40 + 3, 1, *columns)
        found.append([column.tolist() for column in columns])
    assert found[0] == found[1]


def test_results_of_a_fixed_size_add_up_and_ruin_is_final():
    found = monte_carlo(ints([-600 * E8, -600 * E8, 900 * E8]), INITIAL, seed=5, runs=500, compounding=False)
    assert found.returns.p05 == -1.0  # lost it all, and a later gain found no capital to earn with
    assert found.drawdown == 1.0
    assert found.chance_of_ruin > 0.5


@settings(max_examples=40)
@given(st.lists(st.integers(-300 * E8, 300 * E8), min_size=2, max_size=60), st.booleans(), st.integers(0, 99))
def test_quantiles_are_ordered_and_within_what_is_possible(results, compounding, seed):
    found = monte_carlo(ints(results), 100_000 * E8, seed=seed, runs=60, compounding=compounding)
    for quantiles in found.drawdowns, found.returns, found.resampled_drawdowns:
        assert list(quantiles) == sorted(quantiles)
    assert 0.0 <= found.drawdowns.p05 <= found.drawdowns.p95 <= 1.0
    assert found.returns.p05 >= -1.0
    assert 0.0 <= found.chance_of_ruin <= 1.0
    if all(result > 0 for result in results):
        assert (found.chance_of_loss, found.drawdowns.p95) == (0.0, 0.0)


def test_the_fan_starts_at_the_initial_capital_and_ends_at_the_quantiles():
    found = monte_carlo(mixed(350), INITIAL, seed=9, runs=300)
    fan = found.fan
    assert (fan.after[0], fan.after[-1], len(fan.after)) == (0, 350, 101)
    assert (fan.p05[0], fan.p50[0], fan.p95[0]) == (1.0, 1.0, 1.0)
    ends = (fan.p05[-1], fan.p50[-1], fan.p95[-1])
    assert ends == pytest.approx([1 + found.returns.p05, 1 + found.returns.p50, 1 + found.returns.p95])


@dataclass(frozen=True, kw_only=True)
class Costly:
    initial_capital_e8: int = INITIAL
    taker_e6: int = 1_000
    maker_e6: int = 333
    slippage_e6: int = 0


def backtest_of(gross_e8: int, traded_e8: int):
    """A run of one position a day whose result is its gross less the taker fee on what it traded."""

    def run(setting: Costly):
        net = gross_e8 - traded_e8 * setting.taker_e6 // 1_000_000
        bars = bars_of([100 * E8] * 10, bar_ms=DAY_MS)
        held = [Held(first=day, bars=1, pnl_e8=net) for day in range(10)]
        return statistics(folded_of(held, bars, setting=setting), bars, setting=setting)

    return run


def test_costs_are_multiplied_and_rounded_up():
    assert with_costs(Costly(), 150) == Costly(taker_e6=1_500, maker_e6=500)
    assert with_costs(Costly(slippage_e6=7), 50) == Costly(taker_e6=500, maker_e6=167, slippage_e6=4)
    assert with_costs(Costly(), 0) == Costly(taker_e6=0, maker_e6=0)
    assert with_costs(Costly(), 100) == Costly()


def test_where_costs_eat_the_result():
    """Each position earns 2.5 before costs of 1 (a tenth of a per cent of 1,000 traded): nil at 250 %."""
    found = cost_sensitivity(Costly(), backtest_of(250_000_000, 1_000 * E8))
    assert [row.percent for row in found.rows] == [0, 50, 100, 150, 200, 300]
    assert [row.total_pnl_e8 for row in found.rows] == [
        10 * pnl for pnl in (250_000_000, 200_000_000, 150_000_000, 100_000_000, 50_000_000, -50_000_000)
    ]
    assert found.break_even_percent == pytest.approx(250.0)
    assert found.at(200).total_return == pytest.approx(0.005)
    assert found.at(300).taker_e6 == 3_000


@pytest.mark.parametrize("gross_e8", [10**12, -(10**7)])
def test_no_break_even_where_it_never_turns(gross_e8):
    assert cost_sensitivity(Costly(), backtest_of(gross_e8, 1_000 * E8)).break_even_percent is None
