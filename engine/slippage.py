"""What an entry would pay now: the average price of its size in the order book, and how far that is from the signal's
close. Integers: prices in e8 of quote per coin, amounts in e8 of quote.
"""

from collections.abc import Sequence
from typing import Final

from engine.amounts import E8, share_e6

DEFAULT_MAX_PERCENT_E6: Final = 5_000


def average_ask_e8(asks: Sequence[tuple[int, int]], quote_e8: int) -> int | None:
    """The average price at which `quote_e8` buys from (price, quantity) pairs, best first; rounded down. None where the
    book shows too little."""
    left, bought = quote_e8, 0
    for price, quantity in asks:
        worth = price * quantity // E8
        if worth >= left:
            bought += left * E8 // price
            return quote_e8 * E8 // bought if bought else None
        left, bought = left - worth, bought + quantity
    return None


def has_moved(price_e8: int, close_e8: int, max_percent_e6: int) -> bool:
    """Whether the price differs from the close, in either direction, by more than the share allows."""
    return abs(price_e8 - close_e8) > share_e6(close_e8, max_percent_e6)
