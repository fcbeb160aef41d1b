"""What moving a stop or a target by hand would mean, before it is done: old and new price, percent, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bots import parsing
from bots.models import BotState
from trading.exit_prices import EXIT_FIELDS
from trading.open_positions import OpenPosition

LABELS: Final[Mapping[str, Promise]] = {
    "stop_loss_price": _("Stop loss"),
    "trailing_stop_price": _("Trailing stop"),
    "take_profit_price": _("Target"),
}


@dataclass(frozen=True, slots=True)
class ExitChange:
    """One exit, moved; `after` is None where it is taken away, and `result` then too."""

    field: str
    label: str | Promise
    before: Decimal | None
    after: Decimal | None
    percent: Decimal | None
    result: Decimal | None

    @property
    def typed(self) -> str:
        return "" if self.after is None else f"{self.after:f}"


def asked_for(posted: Mapping[str, str], state: BotState) -> dict[str, Any]:
    """The exits that a form names otherwise than they are. A field left blank takes its exit away; one that cannot be
    read stays as it was typed, for `exit_prices` to refuse. One that still says what its reader saw (`seen_…`) asks for
    nothing: a trail may have moved on meanwhile."""
    found: dict[str, Any] = {}
    for name in EXIT_FIELDS:
        raw = posted.get(name, "").strip()
        if name not in posted or raw == posted.get(f"seen_{name}"):
            continue
        try:
            price = parsing.amount(raw)
        except parsing.Unreadable:
            found[name] = raw
            continue
        if price != getattr(state, name):
            found[name] = price
    return found


def changes_of(item: OpenPosition, state: BotState, given: Mapping[str, Any]) -> list[ExitChange]:
    """`percent` is measured from the entry, `result` in quote money after all fees."""
    entry = item.position.entry_price
    return [
        ExitChange(
            name,
            LABELS[name],
            getattr(state, name),
            price,
            None if price is None or not entry else 100 * (price - entry) / entry,
            item.result_at(price),
        )
        for name, price in given.items()
        if price is None or isinstance(price, Decimal)
    ]
