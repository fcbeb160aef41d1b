"""Series of candles, and their rows: the candles of the last days. Only closed candles come here.

A candle once stored never changes: an insert of one that is there does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

import numpy as np
from django.db import connection

from engine.market import Candle, Candles

# The series backtests read, and every coarser one is made of.
MINUTES: Final = "1m"


class Series(NamedTuple):
    """Whose candles: `source` says who served them, `binance` or `sandbox`."""

    source: str
    market: str
    symbol: str
    interval: str


def month_of(open_ms: int) -> date:
    return datetime.fromtimestamp(open_ms // 1000, UTC).date().replace(day=1)


def month_start_ms(month: date) -> int:
    return int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp()) * 1000


def month_after(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


# One value of big-endian integers instead of thousands of numbers to parse: a third of the time.
_READ: Final = """
SELECT string_agg(int8send(open_ms) || int8send(open) || int8send(high) || int8send(low) || int8send(close)
                  || int8send(volume), ''::bytea ORDER BY open_ms)
FROM exchange_candlerow
WHERE source = %s AND market = %s AND symbol = %s AND interval = %s AND open_ms BETWEEN %s AND %s
"""


def rows_between(series: Series, start_ms: int, until_ms: int) -> Candles:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [*series, start_ms, until_ms])
        found = cursor.fetchone()[0]
    table = np.frombuffer(bytes(found or b""), dtype=">i8").reshape(-1, 6).T
    return Candles(*table.astype(np.int64, order="C"))


_INSERT: Final = """
INSERT INTO exchange_candlerow (source, market, symbol, interval, open_ms, open, high, low, close, volume, created_at,
                                updated_at)
SELECT %s, %s, %s, %s, new.*, now(), now()
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS new
ON CONFLICT (source, market, symbol, interval, open_ms) DO NOTHING
"""


def insert(series: Series, candles: Candles) -> None:
    """Add what is not there yet; any number of callers may add the same at the same time."""
    if not len(candles):
        return
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*series, *(column.tolist() for column in candles.columns())])


_INSERT_NEWEST: Final = """
INSERT INTO exchange_candlerow (source, market, symbol, interval, open_ms, open, high, low, close, volume, created_at,
                                updated_at)
SELECT new.*, now(), now()
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::bigint[], %s::bigint[]) AS new
ON CONFLICT (source, market, symbol, interval, open_ms) DO NOTHING
"""


def insert_newest(closed: Sequence[tuple[Series, Candle]]) -> None:
    """`insert` for a candle each of many series, as they close together: one statement."""
    if not closed:
        return
    columns = zip(*((*series, *candle) for series, candle in closed), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_NEWEST, [list(column) for column in columns])


def delete_rows(series: Series, open_ms: list[int]) -> int:
    """Returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM exchange_candlerow WHERE source = %s AND market = %s AND symbol = %s AND interval = %s"
            " AND open_ms = ANY(%s)",
            [*series, open_ms],
        )
        return cursor.rowcount
