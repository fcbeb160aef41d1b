"""How much an entry may spend (SPEC §5.4, spot). Rounded down, capped at the capital, never raised.

Written for the compiled step: integers in, an integer out.
"""

from engine.amounts import share_e6

WHOLE_CAPITAL_E6 = 1_000_000


def entry_quote_e8(capital_e8: int, size_percent_e6: int, size_fixed_e8: int, quote_unit_e8: int) -> int:
    """quoteOrderQty of a market entry, in e8 of the quote asset; 0 when there is no capital left.

    A fixed amount (> 0) replaces share x capital. `quote_unit_e8` is the smallest amount the symbol's
    quote precision can say.
    """
    capital = max(capital_e8, 0)
    wanted = size_fixed_e8 if size_fixed_e8 > 0 else share_e6(capital, size_percent_e6)
    return min(wanted, capital) // quote_unit_e8 * quote_unit_e8
