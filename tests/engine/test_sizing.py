import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8
from engine.sizing import WHOLE_CAPITAL_E6, entry_margin_e8, entry_quote_e8


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


@pytest.mark.parametrize(
    ("capital", "percent_e6", "fixed", "leverage", "expected"),
    [
        # 1,000 / (1 + 10 × 0.15 %) = 985.221674876…
        (1_000 * E8, WHOLE_CAPITAL_E6, 0, 10, 98_522_167_487),
        (1_000 * E8, 500_000, 0, 10, 49_261_083_743),
        (1_000 * E8, WHOLE_CAPITAL_E6, 100 * E8, 1, 9_985_022_466),
        (50 * E8, WHOLE_CAPITAL_E6, 100 * E8, 1, 4_992_511_233),
        (-1, WHOLE_CAPITAL_E6, 0, 10, 0),
    ],
)
def test_margins_by_hand(capital: int, percent_e6: int, fixed: int, leverage: int, expected: int) -> None:
    assert entry_margin_e8(capital, percent_e6, fixed, leverage, 500) == expected


@given(st.integers(0, 10**15), st.integers(1, 125), st.integers(0, 1_000))
def test_a_margin_leaves_its_fee_and_a_tenth_of_a_percent(capital: int, leverage: int, taker: int) -> None:
    margin = entry_margin_e8(capital, WHOLE_CAPITAL_E6, 0, leverage, taker)
    held = margin * leverage
    assert (
        margin + held * (taker + 1_000) // 1_000_000
        <= capital
        < margin + 1 + (held + leverage) * (taker + 1_000) // 1_000_000 + 2
    )
