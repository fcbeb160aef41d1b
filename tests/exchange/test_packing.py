"""Packing is exact for every series of candles, and says so when the bytes are not what was packed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.market import Candles, candles_of
from exchange.candles.packing import DamagedBlock, checksum, merge, pack, unpack

numbers = some.integers(-(2**63), 2**63 - 1)
openings = some.lists(some.integers(0, 2**62), unique=True, max_size=40).map(sorted)


@some.composite
def series(draw: some.DrawFn) -> Candles:
    return candles_of((at, *(draw(numbers) for _ in range(5))) for at in draw(openings))


def rows(candles: Candles) -> list[tuple[int, ...]]:
    return [candles.at(number) for number in range(len(candles))]


@given(series())
def test_there_and_back(candles: Candles) -> None:
    columns = pack(candles)
    assert len(columns) == 48 * len(candles)
    assert rows(unpack(columns, count=len(candles), expected=checksum(columns))) == rows(candles)


@given(series(), some.data())
def test_one_changed_bit_is_noticed(candles: Candles, data: some.DataObject) -> None:
    columns = bytearray(pack(candles))
    expected = checksum(bytes(columns))
    if columns:
        columns[data.draw(some.integers(0, len(columns) - 1))] ^= 1 << data.draw(some.integers(0, 7))
    else:
        columns.append(0)
    with pytest.raises(DamagedBlock):
        unpack(bytes(columns), count=len(candles), expected=expected)


@given(series(), series())
def test_merging_keeps_every_opening_once_and_believes_the_first(kept: Candles, added: Candles) -> None:
    expected = {row[0]: row for row in rows(added)} | {row[0]: row for row in rows(kept)}
    assert rows(merge(kept, added)) == [expected[at] for at in sorted(expected)]


def test_the_layout_is_little_endian_columns() -> None:
    columns = pack(candles_of([(1, 2, 3, 4, 5, 6), (256, 8, 9, 10, 11, 12)]))
    assert columns[:16] == b"\x01" + bytes(7) + b"\x00\x01" + bytes(6)
    assert columns[-8:] == b"\x0c" + bytes(7)
