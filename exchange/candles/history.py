"""Stored candles read back, a window or years of them; no network.

A block is believed over a row. Rows are read before blocks: what is packed meanwhile is then read twice, never missed.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from engine.market import MINUTE_MS, Candles, interval_ms, resample
from exchange.candles.blocks import blocks_of, remembered, unpacked
from exchange.candles.packing import COLUMNS, merge
from exchange.candles.store import MINUTES, Series, rows_between
from exchange.models import CandleBlock


def history(source: str, market: str, symbol: str, interval: str, *, start_ms: int, end_ms: int) -> Candles:
    """Candles that open at `start_ms` or later and are over at `end_ms`, made of the stored one-minute candles.

    Coarser ones are Binance's own (`engine.market.resample`): one that cannot be told whole, because its first or last
    minutes lie beyond what is stored, is left out. What is not stored is not there: ask `gaps`.
    """
    series = Series(source, market, symbol, MINUTES)
    if interval == MINUTES:
        return minutes(series, start_ms, end_ms - MINUTE_MS)
    length = interval_ms(interval)
    # A candle more at both ends: a gap at an edge is then seen to be one.
    coarse = resample(
        minutes(series, start_ms // length * length - length, end_ms + length - MINUTE_MS), interval
    )
    first, last = np.searchsorted(coarse.open_ms, [start_ms, end_ms - length + 1])
    return coarse[int(first) : max(int(first), int(last))]


def minutes(series: Series, start_ms: int, until_ms: int) -> Candles:
    """Everything of the series with an opening from `start_ms` to `until_ms`; a month at a time besides the result."""
    rows = rows_between(series, start_ms, until_ms)
    blocks = blocks_of(series, start_ms, until_ms)
    collected = Collected(sum(block.size for block in blocks) + len(rows))
    for block in blocks:
        collected.put(_cut(unpacked(series, block), start_ms, until_ms))
    if collected.ends_before(rows):
        collected.put(rows)
        rows = Candles.empty()
    return merge(collected.candles(), rows)


class Collected:
    """Candles put one after the other into columns that are made once, large enough."""

    def __init__(self, size: int) -> None:
        self._table: NDArray[np.int64] = np.empty((COLUMNS, size), dtype=np.int64)
        self._filled = 0

    def put(self, part: Candles) -> None:
        end = self._filled + len(part)
        if end > self._table.shape[1]:
            # A block has grown since it was listed.
            more = np.empty((COLUMNS, 2 * len(part)), dtype=np.int64)
            self._table = np.concatenate((self._table[:, : self._filled], more), axis=1)
        for column, kept in zip(part.columns(), self._table, strict=True):
            kept[self._filled : end] = column
        self._filled = end

    def ends_before(self, later: Candles) -> bool:
        return bool(len(later)) and (
            not self._filled or int(self._table[0, self._filled - 1]) < int(later.open_ms[0])
        )

    def candles(self) -> Candles:
        return Candles(*self._table[:, : self._filled])


def stored(series: Series, start_ms: int, until_ms: int) -> Candles:
    """The same for windows that are asked for again and again: the process remembers the newest months."""
    rows = rows_between(series, start_ms, until_ms)
    candles = Candles.empty()
    for block in blocks_of(series, start_ms, until_ms):
        candles = merge(candles, _cut(remembered(series, block), start_ms, until_ms))
    return merge(candles, rows)


# The last opening of a block is the last number of its first column.
_LAST_BLOCK: Final = """
SELECT substring(columns FROM count * 8 - 7 FOR 8) FROM exchange_candleblock
WHERE source = %s AND market = %s AND symbol = %s AND interval = %s ORDER BY month DESC LIMIT 1
"""
_ROWS: Final = """
SELECT min(open_ms), max(open_ms) FROM exchange_candlerow
WHERE source = %s AND market = %s AND symbol = %s AND interval = %s
"""


def known_range(source: str, market: str, symbol: str) -> tuple[int, int] | None:
    """Openings of the first and the last stored one-minute candle; None where there is none."""
    series = Series(source, market, symbol, MINUTES)
    first_block = (
        CandleBlock.objects.filter(**series._asdict()).order_by("month").values_list("first_open_ms")
    )
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, series)
        ends = [at for at in cursor.fetchone() if at is not None]
        cursor.execute(_LAST_BLOCK, series)
        last = cursor.fetchone()
    ends += [int.from_bytes(bytes(last[0]), "little")] if last else []
    ends += [row[0] for row in first_block[:1]]
    return (min(ends), max(ends)) if ends else None


def stored_symbols(source: str, market: str) -> set[str]:
    """Those with packed one-minute candles: a recording or an import, or a month of watching."""
    blocks = CandleBlock.objects.filter(source=source, market=market, interval=MINUTES)
    return set(blocks.values_list("symbol", flat=True).distinct())


def fingerprint(candles: Candles) -> str:
    """The same for the same numbers, wherever they came from: SHA-256 of the columns, packed."""
    digest = hashlib.sha256()
    for column in candles.columns():
        digest.update(np.ascontiguousarray(column, dtype="<i8"))
    return digest.hexdigest()


def _cut(candles: Candles, start_ms: int, until_ms: int) -> Candles:
    first, last = np.searchsorted(candles.open_ms, [start_ms, until_ms + 1])
    return candles[int(first) : int(last)]
