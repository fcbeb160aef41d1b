import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8
from engine.sizing import WHOLE_CAPITAL_E6, entry_quote_e8


@pytest.mark.parametrize(
    ("capital", "percent_e6", "fixed", "unit", "expected"),
    [
        (1_000 * E8, WHOLE_CAPITAL_E6, 0, 1, 1_000 * E8),
        (1_000 * E8, 250_000, 0, 1, 250 * E8),
        (1_000 * E8, 250_000, 40 * E8, 1, 40 * E8),  # the fixed amount replaces the share
        (30 * E8, WHOLE_CAPITAL_E6, 40 * E8, 1, 30 * E8),  # and is capped at the capital
        (1_234_567_890_123, 333_333, 0, 1, 411_522_218_518),  # 411,522,218,518.37: rounded down
        (1_234_567_890_123, 333_333, 0, 1_000_000, 411_522_000_000),  # a quote asset of two places
        (0, WHOLE_CAPITAL_E6, 40 * E8, 1, 0),
        (-5 * E8, WHOLE_CAPITAL_E6, 0, 1, 0),  # lost more than it had
    ],
)
def test_sizes_by_hand(capital: int, percent_e6: int, fixed: int, unit: int, expected: int) -> None:
    assert entry_quote_e8(capital, percent_e6, fixed, unit) == expected


@given(
    st.integers(-(10**15), 10**15),
    st.integers(1, WHOLE_CAPITAL_E6),
    st.integers(0, 10**15),
    st.sampled_from([1, 100, 1_000_000]),
)
def test_a_size_never_exceeds_capital_or_wish(capital: int, percent: int, fixed: int, unit: int) -> None:
    size = entry_quote_e8(capital, percent, fixed, unit)
    assert 0 <= size <= max(capital, 0)
    assert size % unit == 0
    if fixed:
        assert size <= fixed
    else:
        assert size * WHOLE_CAPITAL_E6 <= max(capital, 0) * percent
