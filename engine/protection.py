"""What to do next about the orders that protect or close a position: what is wanted and what stands, compared.

On spot no coin may be sold twice: nothing new is planned while an order of the position that could sell is not final,
except that one request may replace a lone stop (SPEC §7.6). Whatever is on its way is waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.orders import FINAL_STATES, OrderState, Purpose

# A stop that became a limit order and found no taker within this is given up, and the rest sold at market (SPEC §5.5).
GAP_MS: Final = 2_000


class Move(StrEnum):
    NOTHING = "nothing"  # all is as wanted
    WAIT = "wait"  # something is on its way, or its end is unknown
    PLACE = "place"  # nothing stands: place what is wanted
    REPLACE = "replace"  # a lone stop stands elsewhere
    CANCEL = "cancel"  # what stands must go first
    GIVE_UP_STOP = "give up stop"  # the stop's limit was jumped over: close at market
    SELL = "sell"  # nothing stands: sell the rest at market


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`quantity_steps` is what the position can sell; 0 ticks: no such exit is wanted. `closing`: sell everything."""

    quantity_steps: int
    stop_ticks: int
    target_ticks: int
    closing: bool


@dataclass(frozen=True, kw_only=True)
class Leg:
    """An order of the position that is not final, as last heard of. `ticks` is the trigger of a stop, the price of a
    target. `triggered_for_ms`: how long a stop has been a working order; None while it waits for its trigger."""

    purpose: Purpose
    state: OrderState
    ticks: int = 0
    quantity_steps: int = 0
    cancel_wanted: bool = False
    triggered_for_ms: int | None = None


_ON_THE_WAY: Final = (OrderState.PLANNED, OrderState.SENDING, OrderState.UNKNOWN)


def next_move(wanted: Wanted, legs: Sequence[Leg]) -> Move:
    """The one thing to do now. Any order may be given; final ones are not looked at."""
    alive = [leg for leg in legs if leg.state not in FINAL_STATES]
    if wanted.closing:
        return _close(wanted, alive)
    if any(leg.purpose is Purpose.EXIT or leg.cancel_wanted for leg in alive):
        return Move.WAIT
    if any(leg.state in _ON_THE_WAY for leg in alive):
        return Move.WAIT
    if any((leg.triggered_for_ms or 0) > GAP_MS for leg in alive):
        return Move.GIVE_UP_STOP
    if any(leg.triggered_for_ms is not None for leg in alive):
        return Move.WAIT
    if any(leg.state is OrderState.PARTIALLY_FILLED for leg in alive):
        # A target that fills in parts has ended the stop of its list: what is left of it must not stand bare.
        has_its_stop = not wanted.stop_ticks or any(leg.purpose is Purpose.STOP for leg in alive)
        return Move.WAIT if has_its_stop else Move.CANCEL
    if _stands(wanted) == _standing(alive):
        return Move.NOTHING
    if not alive:
        return Move.PLACE
    return _change(wanted, alive)


def _close(wanted: Wanted, alive: Sequence[Leg]) -> Move:
    if any(not leg.cancel_wanted and leg.purpose is not Purpose.EXIT for leg in alive):
        return Move.CANCEL
    if alive:
        return Move.WAIT
    return Move.SELL if wanted.quantity_steps else Move.NOTHING


def _change(wanted: Wanted, alive: Sequence[Leg]) -> Move:
    is_lone_stop = len(alive) == 1 and alive[0].purpose is Purpose.STOP
    wants_lone_stop = wanted.quantity_steps and wanted.stop_ticks and not wanted.target_ticks
    return Move.REPLACE if is_lone_stop and wants_lone_stop else Move.CANCEL


type Standing = frozenset[tuple[Purpose, int, int]]


def _stands(wanted: Wanted) -> Standing:
    exits = ((Purpose.STOP, wanted.stop_ticks), (Purpose.TARGET, wanted.target_ticks))
    return frozenset(
        (purpose, ticks, wanted.quantity_steps) for purpose, ticks in exits if ticks and wanted.quantity_steps
    )


def _standing(alive: Sequence[Leg]) -> Standing:
    return frozenset((leg.purpose, leg.ticks, leg.quantity_steps) for leg in alive)
