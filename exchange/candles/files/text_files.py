"""CSV, with or without a header, alone or as Binance archives it: one file in a ZIP, its checksum beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.market import Candles
from exchange.candles.files.numbers import Instants, NotUsable, e8_of
from exchange.candles.files.sheet import CLOSE_TIME, NEEDED, FileRefused, Sheet, check_columns, columns_named

# A file without a header has Binance's order of columns; one as wide as Binance's also says when a candle ended.
ORDER: Final = {name: place for place, name in enumerate(NEEDED)}
BINANCE_COLUMNS: Final = 12
# A year of minutes is 60 MB of text; a ZIP that unpacks to more than this is no archive of candles.
LARGEST_BYTES: Final = 1_000_000_000
CHECKSUM_SUFFIX: Final = ".CHECKSUM"


def read_csv(path: Path) -> Sheet:
    with opened_csv(path) as lines:
        return _sheet(path.name, lines)


def read_archive(path: Path) -> Sheet:
    with opened_archive(path) as lines:
        return _sheet(path.name, lines)


@contextmanager
def opened_csv(path: Path) -> Iterator[Iterable[str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield lines


@contextmanager
def opened_archive(path: Path) -> Iterator[Iterable[str]]:
    """The one CSV in a ZIP, proved against the checksum that lies beside it, if one does. Raises `FileRefused`."""
    _check_against_checksum(path)
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [member for member in archive.infolist() if not member.is_dir()]
            if len(inside) != 1 or not inside[0].filename.lower().endswith(".csv"):
                raise FileRefused(path.name, "an archive holds one CSV file and nothing else.")
            if inside[0].file_size > LARGEST_BYTES:
                raise FileRefused(path.name, "it unpacks to more than an archive of candles can be.")
            with archive.open(inside[0]) as content:
                yield io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        # RuntimeError: the archive wants a password.
        raise FileRefused(path.name, f"it cannot be unpacked ({error}).") from None


def _check_against_checksum(path: Path) -> None:
    beside = path.with_name(path.name + CHECKSUM_SUFFIX)
    if not beside.is_file():
        return
    said = beside.read_text(errors="replace").split()[:1]
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if [word.lower() for word in said] != [found]:
        raise FileRefused(path.name, f"its SHA-256 is {found}, which is not what {beside.name} says.")


class _Rows:
    """Candles as the lines of a file tell them, one after the other."""

    def __init__(self, named: dict[str, int]) -> None:
        self._time, self._end = named["open_time"], named.get(CLOSE_TIME)
        self._amounts = [(name, named[name], array("q")) for name in NEEDED[1:]]
        self._opens, self._ends = (Instants(), array("q")), (Instants(are_ends=True), array("q"))
        self.places = array("q")

    def add(self, cells: list[str], line: int) -> None:
        """Raises `NotUsable`, naming the column."""
        name = "open_time"
        try:
            instants, times = self._opens
            times.append(instants.milliseconds(cells[self._time]))
            for name, place, amounts in self._amounts:  # noqa: B007  (named where it fails)
                amounts.append(e8_of(cells[place]))
            if self._end is not None:
                name, (instants, times) = CLOSE_TIME, self._ends
                times.append(instants.milliseconds(cells[self._end]))
        except NotUsable as error:
            raise NotUsable(f"{name}: {error}.") from None
        self.places.append(line)

    def sheet(self, file: str) -> Sheet:
        columns = (
            _vector(column) for column in (self._opens[1], *(amounts for _, _, amounts in self._amounts))
        )
        ends = None if self._end is None else _vector(self._ends[1])
        return Sheet(file, Candles(*columns), ends, self.places, "line")


def _vector(numbers: array[int]) -> Any:
    return np.array(numbers, dtype=np.int64)


def _sheet(file: str, lines: Iterable[str]) -> Sheet:
    reader = csv.reader(lines)
    rows: _Rows | None = None
    width = 0
    try:
        for cells in reader:
            if not cells:
                continue
            if rows is None:
                width = len(cells)
                rows = _Rows(_columns(file, cells, f"line {reader.line_num}"))
                if _is_header(cells):
                    continue
            if len(cells) != width:
                raise NotUsable(f"it has {len(cells)} values, the lines before it have {width}.")
            rows.add(cells, reader.line_num)
    except NotUsable as error:
        raise FileRefused(file, str(error), place=f"line {reader.line_num}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileRefused(
            file, f"it is not a text of values ({error}).", place=f"after line {reader.line_num}"
        ) from None
    return (rows or _Rows(ORDER)).sheet(file)


def _is_header(cells: list[str]) -> bool:
    return {"open", "close"} <= columns_named(cells).keys()


def _columns(file: str, cells: list[str], place: str) -> dict[str, int]:
    if _is_header(cells):
        named = columns_named(cells)
        check_columns(file, named, place=place)
        return named
    if len(cells) < len(NEEDED):
        raise FileRefused(
            file, f"it has {len(cells)} values; a candle has at least {', '.join(NEEDED)}.", place=place
        )
    return ORDER | ({CLOSE_TIME: len(NEEDED)} if len(cells) == BINANCE_COLUMNS else {})
