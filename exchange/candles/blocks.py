"""Months of candles at rest, a packed block each. A block only grows: a candle it holds never changes.

Writers of one month of one series wait for one another; readers never do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from django.db import connection, transaction

from engine.market import Candle, Candles
from exchange.candles import shelf
from exchange.candles.packing import checksum, merge, pack, table_of, unpack
from exchange.candles.store import Series, month_after, month_of, month_start_ms, rows_between
from exchange.models import CandleBlock

# A month of minutes is 2 MB; a process remembers at most these many.
BLOCKS_KEPT: Final = 6


class Block(NamedTuple):
    """Which block, and what it holds: another content has another checksum."""

    key: int
    month: date
    size: int
    checksum: str


class CandlesDiffer(ValueError):
    """A candle is stored with other numbers than it is offered with now; the stored one stays."""

    def __init__(self, series: Series, stored: Candle, offered: Candle) -> None:
        super().__init__(
            f"{series.symbol} {series.interval} of {series.source} at {stored.open_ms} is stored with other numbers."
        )
        self.series, self.stored, self.offered = series, stored, offered


def blocks_of(series: Series, start_ms: int, until_ms: int) -> list[Block]:
    """Of the months that contain the two instants and those between, in the order of time."""
    found = CandleBlock.objects.filter(
        **series._asdict(), month__gte=month_of(start_ms), month__lte=month_of(until_ms)
    )
    return [Block(*row) for row in found.order_by("month").values_list("pk", "month", "count", "checksum")]


def unpacked(series: Series, block: Block) -> Candles:
    """From the cache on disk, else from the database: then what the block holds now, which may be more by now."""
    subject = f"{series}:{block.month}"
    kept = shelf.take(subject, block.checksum)
    if kept is not None:
        return Candles(*table_of(kept, block.size))
    columns, count, expected = CandleBlock.objects.values_list("columns", "count", "checksum").get(
        pk=block.key
    )
    candles = unpack(bytes(columns), count=count, expected=expected)
    shelf.put(subject, expected, bytes(columns))
    return candles


remembered = lru_cache(maxsize=BLOCKS_KEPT)(unpacked)


def add(series: Series, candles: Candles) -> int:
    """Store candles (in the order of time), all or none; returns how many were new. Raises `CandlesDiffer`."""
    with transaction.atomic():
        return sum(_add_to_month(series, month, part) for month, part in _by_month(candles))


def held(series: Series, month: date) -> Candles:
    """What the block holds now, straight from the database."""
    row = CandleBlock.objects.filter(**series._asdict(), month=month).first()
    return unpack(bytes(row.columns), count=row.count, expected=row.checksum) if row else Candles.empty()


def write(series: Series, month: date, whole: Candles) -> None:
    """Make this the content of the block. Call with the month locked."""
    columns = pack(whole)
    block = CandleBlock(
        **series._asdict(),
        month=month,
        first_open_ms=int(whole.open_ms[0]),
        count=len(whole),
        columns=columns,
        checksum=checksum(columns),
    )
    # One statement: `update_or_create` would fetch the old columns first.
    CandleBlock.objects.bulk_create(
        [block],
        update_conflicts=True,
        unique_fields=[*Series._fields, "month"],
        update_fields=["first_open_ms", "count", "columns", "checksum", "updated_at"],
    )


def lock_month(series: Series, month: date) -> None:
    """Until the transaction ends. Whoever locks several months locks them in the order of time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"candles:{series}:{month}"])


def agreeing(offered: Candles, known: Candles) -> tuple[np.ndarray, np.ndarray]:
    """For each candle offered: whether its opening is known, and whether it is known exactly so."""
    if not len(known):
        nowhere = np.zeros(len(offered), dtype=bool)
        return nowhere, nowhere
    at = np.minimum(np.searchsorted(known.open_ms, offered.open_ms), len(known) - 1)
    pairs = zip(offered.columns(), known.columns(), strict=True)
    same = np.logical_and.reduce([ours == theirs[at] for ours, theirs in pairs])
    return known.open_ms[at] == offered.open_ms, same


def _add_to_month(series: Series, month: date, part: Candles) -> int:
    lock_month(series, month)
    block = held(series, month)
    known = merge(block, rows_between(series, month_start_ms(month), month_start_ms(month_after(month)) - 1))
    is_known, is_same = agreeing(part, known)
    differing = np.flatnonzero(is_known & ~is_same)
    if len(differing):
        offered = part.at(int(differing[0]))
        raise CandlesDiffer(series, known.at(int(np.searchsorted(known.open_ms, offered.open_ms))), offered)
    new = int((~is_known).sum())
    if new:
        write(series, month, merge(block, part))
    return new


def _by_month(candles: Candles) -> Iterator[tuple[date, Candles]]:
    at = 0
    while at < len(candles):
        month = month_of(int(candles.open_ms[at]))
        end = int(np.searchsorted(candles.open_ms, month_start_ms(month_after(month))))
        yield month, candles[at:end]
        at = end
