"""The recorded minutes of one symbol as integer arrays: what the market did, in recorded time.

Prices are whole ticks, volumes 1e-8 of the base asset. A tape never changes once loaded.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MINUTE_MS = 60_000
E8 = 10**8
IntArray = npt.NDArray[np.int64]
RECORDINGS = Path(__file__).parent / "recordings"
# Recorded too, but not traded on the paper market: backtests read it.
FUTURES_RECORDINGS = RECORDINGS / "futures"


@dataclass(frozen=True)
class Tape:
    """`open`…`close` int64 ticks of `tick_e8` each, `volume` int64 in 1e-8; minute i opens at
    `first_open_ms + i * 60_000` (recorded time, ms UTC)."""

    symbol: str
    first_open_ms: int
    tick_e8: int
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray

    def __len__(self) -> int:
        return len(self.open)

    @property
    def end_ms(self) -> int:
        """The recorded instant at which the last minute has closed."""
        return self.first_open_ms + len(self) * MINUTE_MS

    def minute(self, index: int) -> tuple[int, int, int, int, int]:
        return (
            int(self.open[index]),
            int(self.high[index]),
            int(self.low[index]),
            int(self.close[index]),
            int(self.volume[index]),
        )


def load_tape(entry: dict[str, Any], folder: Path = RECORDINGS) -> Tape:
    """One manifest entry as a tape; ValueError if its length is not what the manifest promises."""
    with np.load(folder / entry["file"]) as columns:
        open_ = np.cumsum(columns["open_step"], dtype=np.int64)
        close = open_ + columns["body"]
        high = np.maximum(open_, close) + columns["above_body"]
        low = np.minimum(open_, close) - columns["below_body"]
        volume = columns["volume"].astype(np.int64) * (E8 // entry["volume_scale"])
    if len(open_) != entry["rows"]:
        raise ValueError(f"{entry['file']}: {len(open_)} minutes, the manifest promises {entry['rows']}")
    return Tape(
        symbol=entry["symbol"],
        first_open_ms=entry["first_open_ms"],
        tick_e8=E8 // entry["price_scale"],
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )


def recorded_entries(folder: Path = RECORDINGS) -> list[dict[str, Any]]:
    """The manifest: what is recorded, in which file, from when to when."""
    entries: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text())
    return entries


def recorded_digests(folder: Path = RECORDINGS) -> dict[str, str]:
    """What identifies each symbol's candles, whatever file holds them."""
    return {entry["symbol"]: entry["columns_sha256"] for entry in recorded_entries(folder)}


def load_tapes(folder: Path = RECORDINGS) -> dict[str, Tape]:
    """Every recorded symbol, in the manifest's order."""
    return {entry["symbol"]: load_tape(entry, folder) for entry in recorded_entries(folder)}


def load_exchange_info(folder: Path = RECORDINGS) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((folder / "exchange_info.json").read_text())
    return info
