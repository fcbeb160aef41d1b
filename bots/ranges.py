"""How large a bot's exits, limits and waits may be: one table, asked by the validation and shown by forms and schema.

An empty field asks for nothing; what it then means is said where the field is described.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from django.utils.translation import gettext as _

from bots.models import FARTHEST_EXIT_PERC, NEAREST_EXIT_PERC
from bots.sizing import PERCENT_PLACES, places_of
from bots.wording import plain
from engine.amounts import decimal_from_e8
from engine.rules import SymbolRules

# What an empty field stands for.
DEFAULT_SLIPPAGE_PERC: Final = Decimal("0.5")
DEFAULT_STOP_LIMIT_OFFSET_PERC: Final = Decimal(2)


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends are allowed. `is_percent`: at most four decimal places, as the engine counts."""

    least: Decimal
    most: Decimal
    is_percent: bool = True


EXIT: Final = Range(NEAREST_EXIT_PERC, FARTHEST_EXIT_PERC)
RANGES: Final[Mapping[str, Range]] = MappingProxyType(
    {
        "stop_loss_perc": EXIT,
        "take_profit_perc": EXIT,
        "trailing_stop_perc": EXIT,
        "stop_limit_offset_perc": Range(Decimal("0.1"), Decimal(20)),
        "max_daily_trades": Range(Decimal(1), Decimal(10_000), is_percent=False),
        "max_daily_loss_perc": Range(Decimal("0.01"), Decimal(100)),
        "daily_target_perc": Range(Decimal("0.01"), Decimal(1_000)),
        "cooldown_candles": Range(Decimal(0), Decimal(10_000), is_percent=False),
        "max_slippage_perc": Range(Decimal("0.01"), Decimal(10)),
    }
)


def objections_to_ranges(values: Mapping[str, Any]) -> dict[str, str]:
    """One message for every field of `values` that lies outside its range."""
    found = {name: _objection(values[name], RANGES[name]) for name in RANGES if values.get(name) is not None}
    return {name: message for name, message in found.items() if message}


def objections_to_reach(values: Mapping[str, Any], rules: SymbolRules) -> dict[str, str]:
    """Exits so far from the price that the symbol would refuse them: found here, not with coins in hand."""
    offset = values["stop_limit_offset_perc"] or DEFAULT_STOP_LIMIT_OFFSET_PERC
    lowest, highest = decimal_from_e8(rules.sell_price_down_e8), decimal_from_e8(rules.sell_price_up_e8)
    found = {}
    for name in ("stop_loss_perc", "trailing_stop_perc"):
        stop = values[name]
        if stop is not None and (1 - stop / 100) * (1 - offset / 100) < lowest:
            found[name] = _("%(symbol)s takes no stop as far from the price as this.")
    target = values["take_profit_perc"]
    if target is not None and 1 + target / 100 > highest:
        found["take_profit_perc"] = _("%(symbol)s takes no target as far from the price as this.")
    return {name: message % {"symbol": rules.symbol} for name, message in found.items()}


def _objection(value: Any, allowed: Range) -> str:
    if not allowed.least <= value <= allowed.most:
        ends = {"least": plain(allowed.least), "most": plain(allowed.most)}
        return _("This must be from %(least)s to %(most)s, or empty.") % ends
    if allowed.is_percent and places_of(value) > PERCENT_PLACES:
        return _("A percentage has at most 4 decimal places.")
    return ""
