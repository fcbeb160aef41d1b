"""A month of candles as bytes and back: six little-endian int64 columns, one after the other, and their checksum."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from engine.market import Candles

COLUMNS = 6
_TYPE = np.dtype("<i8")


class DamagedBlock(ValueError):
    """The bytes are not what was packed: their length, checksum or order in time is wrong."""


def pack(candles: Candles) -> bytes:
    return b"".join(column.astype(_TYPE).tobytes() for column in candles.columns())


def checksum(columns: bytes) -> str:
    return hashlib.sha256(columns).hexdigest()


def unpack(columns: bytes, *, count: int, expected: str) -> Candles:
    """Raises `DamagedBlock` unless these are exactly the bytes that were packed."""
    if len(columns) != COLUMNS * _TYPE.itemsize * count:
        raise DamagedBlock(f"a block of {count} candles has {len(columns)} bytes")
    if checksum(columns) != expected:
        raise DamagedBlock("the block's checksum is wrong")
    table = table_of(columns, count)
    if count > 1 and not bool(np.all(np.diff(table[0]) > 0)):
        raise DamagedBlock("the block's candles are not in the order of time")
    return Candles(*table)


def table_of(columns: bytes, count: int) -> NDArray[np.int64]:
    """The bytes as six rows of `count` integers; a read-only view where this machine counts like the block."""
    return np.frombuffer(columns, dtype=_TYPE).astype(np.int64, copy=False).reshape(COLUMNS, count)


def merge(kept: Candles, added: Candles) -> Candles:
    """Both in the order of time, each opening once; where both have one, `kept` is believed."""
    if not len(added):
        return kept
    if not len(kept):
        return added
    if int(kept.open_ms[-1]) < int(added.open_ms[0]):
        return Candles(*(np.concatenate(pair) for pair in zip(kept.columns(), added.columns(), strict=True)))
    openings = np.concatenate((kept.open_ms, added.open_ms))
    # `unique` keeps the first of equals, and what is kept comes first.
    _, chosen = np.unique(openings, return_index=True)
    return Candles(
        *(np.concatenate(pair)[chosen] for pair in zip(kept.columns(), added.columns(), strict=True))
    )
