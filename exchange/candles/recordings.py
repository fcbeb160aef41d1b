"""The recordings that come with the project, stored as what they are: Binance's own minutes, at their true dates.

The paper market replays the spot ones shifted to the present, under source `sandbox`; backtests read these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from engine.market import MINUTE_MS, Candles
from exchange.candles.blocks import add
from exchange.candles.fetching import absent
from exchange.candles.store import MINUTES, Series
from exchange.models import Market
from exchange.sandbox.tape import FUTURES_RECORDINGS, RECORDINGS, Tape, load_tape, recorded_entries

SOURCE: Final = "binance"
FOLDERS: Final = {Market.SPOT.value: RECORDINGS, Market.FUTURES.value: FUTURES_RECORDINGS}


class Recording(NamedTuple):
    """One symbol's minutes on one market; `entry` is its line of the manifest."""

    market: str
    symbol: str
    folder: Path
    entry: dict[str, Any]

    def __str__(self) -> str:
        return self.symbol if self.market == Market.SPOT else f"{self.symbol} ({self.market})"


def recordings() -> list[Recording]:
    return [
        Recording(market, entry["symbol"], folder, entry)
        for market, folder in FOLDERS.items()
        for entry in recorded_entries(folder)
    ]


def store_recording(recording: Recording) -> int:
    """How many of its candles were new. What is there already is not even unpacked. Raises `CandlesDiffer`."""
    entry = recording.entry
    start_ms, end_ms = entry["first_open_ms"], entry["last_open_ms"] + MINUTE_MS
    if not any(absent(SOURCE, recording.market, recording.symbol, start_ms=start_ms, end_ms=end_ms)):
        return 0
    series = Series(SOURCE, recording.market, recording.symbol, MINUTES)
    return add(series, candles_of_tape(load_tape(entry, recording.folder)))


def candles_of_tape(tape: Tape) -> Candles:
    """A tape's minutes in recorded time."""
    openings = tape.first_open_ms + np.arange(len(tape), dtype=np.int64) * MINUTE_MS
    open_, high, low, close = (
        column * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close)
    )
    return Candles(openings, open_, high, low, close, tape.volume)
