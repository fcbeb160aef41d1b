"""The orders of a bot as a timeline: what was wanted, and when it was planned, sent, accepted and over. A stop and a
target that stand as one list are one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engine.orders import OrderState, Purpose
from trading.models import Order

# How an end is called, and whether it is one to worry about.
ENDS: Final[dict[str, str | Promise]] = {
    OrderState.FILLED: _("filled"),
    OrderState.CANCELED: _("cancelled"),
    OrderState.EXPIRED: _("expired"),
    OrderState.REJECTED: _("rejected"),
    OrderState.DROPPED: _("dropped"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to an order; `after` is the time since it was planned, in seconds."""

    name: str | Promise
    at: datetime
    after: float
    is_end: bool = False

    @property
    def after_text(self) -> str:
        """As short as it may be: `+38 ms`, `+2.4 s`, `+3 min`."""
        if self.after < 1:
            return f"+{self.after * 1000:.0f} ms"
        return f"+{self.after:.1f} s" if self.after < 120 else f"+{self.after / 60:.0f} min"


@dataclass(frozen=True, slots=True)
class Leg:
    """One order with its steps."""

    order: Order
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the timeline: one order, or the two legs of a list."""

    legs: list[Leg]

    @property
    def planned_at(self) -> datetime:
        return self.legs[0].order.planned_at

    @property
    def is_list(self) -> bool:
        return len(self.legs) > 1


def timeline_of(orders: Iterable[Order]) -> list[Entry]:
    """Of orders as they come, newest first; the legs of a list lie side by side, its stop before its target."""
    return [
        Entry(
            [
                Leg(order, list(steps_of(order)))
                for order in sorted(legs, key=lambda leg: leg.purpose != Purpose.STOP)
            ]
        )
        for _key, legs in groupby(orders, key=lambda order: order.list_client_order_id or order.pk)
    ]


def steps_of(order: Order) -> Iterator[Step]:
    """In the order of their times; a step that never came is left out."""
    found = [
        (_("planned"), order.planned_at, False),
        (_("sent"), order.claimed_at, False),
        (_("accepted"), order.accepted_at, False),
        (_("triggered"), order.triggered_at, False),
        (_("cancel asked"), order.cancel_wanted_at, False),
        (ENDS.get(order.state, ""), order.settled_at, True),
    ]
    for name, at, is_end in found:
        if at is not None and name:
            after = max(0.0, (at - order.planned_at).total_seconds())
            yield Step(name, at, after, is_end)
