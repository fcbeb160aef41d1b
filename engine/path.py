"""Where the price goes inside one candle, and when it first touches a level there (SPEC §5.7).

Open → nearer extreme → other extreme → close, ties: low first; the opening holds for 5 s, three straight legs of 18 s
follow, the close holds for the last second. A longer candle without minutes under it is walked the same way, stretched.
Plain integers for the compiled fold; no product exceeds 64 bits.
"""

from typing import Final, NamedTuple

HOLD_MS: Final = 5_000
LEG_MS: Final = 18_000

UNTOUCHED: Final = 0
LOWER_TOUCHED: Final = 1
UPPER_TOUCHED: Final = 2


class Touch(NamedTuple):
    """What was touched first, how many ms after the opening, and the extremes of the price until then. Of an untouched
    candle these are its low and high."""

    what: int
    offset_ms: int
    lowest: int
    highest: int


def first_touch(open_: int, high: int, low: int, lower: int, upper: int) -> Touch:
    """Of a level below and one above (lower < open < upper). The last leg, from the second extreme to the close,
    touches nothing that was not touched before it."""
    if low > lower and high < upper:
        return Touch(UNTOUCHED, 0, low, high)
    if high - open_ < open_ - low:
        if high >= upper:
            return Touch(UPPER_TOUCHED, _reached(0, open_, upper, high), open_, upper)
        return Touch(LOWER_TOUCHED, _reached(1, high, lower, low), lower, high)
    if low <= lower:
        return Touch(LOWER_TOUCHED, _reached(0, open_, lower, low), lower, open_)
    return Touch(UPPER_TOUCHED, _reached(1, low, upper, high), low, upper)


def _reached(leg: int, start: int, level: int, end: int) -> int:
    """The first whole millisecond at which a leg is at or beyond a level between its ends."""
    travelled, whole = abs(level - start), abs(end - start)
    return HOLD_MS + leg * LEG_MS + (travelled * LEG_MS + whole - 1) // whole
