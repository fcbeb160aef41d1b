"""Liquidation, brackets and funding against worked examples, and against the definition told slowly."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8, InexactAmount, e8_from_decimal
from engine.compiled import compiled
from engine.margin import (
    NO_LEVEL,
    UNLIMITED,
    BadBrackets,
    Bracket,
    brackets_of_rows,
    funding_e8,
    ladder_of,
    liquidation_e8,
    most_notional_e8,
    scale_of,
)
from tests.engine.conftest import DATA, recorded_brackets

STEP_E8 = 100_000
ROWS = json.loads((DATA / "um_brackets_2024-10.json").read_text())[0]["brackets"]


@pytest.fixture
def btc() -> tuple[Bracket, ...]:
    return recorded_brackets()["BTCUSDT"]


@pytest.mark.parametrize(
    ("wallet", "quantity", "entry", "mmr_e6", "cum", "expected"),
    [
        # Binance's worked examples, isolated: one wallet of 1,535,443.01.
        ("1535443.01", "3683.979", "1456.84", 100_000, 135_365, "1114.78"),
        ("1535443.01", "109.488", "32481.98", 25_000, 16_300, "18778.73"),
        # The same two held crosswise: the wallet less the maintenance margin and plus the result of the other.
        ("1407887.62856", "3683.979", "1456.84", 100_000, 135_365, "1153.26"),
        ("730737.612", "109.488", "32481.98", 25_000, 16_300, "26316.89"),
    ],
)
def test_the_exchanges_worked_examples(
    wallet: str, quantity: str, entry: str, mmr_e6: int, cum: int, expected: str
) -> None:
    steps = e8_from_decimal(quantity) // STEP_E8
    notional = e8_from_decimal(quantity) * e8_from_decimal(entry) // E8
    bracket = Bracket(0, UNLIMITED, mmr_e6, cum * E8, 125)
    level = liquidation_e8(1, steps, notional, e8_from_decimal(wallet), scale_of(STEP_E8), (bracket,))
    assert f"{level / E8:.2f}" == expected


def test_a_long_and_a_short_of_one_bitcoin(btc: tuple[Bracket, ...]) -> None:
    """1 BTC at 60,000 with leverage 10: a margin of 6,000. At its level the notional lies in the second bracket (0.5 %
    less 50): the long is liquidated at (60,000 − 6,000 − 50) / 0.995, the short at (60,000 + 6,000 + 50) / 1.005."""
    place = (1_000, 60_000 * E8, 6_000 * E8, scale_of(STEP_E8), btc)
    assert liquidation_e8(1, *place) == 5_422_110_552_763  # 54,221.105527638…
    assert liquidation_e8(-1, *place) == 6_572_139_303_483  # 65,721.393034825…, up


def test_the_bracket_is_that_of_the_price_of_liquidation(btc: tuple[Bracket, ...]) -> None:
    """1 BTC at 50,010 with leverage 50 was entered in the second bracket; at 49,209 it lies in the first (0.4 %)."""
    level = liquidation_e8(1, 1_000, 50_010 * E8, 100_020_000_000, scale_of(STEP_E8), btc)
    assert level == (50_010 * E8 - 100_020_000_000) * 1000 // 996


def test_what_cannot_be_liquidated(btc: tuple[Bracket, ...]) -> None:
    """A long at leverage 1 has paid for its coins; with more margin than it is worth nothing can take it."""
    assert liquidation_e8(1, 1_000, 60_000 * E8, 60_000 * E8, scale_of(STEP_E8), btc) == 0
    assert liquidation_e8(1, 1_000, 60_000 * E8, 90_000 * E8, scale_of(STEP_E8), btc) == 0
    assert liquidation_e8(-1, 1_000, 60_000 * E8, 60_000 * E8, scale_of(STEP_E8), btc) < NO_LEVEL


def test_a_wallet_that_funding_has_emptied(btc: tuple[Bracket, ...]) -> None:
    """Only its profit keeps such a position alive."""
    assert liquidation_e8(1, 1_000, 60_000 * E8, -1_000 * E8, scale_of(STEP_E8), btc) > 61_000 * E8
    assert liquidation_e8(-1, 1_000, 60_000 * E8, -1_000 * E8, scale_of(STEP_E8), btc) < 59_000 * E8
    assert liquidation_e8(-1, 1_000, 60_000 * E8, -70_000 * E8, scale_of(STEP_E8), btc) == 1


def test_leverage_limits_the_notional(btc: tuple[Bracket, ...]) -> None:
    millions = {125: 0.05, 100: 0.6, 76: 0.6, 75: 3, 20: 100, 1: 1_800, 126: 0}
    assert {leverage: most_notional_e8(leverage, btc) / E8 / 1e6 for leverage in millions} == millions


@pytest.mark.parametrize(
    ("side", "rate_e8", "paid_e8"),
    [(1, 10_000, 6 * E8), (-1, 10_000, -6 * E8), (1, -10_000, -6 * E8), (-1, -10_000, 6 * E8), (1, 0, 0)],
)
def test_funding(side: int, rate_e8: int, paid_e8: int) -> None:
    """0.01 % of 60,000: a positive rate is paid by longs and received by shorts."""
    assert funding_e8(side, 60_000 * E8, rate_e8) == paid_e8


def test_funding_is_truncated_like_a_commission() -> None:
    """0.00001999 × 0.01 % is 0.000000001999; both ways nothing is left of it."""
    assert (funding_e8(1, 1_999, 10_000), funding_e8(-1, 1_999, 10_000)) == (0, 0)
    assert (funding_e8(1, 19_999, 10_000), funding_e8(-1, 19_999, 10_000)) == (1, -1)


def test_brackets_are_read_from_the_exchanges_rows(btc: tuple[Bracket, ...]) -> None:
    assert btc[1] == Bracket(50_000 * E8, 600_000 * E8, 5_000, 50 * E8, 100)
    assert (len(btc), btc[-1].cap_e8) == (12, 1_800_000_000 * E8)
    assert brackets_of_rows(reversed(ROWS)) == brackets_of_rows(ROWS)
    without_end = [{**ROWS[0], "notionalCap": 9.223372036854776e18}]
    assert brackets_of_rows(without_end)[0].cap_e8 == UNLIMITED


@pytest.mark.parametrize(
    "rows",
    [[], ROWS[1:], [ROWS[0], ROWS[2]], [ROWS[0], {**ROWS[1], "cum": 1}],
     [ROWS[0], {**ROWS[1], "maintMarginRatio": 0.0001}]],
)  # fmt: skip
def test_rows_that_are_no_brackets(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(BadBrackets):
        brackets_of_rows(rows)


def test_a_margin_ratio_is_kept_to_its_last_digit() -> None:
    with pytest.raises(InexactAmount):
        brackets_of_rows([{**ROWS[0], "maintMarginRatio": 0.00400001}])


def is_liquidated(side: int, quantity: Fraction, paid: int, wallet: int, price: int, ladder: Any) -> bool:
    """The definition: margin balance no more than notional × mmr − cum, of the bracket the notional lies in."""
    notional = quantity * price
    inside = [row for row in ladder if notional > row.floor_e8]
    bracket = inside[-1] if inside else ladder[0]
    maintenance = notional * bracket.mmr_e6 / 10**6 - bracket.cum_e8
    return wallet + side * (notional - paid) <= maintenance


def test_a_single_small_step_far_below_the_last_bracket(btc: tuple[Bracket, ...]) -> None:
    """What the higher brackets say of it has no 64 bits."""
    place = (-1, 1, 599_984_147, 599_984_147, scale_of(10_000))
    level = compiled(liquidation_e8)(*place, ladder_of(btc))
    assert level == liquidation_e8(*place, btc) == -(-2 * 599_984_147 * 10**10 // 1_004_000)


places = {
    "side": st.sampled_from([1, -1]),
    "symbol": st.sampled_from(["BTCUSDT", "ETHUSDT", "DOGEUSDT", "1000PEPEUSDT"]),
    "step": st.sampled_from([1_000, 10_000, 100_000, E8, 3 * E8]),
    "price": st.integers(1_000, 10**13),
    "worth": st.integers(6 * E8, 10**17),
    "leverage": st.integers(1, 125),
    "funding": st.integers(-30, 30),
}


@given(**places)  # type: ignore[arg-type]
def test_the_level_is_the_first_price_that_liquidates(
    side: int, symbol: str, step: int, price: int, worth: int, leverage: int, funding: int
) -> None:
    ladder = recorded_brackets()[symbol]
    steps = max(worth * E8 // price // step, 1)
    quantity = Fraction(steps * step, E8)
    paid = int(quantity * price)
    wallet = paid // leverage - paid * funding // 10_000
    level = liquidation_e8(side, steps, paid, wallet, scale_of(step), ladder)
    if level == 0:
        assert not is_liquidated(side, quantity, paid, wallet, 1, ladder)
    else:
        assert is_liquidated(side, quantity, paid, wallet, level, ladder)
        assert not is_liquidated(side, quantity, paid, wallet, level + side, ladder)


@given(**places)  # type: ignore[arg-type]
def test_compiled_it_says_the_same(
    side: int, symbol: str, step: int, price: int, worth: int, leverage: int, funding: int
) -> None:
    ladder = recorded_brackets()[symbol]
    steps = min(max(worth * E8 // price // step, 1), 10**11)
    paid = steps * step * price // E8
    place = (side, steps, paid, paid // leverage - paid * funding // 10_000, scale_of(step))
    assert compiled(liquidation_e8)(*place, ladder_of(ladder)) == liquidation_e8(*place, ladder)
    assert compiled(most_notional_e8)(leverage, ladder_of(ladder)) == most_notional_e8(leverage, ladder)
    assert compiled(funding_e8)(side, paid, funding * 1_000) == funding_e8(side, paid, funding * 1_000)
