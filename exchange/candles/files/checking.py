"""Candles from a file are believed only if every one of them can be a candle, and all together a series of minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.amounts import plain_e8
from engine.market import MINUTE_MS, Candle, Candles
from exchange.candles.files.sheet import FileRefused, Sheet

# Bitcoin's first block: nothing has a price before.
EARLIEST_MS: Final = 1_230_940_800_000

type Fault = tuple[NDArray[np.bool_], Callable[[int], str]]


def check(sheet: Sheet, *, now_ms: int) -> None:
    """Raises `FileRefused` for the first row that is wrong, and for a file that is not one of minutes."""
    candles = sheet.candles
    if not len(candles):
        raise FileRefused(sheet.file, "it holds no candles.")
    first = (len(candles), "")
    for wrong, why in (*_times(sheet, now_ms), *_prices(candles), *_ends(sheet)):
        rows = np.flatnonzero(wrong)
        if len(rows) and int(rows[0]) < first[0]:
            first = int(rows[0]), why(int(rows[0]))
    if first[0] < len(candles):
        raise FileRefused(sheet.file, first[1], place=sheet.place(first[0]))
    apart_ms = int(np.median(np.diff(candles.open_ms))) if len(candles) > 2 else MINUTE_MS
    if apart_ms != MINUTE_MS:
        raise FileRefused(
            sheet.file, f"its candles are {apart_ms // 1000} s apart; only one-minute candles are stored."
        )


def _times(sheet: Sheet, now_ms: int) -> Iterator[Fault]:
    at = sheet.candles.open_ms
    step = np.diff(at, prepend=at[0] - 1)
    yield at < EARLIEST_MS, lambda row: f"{clock(int(at[row]))} is too long ago for a candle."
    yield at % MINUTE_MS != 0, lambda row: f"{clock(int(at[row]))} is not the beginning of a minute."
    yield step == 0, lambda row: f"{clock(int(at[row]))} is there twice, first on {sheet.place(row - 1)}."
    yield step < 0, lambda row: f"{clock(int(at[row]))} follows a later time; candles go from old to new."
    yield at > now_ms - MINUTE_MS, lambda row: f"{clock(int(at[row]))} is not over yet."


def _prices(candles: Candles) -> Iterator[Fault]:
    def says(text: str) -> Callable[[int], str]:
        return lambda row: text.format(**_plain(candles.at(row)))

    yield candles.low <= 0, says("low {low} is not a price.")
    yield candles.high < candles.low, says("high {high} is below low {low}.")
    yield (
        candles.high < np.maximum(candles.open, candles.close),
        says("high {high} is below open {open} or close {close}."),
    )
    yield (
        candles.low > np.minimum(candles.open, candles.close),
        says("low {low} is above open {open} or close {close}."),
    )
    yield candles.volume < 0, says("volume {volume} is negative.")


def _ends(sheet: Sheet) -> Iterator[Fault]:
    """Where the file tells when a candle ended, that must be its minute's last millisecond (or microsecond)."""
    ends = sheet.ends
    if ends is not None:
        yield (
            ends - sheet.candles.open_ms != MINUTE_MS - 1,
            lambda row: f"it ends at {clock(int(ends[row]))}: that is no one-minute candle.",
        )


def _plain(candle: Candle) -> dict[str, str]:
    return {name: plain_e8(value) for name, value in candle._asdict().items()}


def clock(at_ms: int) -> str:
    """An instant for people."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"The time {at_ms}"
    return f"{at:%Y-%m-%d %H:%M}" + (f":{at:%S.%f}".rstrip("0").rstrip(".") if at_ms % MINUTE_MS else "")
