"""The recordings that come with the project, stored as what they are: Binance's own minutes, at their true dates.

The paper market replays the same candles shifted to the present, under source `sandbox`; backtests read these.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.market import MINUTE_MS, Candles
from exchange.candles.blocks import add
from exchange.candles.fetching import absent
from exchange.candles.store import MINUTES, Series
from exchange.models import Market
from exchange.sandbox.tape import Tape, load_tape, recorded_entries

SOURCE: Final = "binance"


def recorded_symbols() -> list[str]:
    return [entry["symbol"] for entry in recorded_entries()]


def store_recording(wanted: str) -> int:
    """How many candles of the symbol were new. What is there already is not even unpacked. Raises `CandlesDiffer`."""
    entry = next(entry for entry in recorded_entries() if entry["symbol"] == wanted)
    start_ms, end_ms = entry["first_open_ms"], entry["last_open_ms"] + MINUTE_MS
    if not any(absent(SOURCE, Market.SPOT, wanted, start_ms=start_ms, end_ms=end_ms)):
        return 0
    return add(Series(SOURCE, Market.SPOT, wanted, MINUTES), candles_of_tape(load_tape(entry)))


def candles_of_tape(tape: Tape) -> Candles:
    """A tape's minutes in recorded time."""
    openings = tape.first_open_ms + np.arange(len(tape), dtype=np.int64) * MINUTE_MS
    open_, high, low, close = (
        column * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)
    )
    return Candles(openings, open_, high, low, close, tape.volume)
