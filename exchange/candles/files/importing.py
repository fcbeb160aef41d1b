"""One file into the store: read, checked, compared, then added in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.amounts import plain_e8
from engine.market import Candle
from exchange.candles.blocks import CandlesDiffer, add
from exchange.candles.files.checking import check, clock
from exchange.candles.files.listing import READERS
from exchange.candles.files.sheet import FileRefused, Sheet
from exchange.candles.store import MINUTES, Series
from exchange.candles.window import forget_windows


class Imported(NamedTuple):
    """How many candles the file holds, how many of them were new, and openings (ms) of its first and last."""

    candles: int
    new: int
    first_ms: int
    last_ms: int


def import_file(path: Path, source: str, market: str, symbol: str, *, now_ms: int) -> Imported:
    """Raises `FileRefused`: then nothing of this file is stored. Call outside a transaction."""
    sheet = _read(path)
    check(sheet, now_ms=now_ms)
    try:
        new = add(Series(source, market, symbol, MINUTES), sheet.candles)
    except CandlesDiffer as differ:
        raise _refusal(sheet, differ) from None
    forget_windows()
    return Imported(len(sheet.candles), new, int(sheet.candles.open_ms[0]), int(sheet.candles.open_ms[-1]))


def _read(path: Path) -> Sheet:
    try:
        return READERS[path.suffix.lower()](path)
    except OSError as error:
        raise FileRefused(path.name, f"it cannot be read ({error.strerror or error}).") from None


def _refusal(sheet: Sheet, differ: CandlesDiffer) -> FileRefused:
    row = int(np.searchsorted(sheet.candles.open_ms, differ.offered.open_ms))
    differing = [
        name for name in Candle._fields if getattr(differ.stored, name) != getattr(differ.offered, name)
    ]
    values = ", ".join(
        f"{name} {plain_e8(getattr(differ.offered, name))} instead of {plain_e8(getattr(differ.stored, name))}"
        for name in differing
    )
    return FileRefused(
        sheet.file,
        f"{clock(differ.offered.open_ms)} is stored with other numbers: {values}. A stored candle never changes.",
        place=sheet.place(row),
    )
