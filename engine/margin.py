"""Isolated margin of USDT-margined futures: brackets, the price of liquidation, funding (SPEC §5.11).

Maintenance margin = notional × mmr − cum, with the bracket that the notional lies in: at the price of liquidation, that
of the notional there. Exact integers for the compiled fold; no product but those of `mul_div` exceeds 64 bits.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import gcd
from typing import Any, Final, NamedTuple

import numpy as np

from engine.amounts import E6, E8, commission_e8, e6_from_percent, e8_from_decimal, mul_div, mul_div_up
from engine.market import IntArray

CALLED_SELDOM: Final = True  # at entries and settlements: see engine.compiled
UNLIMITED: Final = 2**63 - 1
NO_LEVEL: Final = 1 << 62
_PRICE_OVER: Final = E8 * E6


class BadBrackets(ValueError):
    """Rows that are no ladder of brackets; the text says why."""


class Bracket(NamedTuple):
    """For notionals above `floor_e8`, up to `cap_e8`. Maintenance margin = notional × mmr − cum."""

    floor_e8: int
    cap_e8: int
    mmr_e6: int
    cum_e8: int
    max_leverage: int


class Funding(NamedTuple):
    """Settlements in order of time, int64 both: when (ms UTC) and at which rate (1e-8; positive: longs pay shorts). A
    settlement counts at the beginning of its minute: the exchange dates some a few milliseconds late."""

    at_ms: IntArray
    rate_e8: IntArray


class Scale(NamedTuple):
    """What makes prices of notionals: so many steps that are worth n (1e-8) have the price n × over / (steps × under ×
    1e6), in 1e-8. In lowest terms, so that nothing exceeds 64 bits."""

    over: int
    under: int


NO_SCALE: Final = Scale(1, 1)
# Rows of integers as in `Bracket`: tuples where nothing is compiled, else an int64 array.
type Ladder = Sequence[Sequence[int]] | IntArray


def brackets_of_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Bracket, ...]:
    """The `brackets` of one symbol of Binance's leverageBracket. Raises `BadBrackets`, `InexactAmount`, KeyError."""
    found = sorted(
        Bracket(
            floor_e8=_e8(row["notionalFloor"]),
            cap_e8=min(_e8(row["notionalCap"]), UNLIMITED),
            mmr_e6=e6_from_percent(Decimal(str(row["maintMarginRatio"])) * 100),
            cum_e8=_e8(row["cum"]),
            max_leverage=int(row["initialLeverage"]),
        )
        for row in rows
    )
    if not found or found[0].floor_e8 != 0:
        raise BadBrackets("brackets begin at a notional of 0")
    for lower, upper in zip(found, found[1:], strict=False):
        rise = upper.floor_e8 * (upper.mmr_e6 - lower.mmr_e6) // E6
        if upper.floor_e8 != lower.cap_e8 or rise < 0 or upper.cum_e8 != lower.cum_e8 + rise:
            raise BadBrackets("brackets follow each other, and the maintenance margin only rises")
    return tuple(found)


def _e8(value: Any) -> int:
    return e8_from_decimal(str(value))


def ladder_of(brackets: Sequence[Bracket]) -> IntArray:
    """The same for compiled code."""
    return np.array(brackets, dtype=np.int64).reshape(-1, len(Bracket._fields))


def scale_of(step_e8: int) -> Scale:
    common = gcd(_PRICE_OVER, step_e8)
    return Scale(_PRICE_OVER // common, step_e8 // common)


def needed_e8(notional_e8: int, leverage: int, taker_e6: int) -> int:
    """What an entry takes of the wallet: its margin, rounded up, and its fee."""
    return (notional_e8 + leverage - 1) // leverage + commission_e8(notional_e8, taker_e6)


def most_notional_e8(leverage: int, brackets: Ladder) -> int:
    """How large a position may be with this leverage (the exchange's -2027); 0 where it is never allowed."""
    most = 0
    for number in range(len(brackets)):
        if brackets[number][4] >= leverage:
            most = max(most, brackets[number][1])
    return most


def liquidation_e8(
    side: int, steps: int, notional_e8: int, wallet_e8: int, scale: Scale, brackets: Ladder
) -> int:
    """The price in 1e-8 at which the margin balance is no more than the maintenance margin: the highest such price of a
    long (0: none), the lowest of a short. `notional_e8` is that of the entry, `wallet_e8` what of its margin is left
    after funding."""
    last = len(brackets) - 1
    for number in range(last + 1):
        bracket = brackets[number]
        lost_at, kept = max(notional_e8 - side * (wallet_e8 + bracket[3]), 0), 1_000_000 - side * bracket[2]
        # Its notional there, lost_at / (1 ∓ mmr), lies in this bracket, where cum joins them without a jump.
        if number == last or mul_div_up(lost_at, 1_000_000, kept) <= bracket[1]:
            coins = steps * kept * scale.under
            if side > 0:
                return mul_div(lost_at, scale.over, coins)
            return max(mul_div_up(lost_at, scale.over, coins), 1)
    return 0 if side > 0 else NO_LEVEL


def funding_e8(side: int, notional_e8: int, rate_e8: int) -> int:
    """What a position of this worth pays at a settlement (received: negative), truncated to 8 places."""
    amount = mul_div(notional_e8, abs(rate_e8), 100_000_000)
    return amount if side * rate_e8 > 0 else -amount
