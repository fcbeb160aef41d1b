"""What every kind of file is read into: candles, and where in the file each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.market import Candle, Candles, IntArray

NEEDED: Final = ("open_time", *Candle._fields[1:])
CLOSE_TIME: Final = "close_time"
# What the columns may be called, lower case; spaces count as underscores.
NAMES: Final = {
    "open_time": ("open_time", "opentime", "timestamp", "time", "date", "datetime", "ts"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    CLOSE_TIME: ("close_time", "closetime"),
}


class FileRefused(ValueError):
    """A file that is not stored: its name, the place in it, and what is wrong there."""

    def __init__(self, file: str, why: str, *, place: str = "") -> None:
        super().__init__(f"{file}, {place}: {why}" if place else f"{file}: {why}")


@dataclass(frozen=True)
class Sheet:
    """Candle `n` stands on `unit` (line or row) number `places[n]`; `ends`: when each ended, where the file tells."""

    file: str
    candles: Candles
    ends: IntArray | None
    places: Sequence[int]
    unit: str

    def place(self, row: int) -> str:
        return f"{self.unit} {self.places[row]}"


def columns_named(header: Iterable[str]) -> dict[str, int]:
    """Which of a header's columns holds what; where two could be it, the first of `NAMES` is."""
    given = [name.strip().lower().replace(" ", "_") for name in header]
    found = {}
    for column, names in NAMES.items():
        places = [given.index(name) for name in names if name in given]
        if places:
            found[column] = places[0]
    return found


def check_columns(file: str, named: dict[str, int], *, place: str = "") -> None:
    """Raises `FileRefused` unless everything a candle needs has a column."""
    absent = [name for name in NEEDED if name not in named]
    if absent:
        raise FileRefused(file, f"it has no column {' and no column '.join(absent)}.", place=place)
