"""Property: to the last digit, results = change of money + change of dust at cost."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8, commission_e8
from engine.orders import Side
from engine.positions import Dust, Fill, Position, PositionError, after_fill

FEE_E6 = 1_000  # 0.1 %
STEP_E8 = 1_000


def buy(quantity_e8: int, price_e8: int, *, asset: str = "BTC", commission_e8: int | None = None) -> Fill:
    fee = quantity_e8 * FEE_E6 // 10**6 if commission_e8 is None else commission_e8
    return Fill(
        side=Side.BUY,
        quantity_e8=quantity_e8,
        quote_e8=quantity_e8 * price_e8 // E8,
        commission_e8=fee,
        commission_asset=asset,
    )


def sell(quantity_e8: int, price_e8: int) -> Fill:
    quote = quantity_e8 * price_e8 // E8
    return Fill(
        side=Side.SELL,
        quantity_e8=quantity_e8,
        quote_e8=quote,
        commission_e8=commission_e8(quote, FEE_E6),
        commission_asset="USDT",
    )


def test_a_round_trip_by_hand() -> None:
    """Buy 0.01234 at 60,000, fee in BTC; sell what the step allows at 61,000; the rest is dust.

    Bought 0.01234 for 740.4 USDT, fee 0.00001234 BTC, held 0.01232766. Sold 0.01232 for 751.52, fee
    0.75152. Cost of what was sold: 740.4 x 0.01232 / 0.01232766 = 739.93993993..., rounded down.
    """
    held = after_fill(Position.opened("BTC", "USDT"), buy(1_234_000, 60_000 * E8))
    assert (held.quantity_e8, held.cost_e8) == (1_232_766, 74_040_000_000)
    assert held.entry_price_e8 == 60_000 * E8
    assert held.fees_e8 == 74_040_000  # 0.00001234 BTC at 60,000
    assert held.sellable_steps(STEP_E8) == 1_232

    flat = after_fill(held, sell(1_232_000, 61_000 * E8))
    cost_of_sold = 74_040_000_000 * 1_232_000 // 1_232_766
    assert flat.realized_pnl_e8 == 75_152_000_000 - 75_152_000 - cost_of_sold == 1_082_854_007
    assert flat.is_flat(STEP_E8)
    assert flat.dust() == Dust(quantity_e8=766, cost_e8=74_040_000_000 - cost_of_sold)
    assert flat.exit_price_e8 == 61_000 * E8
    assert flat.fees_e8 == 74_040_000 + 75_152_000


def test_dust_leaves_with_the_next_exit() -> None:
    dust = Dust(quantity_e8=766, cost_e8=46_005_811)
    held = after_fill(
        Position.opened("BTC", "USDT", dust), buy(1_000_000, 60_000 * E8, asset="USDT", commission_e8=0)
    )
    assert (held.quantity_e8, held.cost_e8) == (1_000_766, 60_046_005_811)
    assert held.entry_price_e8 == 60_000 * E8  # of this round trip's fills alone
    more = after_fill(held, buy(234, 60_000 * E8, asset="USDT", commission_e8=0))
    assert more.sellable_steps(STEP_E8) == 1_001
    flat = after_fill(more, sell(1_001_000, 60_000 * E8))
    assert flat.dust() == Dust()


def test_fees_in_quote_and_in_a_third_asset_are_money() -> None:
    opened = Position.opened("BTC", "USDT")
    in_quote = after_fill(opened, buy(E8, 100 * E8, asset="USDT", commission_e8=10_000_000))
    assert (in_quote.quantity_e8, in_quote.cost_e8, in_quote.fees_e8) == (E8, 10_010_000_000, 10_000_000)
    in_bnb = Fill(
        side=Side.SELL,
        quantity_e8=E8,
        quote_e8=110 * E8,
        commission_e8=12_345,
        commission_asset="BNB",
        commission_value_e8=8_000_000,
    )
    sold = after_fill(in_quote, in_bnb)
    assert sold.realized_pnl_e8 == 110 * E8 - 8_000_000 - 10_010_000_000
    assert sold.fees_e8 == 18_000_000


def test_a_third_assets_value_is_never_guessed() -> None:
    with pytest.raises(PositionError, match="commission in BNB needs its value in USDT"):
        after_fill(Position.opened("BTC", "USDT"), buy(E8, 100 * E8, asset="BNB"))


def test_a_fee_in_base_on_a_sale_takes_coins() -> None:
    held = after_fill(Position.opened("BTC", "USDT"), buy(100, 100 * E8, asset="USDT", commission_e8=0))
    fill = Fill(side=Side.SELL, quantity_e8=90, quote_e8=9_900, commission_e8=10, commission_asset="BTC")
    sold = after_fill(held, fill)
    assert (sold.quantity_e8, sold.cost_e8, sold.realized_pnl_e8) == (0, 0, 9_900 - 10_000)
    assert sold.fees_e8 == 1_100


@pytest.mark.parametrize(
    "fill",
    [
        sell(101, 100 * E8),
        Fill(side=Side.BUY, quantity_e8=0, quote_e8=1, commission_e8=0, commission_asset="BTC"),
        Fill(side=Side.BUY, quantity_e8=1, quote_e8=1, commission_e8=2, commission_asset="BTC"),
        Fill(side=Side.BUY, quantity_e8=1, quote_e8=1, commission_e8=-1, commission_asset="USDT"),
    ],
)
def test_impossible_fills_are_refused(fill: Fill) -> None:
    held = after_fill(Position.opened("BTC", "USDT"), buy(100, 100 * E8, asset="USDT", commission_e8=0))
    with pytest.raises(PositionError):
        after_fill(held, fill)


@dataclass
class Books:
    """Money and coins kept separately, fill by fill, as an exchange would."""

    money_e8: int = 0
    coins_e8: int = 0

    def book(self, fill: Fill) -> None:
        sign = 1 if fill.side is Side.BUY else -1
        self.money_e8 -= sign * fill.quote_e8
        self.coins_e8 += sign * fill.quantity_e8
        if fill.commission_asset == "BTC":
            self.coins_e8 -= fill.commission_e8
        else:
            value = fill.commission_value_e8
            self.money_e8 -= fill.commission_e8 if value is None else value


amounts = st.integers(1_000_000, 10**9)
prices = st.integers(10**8, 10**13)


@st.composite
def fills_of(draw: st.DrawFn, side: Side, most: int) -> Fill:
    quantity = draw(st.integers(1, most))
    asset = draw(st.sampled_from(["BTC", "USDT", "BNB"] if side is Side.BUY else ["USDT", "BNB"]))
    quote = quantity * draw(prices) // E8
    return Fill(
        side=side,
        quantity_e8=quantity,
        quote_e8=quote,
        commission_e8=draw(st.integers(1 if asset == "BNB" else 0, max(1, min(quantity, quote) // 100))),
        commission_asset=asset,
        commission_value_e8=draw(st.integers(0, quote // 100 + 1)) if asset == "BNB" else None,
    )


@given(st.data(), st.integers(1, 6), st.sampled_from([1, 1_000, 100_000]))
def test_the_books_balance_to_the_last_digit(data: st.DataObject, trips: int, step_e8: int) -> None:
    books, dust, results = Books(), Dust(), 0
    for _ in range(trips):
        position = Position.opened("BTC", "USDT", dust)
        for _ in range(data.draw(st.integers(1, 3))):
            fill = data.draw(fills_of(Side.BUY, 10**9))
            position = after_fill(position, fill)
            books.book(fill)
            assert books.coins_e8 == position.quantity_e8
        while (steps := position.sellable_steps(step_e8)) > 0:
            part = data.draw(st.integers(1, steps)) * step_e8
            draft = data.draw(fills_of(Side.SELL, part))
            fill = Fill(
                side=Side.SELL,
                quantity_e8=part if data.draw(st.booleans()) else steps * step_e8,
                quote_e8=draft.quote_e8,
                commission_e8=draft.commission_e8,
                commission_asset=draft.commission_asset,
                commission_value_e8=draft.commission_value_e8,
            )
            position = after_fill(position, fill)
            books.book(fill)
            assert position.quantity_e8 >= 0
            assert position.cost_e8 >= 0
        assert position.is_flat(step_e8)
        dust, results = position.dust(), results + position.realized_pnl_e8
        assert results == books.money_e8 + dust.cost_e8
        assert books.coins_e8 == dust.quantity_e8 < step_e8
