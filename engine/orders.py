"""What an order can be and what may follow what: the one transition table of our orders (SPEC §7).

A state that is final stays final; whoever moves an order asks `can_follow` or `check_transition` first.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Side(StrEnum):
    """As Binance spells it."""

    BUY = "BUY"
    SELL = "SELL"


class Purpose(StrEnum):
    """What an order is for. STOP and TARGET protect a position; together they are one list at the exchange."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"


PROTECTION: Final = (Purpose.STOP, Purpose.TARGET)


class OrderType(StrEnum):
    """As Binance spells it."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class OrderState(StrEnum):
    PLANNED = "planned"  # committed by us, nobody has been told
    SENDING = "sending"  # claimed by a sender, its request may be on the way
    UNKNOWN = "unknown"  # the end of the request is not known; settled by query only
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"  # also a market order whose remainder found no liquidity; it may have fills
    REJECTED = "rejected"
    DROPPED = "dropped"  # never sent, or proved not to exist


class ForbiddenTransition(ValueError):
    """An order was to take a step that the table does not have."""


_AT_THE_EXCHANGE: Final = frozenset(
    {
        OrderState.OPEN,
        OrderState.PARTIALLY_FILLED,
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
    }
)
_NOTHING: Final[frozenset[OrderState]] = frozenset()

TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = MappingProxyType(
    {
        OrderState.PLANNED: frozenset({OrderState.SENDING, OrderState.DROPPED}),
        OrderState.SENDING: _AT_THE_EXCHANGE | {OrderState.UNKNOWN, OrderState.REJECTED},
        OrderState.UNKNOWN: _AT_THE_EXCHANGE | {OrderState.REJECTED, OrderState.DROPPED},
        OrderState.OPEN: _AT_THE_EXCHANGE - {OrderState.OPEN},
        # A further partial fill is a step of its own: the row's quantities grow.
        OrderState.PARTIALLY_FILLED: _AT_THE_EXCHANGE - {OrderState.OPEN},
        OrderState.FILLED: _NOTHING,
        OrderState.CANCELED: _NOTHING,
        OrderState.EXPIRED: _NOTHING,
        OrderState.REJECTED: _NOTHING,
        OrderState.DROPPED: _NOTHING,
    }
)
FINAL_STATES: Final = frozenset(state for state, following in TRANSITIONS.items() if not following)
IN_FLIGHT_STATES: Final = frozenset(OrderState) - FINAL_STATES


def can_follow(old: OrderState | str, new: OrderState | str) -> bool:
    return OrderState(new) in TRANSITIONS[OrderState(old)]


def check_transition(old: OrderState | str, new: OrderState | str) -> None:
    if not can_follow(old, new):
        raise ForbiddenTransition(f"an order that is {OrderState(old)} cannot become {OrderState(new)}")
