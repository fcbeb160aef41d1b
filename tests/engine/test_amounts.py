from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import (
    InexactAmount,
    commission_e8,
    decimal_from_e8,
    e6_from_percent,
    e8_from_decimal,
    mul_div_up,
    percent_from_e6,
    plain_e8,
    share_e6,
)
from engine.compiled import compiled

amounts = st.integers(-(10**26), 10**26)


@given(amounts)
def test_e8_survives_the_way_to_decimal_and_back(value: int) -> None:
    assert e8_from_decimal(decimal_from_e8(value)) == value
    assert e8_from_decimal(str(decimal_from_e8(value))) == value
    assert e8_from_decimal(plain_e8(value)) == value


@given(amounts)
def test_no_decimal_context_rounds_an_amount(value: int) -> None:
    with localcontext() as context:
        context.prec = 3
        assert e8_from_decimal(decimal_from_e8(value)) == value


@given(st.integers(-(10**12), 10**12))
def test_percentages_survive_both_ways(value: int) -> None:
    assert e6_from_percent(percent_from_e6(value)) == value


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("1.5", 150_000_000),
        (Decimal("5.000000000000000000"), 500_000_000),  # as the database gives it back
        ("0.00000001", 1),
        ("-0.1", -10_000_000),
        ("1E+2", 10_000_000_000),
        (7, 700_000_000),
        ("0E-30", 0),
    ],
)
def test_decimals_become_integers(given_value: Decimal | str | int, expected: int) -> None:
    assert e8_from_decimal(given_value) == expected


@pytest.mark.parametrize(
    "value", ["0.000000001", "1.123456789", "1e-999999", "NaN", "Infinity", "1e99", "x", ""]
)
def test_what_is_not_exactly_representable_is_refused(value: str) -> None:
    with pytest.raises(InexactAmount):
        e8_from_decimal(value)


def test_one_percent_is_ten_thousand() -> None:
    assert e6_from_percent("1") == 10_000
    assert e6_from_percent("0.0001") == 1
    with pytest.raises(InexactAmount):
        e6_from_percent("0.00001")


@pytest.mark.parametrize(
    ("value", "text"), [(150_000_000, "1.5"), (1, "0.00000001"), (-20_000_000_000, "-200"), (0, "0")]
)
def test_sentences_show_plain_numbers(value: int, text: str) -> None:
    assert plain_e8(value) == text


@given(st.integers(0, 2**63 - 1), st.integers(0, 1_000_000))
def test_a_share_is_the_exact_floor_without_leaving_64_bits(amount: int, share: int) -> None:
    assert share_e6(amount, share) == amount * share // 1_000_000
    assert amount // 1_000_000 * share < 2**63


def test_commission_is_truncated() -> None:
    assert commission_e8(1_999, 1_000) == 1  # 0.1 % of 0.00001999
    assert commission_e8(12_345_678_901, 750) == 9_259_259


@given(st.integers(0, 2**40), st.integers(0, 2**22), st.integers(1, 2**40))
def test_a_quotient_rounded_up(first: int, second: int, divisor: int) -> None:
    assert mul_div_up(first, second, divisor) == -(-first * second // divisor)
    assert compiled(mul_div_up)(first, second, divisor) == -(-first * second // divisor)
