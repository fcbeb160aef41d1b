"""How much an entry may spend (SPEC §5.4). Rounded down, capped at the capital, never raised.

Written for the compiled step: integers in, an integer out.
"""

from typing import Final

from engine.amounts import E6, mul_div, share_e6

WHOLE_CAPITAL_E6: Final = 1_000_000
# What the margin of a futures entry leaves for its fee, beside the fee: the opening may cost more than the close.
RESERVE_E6: Final = 1_000


def entry_quote_e8(capital_e8: int, size_percent_e6: int, size_fixed_e8: int, quote_unit_e8: int) -> int:
    """quoteOrderQty of a market entry, in e8 of the quote asset; 0 when there is no capital left.

    A fixed amount (> 0) replaces share x capital. `quote_unit_e8` is the smallest amount the symbol's
    quote precision can say.
    """
    capital = max(capital_e8, 0)
    wanted = size_fixed_e8 if size_fixed_e8 > 0 else share_e6(capital, size_percent_e6)
    return min(wanted, capital) // quote_unit_e8 * quote_unit_e8


def entry_margin_e8(
    capital_e8: int, size_percent_e6: int, size_fixed_e8: int, leverage: int, taker_e6: int
) -> int:
    """Margin of a futures entry: its amount / (1 + leverage × (taker fee + 0.1 %)), so that the amount also pays the
    fee. A fixed amount (> 0) replaces share × capital."""
    amount = entry_quote_e8(capital_e8, size_percent_e6, size_fixed_e8, 1)
    return mul_div(amount, E6, E6 + leverage * (taker_e6 + RESERVE_E6))
