"""Where the price goes inside one candle, and when it first touches a level there (SPEC §5.7).

Open → nearer extreme → other extreme → close, ties: low first; the opening holds for 5 s, three straight legs of 18 s
follow, the close holds for the last second. A longer candle without minutes under it is walked the same way, stretched.
Plain integers for the compiled fold; no product exceeds 64 bits.
"""

from typing import Final, NamedTuple

HOLD_MS: Final = 5_000
LEG_MS: Final = 18_000

UNTOUCHED: Final = 0
STOP_TOUCHED: Final = 1
TARGET_TOUCHED: Final = 2


class Touch(NamedTuple):
    """What was touched first, how many ms after the opening, and the extremes of the price until then. Of an untouched
    candle these are its low and high."""

    what: int
    offset_ms: int
    lowest: int
    highest: int


def first_touch(open_: int, high: int, low: int, stop: int, target: int) -> Touch:
    """Of a stop below and a target above (stop < open < target). The last leg, from the second extreme to the close,
    touches nothing that was not touched before it."""
    if low > stop and high < target:
        return Touch(UNTOUCHED, 0, low, high)
    if high - open_ < open_ - low:
        if high >= target:
            return Touch(TARGET_TOUCHED, _reached(0, open_, target, high), open_, target)
        return Touch(STOP_TOUCHED, _reached(1, high, stop, low), stop, high)
    if low <= stop:
        return Touch(STOP_TOUCHED, _reached(0, open_, stop, low), stop, open_)
    return Touch(TARGET_TOUCHED, _reached(1, low, target, high), low, target)


def _reached(leg: int, start: int, level: int, end: int) -> int:
    """The first whole millisecond at which a leg is at or beyond a level between its ends."""
    travelled, whole = abs(level - start), abs(end - start)
    return HOLD_MS + leg * LEG_MS + (travelled * LEG_MS + whole - 1) // whole
