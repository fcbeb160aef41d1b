"""What a backtest found as one compressed value of its row, and back: every integer returns as it went in.

Columns of int64 are stored as differences: runs of equal ones by their lengths (a clock that ticks evenly), others with
their bytes sorted by significance and deflated. A year of minutes takes about a megabyte and 50 ms.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from typing import Any, Final

import numpy as np

from engine.market import IntArray
from engine.results import Folded, Positions, Trades

FORMAT: Final = 1
_TABLES: Final[dict[str, type[Any]]] = {"positions": Positions, "trades": Trades}
_CURVES: Final = ("equity_ms", "equity_e8", "reasons")
_LENGTH_BYTES: Final = 4
# Runs are stored as such where there are fewer than one in this many values.
_WORTH_RUNS: Final = 16


class UnreadableResults(ValueError):
    """The packed results are damaged, or of a version this code does not know."""


def pack(folded: Folded) -> bytes:
    """Head (JSON: counts and single numbers) and columns, one after the other."""
    columns = _columns_of(folded)
    numbers = {
        entry.name: int(getattr(folded, entry.name))
        for entry in fields(folded)
        if entry.name not in {*_TABLES, *_CURVES}
    }
    packed = [(name, len(column), *_packed(column)) for name, column in columns.items()]
    head = json.dumps(
        {
            "format": FORMAT,
            "numbers": numbers,
            "columns": [[name, count, runs, len(body)] for name, count, runs, body in packed],
        }
    ).encode()
    return b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, *(entry[-1] for entry in packed)])


def unpack(packed: bytes | memoryview) -> Folded:
    """Raises UnreadableResults."""
    view = memoryview(packed)
    try:
        body_at = _LENGTH_BYTES + int.from_bytes(view[:_LENGTH_BYTES], "little")
        head = json.loads(bytes(view[_LENGTH_BYTES:body_at]))
        if head["format"] != FORMAT:
            raise UnreadableResults(f"results of format {head['format']} cannot be read by this version")
        columns = {}
        for name, count, runs, length in head["columns"]:
            columns[name] = _restored(bytes(view[body_at : body_at + length]), count, runs)
            body_at += length
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise UnreadableResults(f"the stored results cannot be read: {error}") from error
    parts: dict[str, Any] = {name: kind(**_of_table(columns, name)) for name, kind in _TABLES.items()}
    parts |= {name: columns[name] for name in _CURVES}
    return Folded(**parts, **head["numbers"])


def _columns_of(folded: Folded) -> dict[str, IntArray]:
    columns = {name: getattr(folded, name) for name in _CURVES}
    for table in _TABLES:
        rows = getattr(folded, table)
        columns |= {f"{table}.{entry.name}": getattr(rows, entry.name) for entry in fields(rows)}
    return columns


def _of_table(columns: dict[str, IntArray], table: str) -> dict[str, IntArray]:
    beginning = f"{table}."
    return {
        name.removeprefix(beginning): column for name, column in columns.items() if name.startswith(beginning)
    }


def _packed(column: IntArray) -> tuple[int, bytes]:
    """How many runs (0: not as runs) and the bytes of a column."""
    steps = np.empty(len(column), dtype=np.int64)
    steps[:1] = column[:1]
    np.subtract(column[1:], column[:-1], out=steps[1:])
    starts = np.flatnonzero(steps[1:] != steps[:-1]) + 1
    if len(starts) * _WORTH_RUNS < len(steps):
        starts = np.concatenate((np.zeros(1, dtype=np.int64), starts))
        lengths = np.diff(starts, append=len(steps))
        return len(starts), _deflated(np.concatenate((steps[starts], lengths)))
    return 0, _deflated(steps)


def _restored(raw: bytes, count: int, runs: int) -> IntArray:
    steps = _inflated(raw, 2 * runs if runs else count)
    return np.cumsum(np.repeat(steps[:runs], steps[runs:]) if runs else steps, dtype=np.int64)


def _deflated(values: IntArray) -> bytes:
    """Small numbers of either sign made small without one, then all lowest bytes first, all highest last."""
    unsigned = ((values << 1) ^ (values >> 63)).astype("<i8", copy=False)
    return zlib.compress(np.ascontiguousarray(unsigned.view(np.uint8).reshape(-1, 8).T).tobytes(), 1)


def _inflated(raw: bytes, count: int) -> IntArray:
    table = np.frombuffer(zlib.decompress(raw), dtype=np.uint8).reshape(8, count)
    unsigned = np.ascontiguousarray(table.T).view("<u8").reshape(count)
    return ((unsigned >> np.uint64(1)) ^ -(unsigned & np.uint64(1))).view(np.int64)
