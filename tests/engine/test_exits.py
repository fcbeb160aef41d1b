"""Hand-worked exit prices. BTCUSDT: tick 0.01, so 1,000,000 e8 a tick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exits import (
    Protection,
    is_tighter,
    protective_ticks,
    stop_limit_ticks,
    stop_ticks,
    target_ticks,
    trailed_stop_ticks,
    worst_sale_e6,
)

TICK_E8 = 1_000_000
ENTRY_E8 = 6_000_000_000_000  # 60,000.00


@pytest.mark.parametrize(
    ("stop", "target", "trail", "expected"),
    [
        (None, None, None, Protection(0, 0, 0)),
        (0, 0, 0, Protection(0, 0, 0)),
        (10_000, None, None, Protection(5_940_000, 0, 0)),
        (None, 20_000, None, Protection(0, 6_120_000, 0)),
        (10_000, 20_000, None, Protection(5_940_000, 6_120_000, 0)),
        (None, None, 5_000, Protection(5_970_000, 0, 1)),
        # The tighter of the two; equal ones are the stop loss.
        (10_000, None, 5_000, Protection(5_970_000, 0, 1)),
        (5_000, None, 10_000, Protection(5_970_000, 0, 0)),
        (5_000, None, 5_000, Protection(5_970_000, 0, 0)),
    ],
)
def test_what_protects_an_entry(
    stop: int | None, target: int | None, trail: int | None, expected: Protection
) -> None:
    assert (
        protective_ticks(
            ENTRY_E8,
            stop_percent_e6=stop,
            target_percent_e6=target,
            trailing_percent_e6=trail,
            tick_e8=TICK_E8,
        )
        == expected
    )


def test_prices_are_rounded_toward_the_entry() -> None:
    """An average of 60,000.00333333: 1 % below lies at 59,400.0033, 1 % above at 60,600.00337."""
    made = protective_ticks(
        6_000_000_333_333,
        stop_percent_e6=10_000,
        target_percent_e6=10_000,
        trailing_percent_e6=None,
        tick_e8=TICK_E8,
    )
    assert made == Protection(5_940_001, 6_060_000, 0)


@given(
    entry=st.integers(1, 10**15), percent=st.integers(1, 900_000), tick=st.sampled_from([1, 100, 10**6, 10**8])
)  # fmt: skip
def test_the_split_products_are_the_exact_ones(*, entry: int, percent: int, tick: int) -> None:
    made = protective_ticks(
        entry, stop_percent_e6=percent, target_percent_e6=percent, trailing_percent_e6=percent, tick_e8=tick
    )
    assert made.stop_ticks == -(-entry * (1_000_000 - percent) // (1_000_000 * tick))
    assert made.target_ticks == entry * (1_000_000 + percent) // (1_000_000 * tick)
    assert trailed_stop_ticks(1, entry, percent) == -(-entry * (1_000_000 - percent) // 1_000_000)
    assert trailed_stop_ticks(-1, entry, percent) == entry * (1_000_000 + percent) // 1_000_000
    assert (stop_ticks(1, entry, percent, tick), stop_ticks(-1, entry, percent, tick)) == made[:2]
    assert (target_ticks(-1, entry, percent, tick), target_ticks(1, entry, percent, tick)) == made[:2]


@pytest.mark.parametrize(
    ("best", "trail", "of_long", "of_short"),
    [
        (6_000_000, 3_000, 5_982_000, 6_018_000),
        (6_000_001, 3_000, 5_982_001, 6_018_001),
        (0, 3_000, 0, 0),
        (6_000_000, 0, 0, 0),
    ],
)
def test_where_the_trail_puts_the_stop(best: int, trail: int, of_long: int, of_short: int) -> None:
    assert (trailed_stop_ticks(1, best, trail), trailed_stop_ticks(-1, best, trail)) == (of_long, of_short)


def test_what_a_tighter_stop_is() -> None:
    """Nearer to the price; none is never tighter, and any is tighter than none."""
    assert (is_tighter(1, 101, 100), is_tighter(1, 100, 100), is_tighter(1, 99, 100)) == (True, False, False)
    assert (is_tighter(-1, 99, 100), is_tighter(-1, 100, 100), is_tighter(-1, 101, 100)) == (
        True,
        False,
        False,
    )
    for side in (1, -1):
        assert (is_tighter(side, 100, 0), is_tighter(side, 0, 100), is_tighter(side, 0, 0)) == (
            True,
            False,
            False,
        )


@pytest.mark.parametrize(
    ("stop", "offset", "expected"), [(5_940_000, 20_000, 5_821_200), (5_940_001, 20_000, 5_821_200), (1, 20_000, 1)]
)  # fmt: skip
def test_the_limit_of_a_stop_lies_beyond_its_trigger(stop: int, offset: int, expected: int) -> None:
    assert stop_limit_ticks(stop, offset) == expected


@pytest.mark.parametrize(
    ("stop", "trail", "offset", "share"),
    [
        (None, None, 20_000, 0),
        (0, 0, 20_000, 0),
        (100_000, None, 20_000, 882_000),
        (100_000, 50_000, 20_000, 931_000),
        (None, 50_000, 0, 950_000),
    ],
)
def test_where_the_first_stop_may_sell(stop: int | None, trail: int | None, offset: int, share: int) -> None:
    assert worst_sale_e6(stop, trail, offset) == share
