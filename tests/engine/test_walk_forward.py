"""Windows that judge each candle once and never before it was due, and what both sides say together."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market import DAY_MS, MINUTE_MS
from engine.metrics import statistics
from engine.walk_forward import Pair, Sample, TooShort, Window, compared, cut_windows, walk
from tests.engine.folds import E8, NEW_YEAR_MS, Held, Plain, bars_of, folded_of


def test_five_windows_over_eighty_days():
    """80 days = 30 inside + 5 × 10 outside, the last quarter of each window of 40."""
    windows = cut_windows(0, 80 * DAY_MS, count=5)
    assert [tuple(part // DAY_MS for part in window[1:]) for window in windows] == [
        (0, 30, 40), (10, 40, 50), (20, 50, 60), (30, 60, 70), (40, 70, 80),
    ]  # fmt: skip
    assert [window.number for window in windows] == [1, 2, 3, 4, 5]


def test_anchored_windows_grow_from_one_start():
    windows = cut_windows(0, 80 * DAY_MS, count=5, anchored=True)
    assert {window.inside_start_ms for window in windows} == {0}
    assert [window.inside_end_ms // DAY_MS for window in windows] == [30, 40, 50, 60, 70]


@given(
    st.integers(0, 10**6), st.integers(1, 2_000), st.integers(1, 12), st.floats(0.05, 0.9), st.booleans(),
    st.sampled_from([DAY_MS, 15 * MINUTE_MS]),
)  # fmt: skip
def test_windows_follow_one_another(first, length, count, share, anchored, unit):
    start, end = first * unit, (first + length) * unit
    try:
        windows = cut_windows(start, end, count=count, outside_share=share, anchored=anchored, unit_ms=unit)
    except TooShort:
        assert length < count / share + count + 1
        return
    assert len(windows) == count
    assert windows[0].inside_start_ms == start
    assert windows[-1].outside_end_ms == end
    for window in windows:
        assert (
            window.inside_start_ms < window.inside_end_ms == window.outside_start_ms < window.outside_end_ms
        )
        assert (window.outside_end_ms - window.outside_start_ms) % unit == 0
    for before, after in zip(windows, windows[1:], strict=False):
        assert after.outside_start_ms == before.outside_end_ms


@pytest.mark.parametrize(("count", "share"), [(0, 0.25), (3, 0.0), (3, 1.0)])
def test_windows_that_make_no_sense_are_refused(count, share):
    with pytest.raises(ValueError, match="window"):
        cut_windows(0, 100 * DAY_MS, count=count, outside_share=share)


def test_a_period_too_short_is_refused():
    with pytest.raises(TooShort):
        cut_windows(0, 5 * DAY_MS, count=5)


def sample(total_return: float, *, days: float = 10.0, positions: int = 20) -> Sample:
    return Sample(days, positions, total_return, None, None, 0.1)


def pair(inside: float, outside: float) -> Pair[str]:
    return Pair(Window(1, 0, 30, 40), "x", sample(inside, days=30.0), sample(outside))


def test_efficiency_compares_growth_a_day():
    """Inside +33.1 % in 30 days is +10 % in 10 days; outside +10 % in 10 days: as efficient."""
    found = compared([pair(1.1**3 - 1, 0.1), pair(1.1**3 - 1, 0.1)])
    assert found.efficiency == pytest.approx(1.0)
    assert found.outside_return == pytest.approx(0.21)
    assert (found.windows, found.profitable_windows, found.outside_positions) == (2, 2, 40)
    assert (found.parts_ways, found.worst_outside_drawdown) == (False, 0.1)


@pytest.mark.parametrize(
    ("inside", "outside", "parts"),
    [(0.3, -0.1, True), (0.3, 0.02, True), (0.3, 0.08, False), (-0.1, -0.2, False), (0.3, -1.0, True)],
)
def test_the_warning_where_they_part_ways(inside, outside, parts):
    found = compared([pair(inside, outside)] * 3)
    assert found.parts_ways is parts
    assert (found.efficiency is None) == (inside < 0)
    assert found.efficiency is None or math.isfinite(found.efficiency)


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ValueError, match="at least one window"):
        compared([])


def test_a_walk_chooses_inside_and_measures_both_sides():
    asked = []

    def choose(start_ms, end_ms):
        asked.append(("choose", start_ms // DAY_MS, end_ms // DAY_MS))
        return f"best of {start_ms // DAY_MS}"

    def measure(chosen, start_ms, end_ms):
        asked.append((chosen, start_ms // DAY_MS, end_ms // DAY_MS))
        days = (end_ms - start_ms) // DAY_MS
        bars = bars_of([100 * E8] * days, start_ms=NEW_YEAR_MS, bar_ms=DAY_MS)
        folded = folded_of([Held(first=0, bars=1, pnl_e8=days * E8)], bars)
        return replace(statistics(folded, bars, setting=Plain()), start_ms=start_ms, end_ms=end_ms)

    pairs = walk(cut_windows(0, 50 * DAY_MS, count=2), choose=choose, measure=measure)
    assert asked == [
        ("choose", 0, 30), ("best of 0", 0, 30), ("best of 0", 30, 40),
        ("choose", 10, 40), ("best of 10", 10, 40), ("best of 10", 40, 50),
    ]  # fmt: skip
    assert [one.chosen for one in pairs] == ["best of 0", "best of 10"]
    assert pairs[0].inside == Sample(30.0, 1, 0.03, pairs[0].inside.sharpe, None, 0.0)
    assert pairs[1].outside.total_return == pytest.approx(0.01)
