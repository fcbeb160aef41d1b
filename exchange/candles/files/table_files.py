"""Parquet and Feather, read by pyarrow, which is imported on first use only.

A float is taken as the shortest decimal that is it; decimals, integers and texts are exact anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.market import Candles, IntArray
from exchange.candles.files.numbers import Instants, NotUsable, e8_of, exact_floats
from exchange.candles.files.sheet import CLOSE_TIME, NEEDED, FileRefused, Sheet, check_columns, columns_named

# More rows than forty years of minutes are no series of candles.
LARGEST_ROWS: Final = 21_000_000


def read_parquet(path: Path) -> Sheet:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            _check_size(path.name, file.metadata.num_rows)
            return _sheet(path.name, file.schema_arrow.names, lambda names: file.read(columns=names))
    except ArrowException as error:
        raise FileRefused(path.name, f"it is no Parquet file ({_first_line(error)}).") from None


def read_feather(path: Path) -> Sheet:
    from pyarrow import ArrowException, feather

    try:
        table = feather.read_table(path, memory_map=False)
    except ArrowException as error:
        raise FileRefused(path.name, f"it is no Feather file ({_first_line(error)}).") from None
    _check_size(path.name, table.num_rows)
    return _sheet(path.name, table.column_names, table.select)


def _check_size(file: str, rows: int) -> None:
    if rows > LARGEST_ROWS:
        raise FileRefused(file, f"it has {rows:,} rows, more than a series of candles can have.")


def _sheet(file: str, header: list[str], select: Callable[[list[str]], Any]) -> Sheet:
    named = columns_named(header)
    check_columns(file, named)
    table = select([header[place] for place in named.values()])
    columns = {name: table.column(header[place]) for name, place in named.items()}
    ends = _times(file, CLOSE_TIME, columns[CLOSE_TIME]) if CLOSE_TIME in columns else None
    amounts = (_amounts(file, name, columns[name]) for name in NEEDED[1:])
    candles = Candles(_times(file, "open_time", columns["open_time"]), *amounts)
    return Sheet(file, candles, ends, range(1, len(candles) + 1), "row")


def _times(file: str, name: str, column: Any) -> IntArray:
    from pyarrow import int64, types

    _check_all_there(file, name, column)
    if types.is_timestamp(column.type):
        column = column.cast(int64())
    instants = Instants(are_ends=name == CLOSE_TIME)
    if types.is_integer(column.type):
        quick = instants.column(column.to_numpy().astype(np.int64))
        if quick is not None:
            return quick
    return _each(file, name, column.to_pylist(), instants.milliseconds)


def _amounts(file: str, name: str, column: Any) -> IntArray:
    from pyarrow import types

    _check_all_there(file, name, column)
    if types.is_float64(column.type):
        quick = exact_floats(column.to_numpy())
        if quick is not None:
            return quick
    if types.is_floating(column.type) and not types.is_float64(column.type):
        # A narrower float has fewer digits; as a double it would show more than it has.
        return _each(file, name, [str(value) for value in column.to_numpy()], e8_of)
    return _each(file, name, column.to_pylist(), e8_of)


def _check_all_there(file: str, name: str, column: Any) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise FileRefused(file, f"{name}: it is missing.", place=f"row {row + 1}")


def _each(file: str, name: str, values: list[Any], convert: Callable[[Any], int]) -> IntArray:
    found = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        try:
            found[row] = convert(value)
        except NotUsable as error:
            raise FileRefused(file, f"{name}: {error}.", place=f"row {row + 1}") from None
    return found


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
