"""Statistics worked out by hand: a run of four days, empty runs, drawdowns, and what a chart keeps."""

import math
import statistics as plain_statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.market import DAY_MS, candles_of
from engine.metrics import (
    curve_of,
    daily_rows,
    drawdown_curve,
    excursions,
    hold_curve,
    monthly_rows,
    plain,
    statistics,
    thinned,
    worst_drawdown,
)
from engine.metrics.curve import BLOCK
from engine.metrics.outcomes import exact_sum, mean_e8, outcomes_of
from engine.results import STOP_LOSS, TAKE_PROFIT
from tests.engine.folds import BAR_MS, E8, NEW_YEAR_MS, Held, Plain, bars_of, folded_of, ints, positions_of
from tests.engine.naive_metrics import drawdown, points

HALF_DAY_MS = DAY_MS // 2


def four_days():
    """1,000 → 1,050 → 945 → 945 → 1,000 by the midnights of 1 to 4 January, in bars of half a day."""
    closes = [100, 102, 98, 101, 99, 95, 100, 110]
    equity = [1_000, 1_050, 1_050, 945, 945, 945, 945, 1_000]
    bars = bars_of([close * E8 for close in closes], bar_ms=HALF_DAY_MS)
    held = [
        Held(first=0, bars=2, pnl_e8=50 * E8, reason=TAKE_PROFIT, lowest=99, highest=106, fees_e8=E8),
        Held(first=2, bars=1, pnl_e8=-105 * E8, reason=STOP_LOSS, lowest=89, highest=101, fees_e8=E8),
        Held(first=6, bars=2, pnl_e8=55 * E8, lowest=100, highest=112, fees_e8=2 * E8, cost_e8=1_000 * E8),
    ]
    return folded_of(held, bars, equity_e8=[value * E8 for value in equity]), bars


def test_four_days_by_hand():
    folded, bars = four_days()
    found = statistics(folded, bars, setting=Plain())
    assert (found.start_ms, found.end_ms, found.bars) == (NEW_YEAR_MS, NEW_YEAR_MS + 4 * DAY_MS, 8)
    assert (found.initial_balance_e8, found.final_balance_e8) == (1_000 * E8, 1_000 * E8)
    assert (found.total_pnl_e8, found.total_return, found.cagr) == (0, 0.0, 0.0)
    assert (found.max_drawdown_e8, found.max_drawdown) == (105 * E8, 0.1)
    # From the last instant at the peak, and never regained.
    assert found.max_drawdown_from_ms == NEW_YEAR_MS + 3 * HALF_DAY_MS
    assert found.max_drawdown_to_ms == NEW_YEAR_MS + 4 * HALF_DAY_MS
    assert found.max_drawdown_ms == 5 * HALF_DAY_MS
    daily = [0.05, -0.1, 0.0, 55 / 945]
    mean = sum(daily) / 4
    assert found.sharpe == pytest.approx(mean / plain_statistics.stdev(daily) * math.sqrt(365), rel=1e-12)
    assert found.sortino == pytest.approx(mean / math.sqrt(0.01 / 4) * math.sqrt(365), rel=1e-12)
    assert found.calmar == 0.0
    assert (found.best_day, found.worst_day) == (55 / 945, -0.1)
    assert (found.months, found.losing_months, found.best_month) == (1, 0, 0.0)


def test_positions_by_hand():
    folded, bars = four_days()
    found = statistics(folded, bars, setting=Plain())
    assert (found.positions, found.trades, found.wins, found.losses) == (3, 6, 2, 1)
    assert (found.win_rate, found.profit_factor, found.payoff_ratio) == (2 / 3, 1.0, 0.5)
    assert (found.gross_profit_e8, found.gross_loss_e8, found.expectancy_e8) == (105 * E8, -105 * E8, 0)
    assert (found.average_win_e8, found.average_loss_e8) == (5_250_000_000, -105 * E8)
    assert (found.largest_win_e8, found.largest_loss_e8) == (55 * E8, -105 * E8)
    assert (found.longest_winning_streak, found.longest_losing_streak) == (1, 1)
    assert found.average_return == pytest.approx((0.1 - 0.21 + 0.055) / 3, rel=1e-12)
    assert (found.exposure, found.trades_a_day) == (5 / 8, 0.75)
    assert found.average_duration_ms == 5 * HALF_DAY_MS // 3
    assert (found.fees_e8, found.funding_e8) == (4 * E8, 0)
    assert found.average_mae == pytest.approx((0.01 + 0.11 + 0.0) / 3)
    assert found.average_mfe == pytest.approx((0.06 + 0.01 + 0.12) / 3)
    assert {reason: count for reason, count in found.exits.items() if count} == {
        "take_profit": 1,
        "stop_loss": 1,
        "exit_signal": 1,
    }
    assert found.exit_results_e8["stop_loss"] == -105 * E8


def test_holding_stands_beside_it():
    folded, bars = four_days()
    found = statistics(folded, bars, setting=Plain(taker_e6=1_000))
    assert found.market_change == pytest.approx(0.1)
    assert found.buy_and_hold_return == pytest.approx(1.1 * 0.999**2 - 1, rel=1e-12)
    assert found.buy_and_hold_pnl_e8 == 9_780_110_000  # 1,000 × (1.1 × 0.998001 - 1)
    assert found.market_drawdown == pytest.approx(7 / 102)
    held = hold_curve(bars, Plain())
    assert (held[0], held[-1]) == (pytest.approx(1_000), pytest.approx(1_100))


def test_rows_by_day_and_month():
    folded, bars = four_days()
    days = daily_rows(folded, bars, setting=Plain())
    assert [row.start_ms for row in days] == [NEW_YEAR_MS + day * DAY_MS for day in range(4)]
    assert [row.pnl_e8 // E8 for row in days] == [50, -105, 0, 55]
    assert [row.equity_e8 // E8 for row in days] == [1_050, 945, 945, 1_000]
    assert [row.ratio for row in days] == [0.05, -0.1, 0.0, 55 / 945]
    # What closes at midnight closes on the new day; the last instant belongs to the last one.
    assert [(row.positions, row.wins) for row in days] == [(0, 0), (2, 1), (0, 0), (1, 1)]
    assert [row.realized_pnl_e8 // E8 for row in days] == [0, -55, 0, 55]
    assert [row.fees_e8 // E8 for row in days] == [0, 2, 0, 2]
    (month,) = monthly_rows(folded, bars, setting=Plain())
    assert (month.start_ms, month.positions, month.pnl_e8, month.fees_e8) == (NEW_YEAR_MS, 3, 0, 4 * E8)


def test_months_begin_with_their_first_day_and_keep_their_own_results():
    closes = [100 * E8] * 40
    bars = bars_of(closes, start_ms=NEW_YEAR_MS + 20 * DAY_MS, bar_ms=DAY_MS)
    folded = folded_of([Held(first=5, bars=2, pnl_e8=E8), Held(first=20, bars=3, pnl_e8=-2 * E8)], bars)
    months = monthly_rows(folded, bars, setting=Plain())
    assert [row.start_ms for row in months] == [NEW_YEAR_MS, NEW_YEAR_MS + 31 * DAY_MS]
    assert [row.pnl_e8 for row in months] == [E8, -2 * E8]
    assert months[1].ratio == pytest.approx(-2 / 1_001)


def test_a_run_without_positions_says_nothing_it_does_not_know():
    bars = bars_of([100 * E8] * 200)
    found = statistics(folded_of([], bars), bars, setting=Plain())
    assert (found.positions, found.total_pnl_e8, found.total_return, found.exposure) == (0, 0, 0.0, 0.0)
    assert (found.max_drawdown_e8, found.max_drawdown, found.max_drawdown_ms) == (0, 0.0, 0)
    undefined = (
        found.win_rate, found.profit_factor, found.payoff_ratio, found.expectancy_e8, found.average_win_e8,
        found.average_return, found.average_duration_ms, found.average_mae, found.sharpe, found.sortino, found.calmar,
    )  # fmt: skip
    assert undefined == (None,) * 11


def test_a_run_without_bars_is_answered_too():
    bars = candles_of([(NEW_YEAR_MS, E8, E8, E8, E8, E8)])
    folded = folded_of([], bars, first_bar=0)
    none = type(folded)(**{**vars(folded), "equity_ms": ints([]), "equity_e8": ints([]), "last_bar": -1})
    found = statistics(none, bars, setting=Plain())
    assert (found.bars, found.start_ms, found.end_ms) == (0, NEW_YEAR_MS, NEW_YEAR_MS)
    assert (found.cagr, found.sharpe, found.exposure, found.buy_and_hold_return) == (None, None, None, None)
    assert daily_rows(none, bars, setting=Plain()) == monthly_rows(none, bars, setting=Plain()) == []
    assert plain(found)["final_balance"] == "1000"


def test_only_wins_have_no_profit_factor_and_a_steady_gain_no_sharpe():
    bars = bars_of([100 * E8] * 3, bar_ms=DAY_MS)
    held = [Held(first=day, bars=1, pnl_e8=1_000 * E8 * 2**day) for day in range(3)]
    found = statistics(folded_of(held, bars), bars, setting=Plain())
    assert found.total_return == 7.0
    assert (found.profit_factor, found.payoff_ratio) == (None, None)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert found.volatility == pytest.approx(0.0, abs=1e-12)


def test_growth_beyond_any_number_is_undefined_and_ruin_is_minus_one():
    bars = bars_of([100 * E8] * 2, bar_ms=DAY_MS)
    rich = statistics(folded_of([Held(first=0, bars=1, pnl_e8=10**9 * E8)], bars), bars, setting=Plain())
    assert rich.cagr is None
    assert rich.calmar is None
    ruined = statistics(folded_of([Held(first=0, bars=1, pnl_e8=-1_000 * E8)], bars), bars, setting=Plain())
    assert (ruined.cagr, ruined.max_drawdown, ruined.calmar) == (-1.0, 1.0, -1.0)
    assert (ruined.sharpe, ruined.best_day) == (None, None)


@pytest.mark.parametrize(
    ("equity", "amount", "ratio", "bars_long", "peak_to_bottom"),
    [
        ([1_010, 1_020, 1_030], 0, 0.0, 0, (0, 0)),
        ([900, 1_000, 900, 950], 100, 0.1, 2, (0, 1)),  # falls from the start; the second fall is no deeper
        ([2_000, 1_850, 2_000, 1_900, 2_100], 150, 0.075, 2, (1, 2)),
        ([900, 1_100, 2_000, 1_850], 150, 0.1, 2, (0, 1)),  # largest amount and largest share are two falls
        (
            [1_100, 1_100, 1_100, 1_099, 1_098, 1_097],
            3,
            3 / 1_100,
            3,
            (3, 6),
        ),  # flat at the peak is no drawdown
    ],
)
def test_drawdowns_by_hand(equity, amount, ratio, bars_long, peak_to_bottom):
    bars = bars_of([100 * E8] * len(equity), bar_ms=DAY_MS)
    held = [Held(first=0, bars=len(equity), pnl_e8=(equity[-1] - 1_000) * E8)]
    folded = folded_of(held, bars, equity_e8=[value * E8 for value in equity])
    found = worst_drawdown(curve_of(folded, bars, Plain()))
    assert (found.amount_e8, found.ratio) == (amount * E8, pytest.approx(ratio))
    assert found.duration_ms == bars_long * DAY_MS
    assert [(ms - NEW_YEAR_MS) // DAY_MS for ms in (found.from_ms, found.to_ms)] == list(peak_to_bottom)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5 * BLOCK), st.sampled_from([-3, 0, 3]))
def test_a_long_curve_falls_as_candle_by_candle(seed, count, drift):
    """Long enough for blocks in the middle of a fall; one unit is a thousandth, so that bottoms are reached twice."""
    steps = np.random.default_rng(seed).integers(-10, 11, count) + drift
    equity = np.maximum(1_000 + steps.cumsum(), 1).tolist()
    bars = bars_of([100 * E8] * count)
    held = [Held(first=0, bars=count, pnl_e8=(equity[-1] - 1_000) * E8)]
    folded = folded_of(held, bars, equity_e8=[value * E8 for value in equity])
    found = worst_drawdown(curve_of(folded, bars, Plain()))
    amount, ratio, longest_ms = drawdown(points(folded, bars, Plain()))
    assert (found.amount_e8, found.ratio, found.duration_ms) == (
        amount,
        pytest.approx(float(ratio)),
        longest_ms,
    )
    known = [1_000, *equity]
    peak, bottom = ((ms - NEW_YEAR_MS) // BAR_MS for ms in (found.from_ms, found.to_ms))
    assert known[peak] - known[bottom] == pytest.approx(found.ratio * known[peak])
    assert known[peak] == max(known[: bottom + 1])
    assert known.index(known[bottom], peak) == bottom


def test_drawdown_curve_is_zero_at_peaks():
    curve = drawdown_curve(ints([100, 90, 100, 120, 60]))
    assert curve.tolist() == pytest.approx([0.0, -0.1, 0.0, 0.0, -0.5])
    assert (curve[0], curve[2], curve[3]) == (0.0, 0.0, 0.0)
    assert drawdown_curve(ints([])).tolist() == []


def test_excursions_of_a_short_are_mirrored():
    held = Held(first=0, bars=1, pnl_e8=0, entry=100, lowest=90, highest=105, side=-1)
    found = excursions(positions_of([held]))
    assert (found.adverse.tolist(), found.favourable.tolist()) == ([0.05], [0.1])


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=50), st.integers(1, 1_000))
def test_sums_and_means_are_exact_beyond_64_bits(values, count):
    assert exact_sum(ints(values)) == sum(values)
    total = sum(values)
    assert abs(mean_e8(total, count) * count - total) * 2 <= count
    assert mean_e8(total, 0) is None
    found = outcomes_of(ints(values))
    assert found.gross_profit_e8 == sum(value for value in values if value > 0)
    assert found.gross_loss_e8 == sum(value for value in values if value < 0)


@given(st.integers(0, 2_000), st.integers(0, 300), st.integers(0, 2**32))
def test_a_thinned_curve_keeps_every_extreme(count, points, seed):
    values = np.random.default_rng(seed).normal(size=count).cumsum()
    kept = thinned(values, points)
    assert len(kept) <= max(points, 4)
    assert bool((np.diff(kept) > 0).all())
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)
        drawn = values[kept]
        assert (drawn.min(), drawn.max()) == (values.min(), values.max())


def test_a_thinned_curve_keeps_a_spike_of_one_bar_in_every_part():
    values = np.zeros(10_000)
    values[[1_234, 5_678, 9_001]] = [50.0, -70.0, 30.0]
    assert {1_234, 5_678, 9_001} <= set(thinned(values, 400).tolist())
