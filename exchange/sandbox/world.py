"""What the venue looks up and never changes: the rules of its symbols and what their prices did and will do."""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.sandbox.filters import SymbolFilters


@dataclass(frozen=True)
class World:
    """By symbol: filters; price at a market time; the average of the five minutes before; whether it trades then; the
    first market ms after one at which the price is at or beyond a level, seen upwards when the last argument is true
    (None: never)."""

    filters: dict[str, SymbolFilters]
    price_e8: Callable[[str, int], int]
    average_e8: Callable[[str, int], int]
    is_trading: Callable[[str, int], bool]
    first_touch: Callable[[str, int, int, bool], int | None]
