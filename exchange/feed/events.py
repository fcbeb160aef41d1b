"""What a stream tells, in the platform's words."""

from __future__ import annotations

from dataclasses import dataclass

from engine.market import Candle
from exchange.port import DayTicker

# (symbol, interval)
type SeriesName = tuple[str, str]


class StreamBroken(Exception):
    """The stream ended, said that something is wrong, or cannot be read."""


@dataclass(frozen=True, slots=True)
class KlineEvent:
    """A candle of a series as it stands; `at_ms` is the venue's market time of the event."""

    symbol: str
    interval: str
    candle: Candle
    is_closed: bool
    at_ms: int


type Event = KlineEvent | list[DayTicker]
