"""Crossings found in one pass are those of the vectors compared one by one, where lines touch, jump or are unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators.running import run_compiled, run_plain
from engine.market import FloatArray
from engine.strategies import crossed_above, known_twice
from engine.strategies.crossings import crossed, crossings

# Few values, so that lines meet; NaN, as before warm-up and in the holes of a stranger's indicator.
values = st.sampled_from([1.0, 2.0, 3.0, float("nan")])
lines = st.lists(st.tuples(values, values, values), max_size=40).map(
    lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 3).T
)


@settings(max_examples=300, deadline=None)
@given(lines, st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([2.0, 3.0, 4.0]))
def test_one_pass_says_what_vectors_say(given_lines: FloatArray, low: float, high: float) -> None:
    first, second, brake = given_lines
    ready = known_twice(first, second, brake)
    up = ready & crossed_above(first, second) & (brake < high)
    down = ready & crossed_above(second, first) & (brake > low)
    for way in (run_plain, run_compiled):
        found = way(crossed, first, second, brake, numbers=(low, high), fills=3, kind=np.bool_)
        assert [one.tolist() for one in found] == [ready.tolist(), up.tolist(), down.tolist()]
        assert {one.dtype for one in found} == {np.dtype(np.bool_)}


@pytest.mark.parametrize("count", [0, 1])
def test_the_first_candle_crosses_nothing(count: int) -> None:
    line = np.ones(count)
    assert [flags.tolist() for flags in crossings(line, line)] == [[False] * count] * 3


def test_without_a_brake_every_crossing_counts() -> None:
    first, second = np.array([1.0, 3.0, 2.0, 1.0, 2.0]), np.full(5, 2.0)
    ready, up, down = crossings(first, second)
    assert ready.tolist() == [False, True, True, True, True]
    assert np.flatnonzero(up).tolist() == [1]
    assert np.flatnonzero(down).tolist() == [3]
