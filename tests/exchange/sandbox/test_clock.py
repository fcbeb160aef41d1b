"""Market time is real, stepped or a multiple; continuous when switched; never going back."""

import pytest

from exchange.sandbox.clock import ClockError


def test_real_runs_with_the_wall(real_clock):
    assert real_clock.market_ms(1_000_500) == 1_000_500


def test_fast_is_a_multiple_from_where_it_was_switched(real_clock):
    fast = real_clock.switched("fast", 1_002_000, speed=60.0, market_ms=1_002_000)
    assert [fast.market_ms(at) for at in (1_002_000, 1_002_001, 1_003_000)] == [
        1_002_000,
        1_002_060,
        1_062_000,
    ]


def test_into_step_it_walks_on_to_the_next_opening_and_stands(real_clock):
    stepped = real_clock.switched("step", 1_002_000, market_ms=1_002_000)
    assert [stepped.market_ms(at) for at in (1_002_000, 9_000_000)] == [1_020_000, 1_020_000]
    on_time = real_clock.switched("step", 1_002_000, market_ms=1_020_000)
    assert on_time.market_ms(1_002_000) == 1_020_000


def test_a_step_releases_whole_minutes(real_clock):
    stepped = real_clock.switched("step", 1_002_000, market_ms=1_002_000)
    assert stepped.advanced(3).market_ms(0) == 1_020_000 + 3 * 60_000


def test_back_to_real_it_goes_on_from_where_it_stood(real_clock):
    stepped = real_clock.switched("step", 1_002_000, market_ms=1_002_000).advanced(10)
    again = stepped.switched("real", 5_000_000, market_ms=stepped.market_ms(5_000_000))
    assert [again.market_ms(at) for at in (5_000_000, 5_000_250)] == [1_620_000, 1_620_250]


def test_a_wall_set_back_stops_the_market(real_clock):
    assert real_clock.market_ms(10) == 1_000_000


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (lambda clock: clock.switched("soon", 0, market_ms=0), "mode must be one of real, step, fast"),
        (
            lambda clock: clock.switched("fast", 0, speed=0, market_ms=0),
            "speed must be above 0 and at most 100000",
        ),
        (lambda clock: clock.advanced(1), "advance_candles needs mode step"),
        (
            lambda clock: clock.switched("step", 0, market_ms=0).advanced(0),
            "advance_candles must be a whole number of at least 1",
        ),
    ],
)
def test_impossible_wishes_are_refused_in_words(real_clock, wish, message):
    with pytest.raises(ClockError) as refusal:
        wish(real_clock)
    assert str(refusal.value) == message
