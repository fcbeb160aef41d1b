"""Inside a minute the path touches open, low, high and close, in that order's rule, and never leaves low..high."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.sandbox.path import price_inside, range_until, turning_points


@st.composite
def minutes(draw):
    low = draw(st.integers(1, 10**7))
    high = low + draw(st.integers(0, 200_000))
    return draw(st.integers(low, high)), high, low, draw(st.integers(low, high))


@given(minutes())
def test_it_touches_all_four_prices_in_order_and_nothing_outside(minute):
    open_, high, low, close = minute
    walked = [price_inside(minute, offset) for offset in range(0, 60_000, 500)]
    assert walked[0] == open_
    assert walked[-1] == close
    assert max(walked) == high
    assert min(walked) == low


@given(minutes(), st.integers(0, 59_999))
def test_what_it_has_touched_so_far_is_the_range_of_the_walk(minute, offset):
    knots = [at for at in (0, 5_000, 23_000, 41_000, 59_000) if at <= offset]
    walked = [price_inside(minute, at) for at in [*knots, *range(0, offset + 1, 997), offset]]
    assert range_until(minute, offset) == (max(walked), min(walked))


@given(minutes(), st.integers(0, 5_000))
def test_the_opening_holds_for_five_seconds(minute, offset):
    assert price_inside(minute, offset) == minute[0]


@given(minutes(), st.integers(0, 59_998))
def test_between_two_turns_it_moves_one_way(minute, offset):
    points = turning_points(*minute)
    leg = 0 if offset < 5_000 else min(2, (offset - 5_000) // 18_000)
    step = price_inside(minute, offset + 1) - price_inside(minute, offset)
    direction = points[leg + 1] - points[leg]
    assert step * direction >= 0


def test_the_nearer_extreme_comes_first_and_a_tie_goes_low():
    assert turning_points(100, 110, 80, 90) == (100, 110, 80, 90)
    assert turning_points(100, 120, 95, 90) == (100, 95, 120, 90)
    assert turning_points(100, 110, 90, 105) == (100, 90, 110, 105)


def test_legs_are_straight():
    minute = (1_000, 1_018, 982, 1_000)
    assert [price_inside(minute, at) for at in (5_000, 14_000, 23_000, 32_000, 41_000, 50_000, 59_000)] == [
        1_000, 991, 982, 1_000, 1_018, 1_009, 1_000,
    ]  # fmt: skip
