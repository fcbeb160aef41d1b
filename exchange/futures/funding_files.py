"""Funding rates from files: CSV as the exchange's API answers it, or the ZIP archives Binance publishes.

A file is stored whole or not at all; what is wrong names file and line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

from django.utils import timezone

from exchange.candles.files import FileRefused
from exchange.candles.files.checking import EARLIEST_MS, clock
from exchange.candles.files.numbers import Instants, NotUsable, e8_of
from exchange.candles.files.text_files import opened_archive, opened_csv
from exchange.futures.contracts import FUNDING_FILE
from exchange.futures.funding import RatesDiffer, Settlement, add_rates, settled_minute
from exchange.instants import ms_of
from exchange.sandbox.tape import FUTURES_RECORDINGS

SOURCE: Final = "binance"
# What the columns may be called, lower case; underscores do not count.
NAMES: Final = {
    "symbol": ("symbol",),
    "time": ("fundingtime", "calctime", "settledat", "timestamp", "time"),
    "rate": ("fundingrate", "lastfundingrate", "rate"),
}
OPENERS: Final[dict[str, Callable[[Path], AbstractContextManager[Iterable[str]]]]] = {
    ".csv": opened_csv,
    ".zip": opened_archive,
}
# BTCUSDT-fundingRate-2025-05.zip
_NAMED: Final = re.compile(r"(?P<symbol>[^\W_]\w*)-fundingRate(-.*)?", re.IGNORECASE)
# A settlement moves a few percent at most; more is a file of something else.
LARGEST_RATE_E8: Final = 10**7


class Imported(NamedTuple):
    """How many rates the file holds, how many were new, of which symbols."""

    rates: int
    new: int
    symbols: list[str]


def store_recorded_rates() -> int:
    """The rates that come with the project; how many were new. Raises `RatesDiffer`."""
    rows = read_rates(FUTURES_RECORDINGS / FUNDING_FILE, now_ms=ms_of(timezone.now()))
    return add_rates(SOURCE, rows)


def import_rates(path: Path, source: str, *, symbol: str | None, now_ms: int) -> Imported:
    """`symbol`: whose rates a file without a column of that name holds, where its own name does not say.

    Raises `FileRefused`: then nothing of this file is stored. Call outside a transaction."""
    rows = read_rates(path, symbol=symbol, now_ms=now_ms)
    try:
        new = add_rates(source, rows)
    except RatesDiffer as differ:
        raise FileRefused(path.name, str(differ)) from None
    return Imported(len(rows), new, sorted({row.symbol for row in rows}))


def read_rates(path: Path, *, symbol: str | None = None, now_ms: int) -> list[Settlement]:
    """Raises `FileRefused`."""
    if not path.is_file():
        raise FileRefused(str(path), "there is no such file.")
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        raise FileRefused(path.name, f"only {', '.join(OPENERS)} can be read.")
    named = _NAMED.fullmatch(path.stem)
    own = (named["symbol"] if named else symbol or "").upper()
    try:
        with opener(path) as lines:
            rows = list(_rows(path.name, lines, own, now_ms))
    except OSError as error:
        raise FileRefused(path.name, f"it cannot be read ({error.strerror or error}).") from None
    if not rows:
        raise FileRefused(path.name, "it holds no funding rates.")
    return rows


def _rows(file: str, lines: Iterable[str], own: str, now_ms: int) -> Iterator[Settlement]:
    reader, instants = csv.reader(lines), Instants()
    known: dict[tuple[str, int], int] = {}
    try:
        places = _places(file, next(reader, []), own)
        for cells in reader:
            if not cells:
                continue
            row = _settlement(cells, places, own, instants, now_ms)
            before = known.setdefault((row.symbol, row.settled_ms), reader.line_num)
            if before != reader.line_num:
                raise NotUsable(f"{clock(row.settled_ms)} is there twice, first on line {before}.")
            yield row
    except NotUsable as error:
        raise FileRefused(file, str(error), place=f"line {reader.line_num}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileRefused(file, f"it is not a text of values ({error}).") from None


def _places(file: str, head: list[str], own: str) -> dict[str, int]:
    """Which column holds what. Raises `FileRefused`."""
    given = [name.strip().lower().replace("_", "") for name in head]
    found = {
        column: given.index(name)
        for column, names in NAMES.items()
        for name in reversed(names)
        if name in given
    }
    if "time" not in found or "rate" not in found:
        raise FileRefused(file, "its first line must name the columns fundingTime and fundingRate.")
    if "symbol" not in found and not own:
        raise FileRefused(
            file, "it does not say whose rates it holds: name --symbol, or call it SYMBOL-fundingRate.csv."
        )
    return found


def _settlement(
    cells: list[str], places: dict[str, int], own: str, instants: Instants, now_ms: int
) -> Settlement:
    """Raises `NotUsable`."""
    if len(cells) <= max(places.values()):
        raise NotUsable(f"it has only {len(cells)} values.")
    symbol = cells[places["symbol"]].strip().upper() if "symbol" in places else own
    if not symbol.isalnum() or len(symbol) > 32:
        raise NotUsable(f"{symbol!r} is no symbol.")
    settled_ms = settled_minute(instants.milliseconds(cells[places["time"]].strip()))
    rate_e8 = e8_of(cells[places["rate"]].strip())
    if not EARLIEST_MS <= settled_ms <= now_ms:
        raise NotUsable(f"{clock(settled_ms)} cannot be the time of a settlement.")
    if abs(rate_e8) > LARGEST_RATE_E8:
        raise NotUsable(f"{cells[places['rate']]} is no funding rate: it is more than ten percent.")
    return Settlement(symbol, settled_ms, rate_e8)
