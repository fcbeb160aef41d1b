from hypothesis import given
from hypothesis import strategies as st

from engine.slippage import average_ask_e8, has_moved

E8 = 10**8


def test_the_best_price_alone_is_paid_where_it_has_enough() -> None:
    assert average_ask_e8([(100 * E8, 2 * E8), (110 * E8, E8)], 150 * E8) == 100 * E8


def test_the_average_weighs_what_each_level_gives() -> None:
    # 1 coin for 100 and 1 coin for 110: 210 buys two coins, 105 each.
    assert average_ask_e8([(100 * E8, E8), (110 * E8, E8)], 210 * E8) == 105 * E8


def test_a_book_that_shows_too_little_has_no_price() -> None:
    assert average_ask_e8([(100 * E8, E8)], 101 * E8) is None
    assert average_ask_e8([], 1) is None


def test_the_limit_itself_is_no_move() -> None:
    assert not has_moved(10_050, 10_000, 5_000)
    assert has_moved(10_051, 10_000, 5_000)
    assert has_moved(9_949, 10_000, 5_000)


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**10)), min_size=1, max_size=8),
    st.integers(1, 10**12),
)
def test_the_average_lies_between_best_and_worst(levels: list[tuple[int, int]], quote: int) -> None:
    asks = sorted((price * E8, quantity) for price, quantity in levels)
    average = average_ask_e8(asks, quote)
    if average is not None:
        # The coins are rounded down, so the average may be a hair above the worst price.
        assert asks[0][0] <= average
        assert average * (quote * E8 // asks[-1][0]) <= quote * E8
