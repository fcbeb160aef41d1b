"""Where protection stands: stop, target and trailing stop of a position, in ticks (SPEC §5.5, §5.6).

Rounded to the tick toward the entry: what lies below it up, what lies above it down. Plain integers in and out, so that
the compiled step and the fold use these very functions; no product exceeds 64 bits.
"""

from typing import NamedTuple

from engine.amounts import E6, share_e6, share_up_e6

NO_STOP = 0
NO_TARGET = 0


class Protection(NamedTuple):
    """In ticks, 0 = none. `stop_is_trailing` (0 or 1): the trail is tighter than the stop loss."""

    stop_ticks: int
    target_ticks: int
    stop_is_trailing: int


def protective_ticks(
    entry_price_e8: int,
    *,
    stop_percent_e6: int | None,
    target_percent_e6: int | None,
    trailing_percent_e6: int | None,
    tick_e8: int,
) -> Protection:
    """What protects a long entry at this average price. A percentage of None or 0 asks for nothing.

    The stop is the tighter of entry × (1 − stop) and entry × (1 − trail); equal ones are the stop loss.
    """
    stop = stop_ticks_below(entry_price_e8, stop_percent_e6 or 0, tick_e8)
    trail = stop_ticks_below(entry_price_e8, trailing_percent_e6 or 0, tick_e8)
    target = target_ticks_above(entry_price_e8, target_percent_e6 or 0, tick_e8)
    return Protection(max(stop, trail), target, int(trail > stop))


def stop_ticks_below(price_e8: int, percent_e6: int, tick_e8: int) -> int:
    """price × (1 − percent), rounded up to the tick: ceil(ceil(x) / tick) = ceil(x / tick)."""
    if percent_e6 <= 0:
        return NO_STOP
    return (share_up_e6(price_e8, E6 - percent_e6) + tick_e8 - 1) // tick_e8


def target_ticks_above(price_e8: int, percent_e6: int, tick_e8: int) -> int:
    """price × (1 + percent), rounded down to the tick."""
    if percent_e6 <= 0:
        return NO_TARGET
    return share_e6(price_e8, E6 + percent_e6) // tick_e8


def stop_ticks(side: int, price_e8: int, percent_e6: int, tick_e8: int) -> int:
    """Below the entry of a long, above that of a short (whose stop is rounded like a long's target)."""
    if side > 0:
        return stop_ticks_below(price_e8, percent_e6, tick_e8)
    return target_ticks_above(price_e8, percent_e6, tick_e8)


def target_ticks(side: int, price_e8: int, percent_e6: int, tick_e8: int) -> int:
    """Above the entry of a long, below that of a short."""
    if side > 0:
        return target_ticks_above(price_e8, percent_e6, tick_e8)
    return stop_ticks_below(price_e8, percent_e6, tick_e8)


def trailed_stop_ticks(side: int, best_ticks: int, trailing_percent_e6: int) -> int:
    """best × (1 ∓ trail), rounded to the tick toward the best; 0 where nothing trails or no best price is known."""
    if trailing_percent_e6 <= 0 or best_ticks <= 0:
        return NO_STOP
    if side > 0:
        return share_up_e6(best_ticks, E6 - trailing_percent_e6)
    return share_e6(best_ticks, E6 + trailing_percent_e6)


def is_tighter(side: int, stop: int, than: int) -> bool:
    """Whether a stop lies nearer to the price than another (0 = none, and never tighter)."""
    return stop > 0 and (than <= 0 or side * (stop - than) > 0)


def stop_limit_ticks(stop_ticks: int, offset_percent_e6: int) -> int:
    """The limit of a STOP_LOSS_LIMIT that sells: this far below its trigger, rounded down, at least one tick."""
    return max(share_e6(stop_ticks, E6 - offset_percent_e6), 1)


def first_stop_e6(stop_percent_e6: int | None, trailing_percent_e6: int | None) -> int:
    """How far from its entry price (in 1e-6) a position's first stop lies, the tighter of stop and trail; 0 without."""
    return min((share for share in (stop_percent_e6, trailing_percent_e6) if share), default=0)


def worst_sale_e6(
    stop_percent_e6: int | None, trailing_percent_e6: int | None, offset_percent_e6: int
) -> int:
    """The share of its entry price (in 1e-6) at which a position's first stop may sell at the lowest; 0 where none is
    wanted. `offset_percent_e6`: how far its limit lies below its trigger, 0 for a stop without a limit."""
    first = first_stop_e6(stop_percent_e6, trailing_percent_e6)
    return share_e6(E6 - first, E6 - offset_percent_e6) if first else 0
