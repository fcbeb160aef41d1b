"""Candles of days gone by move from rows into their month's block; rows go only once the block is proved to hold them.

The last days stay rows, so that those who watch the market's end read little, and the rest is read as blocks.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import structlog
from django.db import connection, transaction

from engine.market import DAY_MS
from exchange.candles.blocks import agreeing, held, lock_month, write
from exchange.candles.packing import merge
from exchange.candles.store import Series, delete_rows, month_after, month_start_ms, rows_between

logger = structlog.get_logger(__name__)

# Days before that of a series' newest candle which stay rows.
DAYS_KEPT: Final = 2
# A day is over once its series has a candle of a later one: the market's time, not the computer's, decides.
_SETTLED: Final = f"""
SELECT source, market, symbol, interval, month, until_ms FROM (
    SELECT source, market, symbol, interval, open_ms,
           date_trunc('month', to_timestamp(open_ms / 1000) AT TIME ZONE 'UTC')::date AS month,
           (max(open_ms) OVER (PARTITION BY source, market, symbol, interval) / {DAY_MS} - {DAYS_KEPT}) * {DAY_MS}
               AS until_ms
    FROM exchange_candlerow) AS rows
WHERE open_ms < until_ms GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5
"""


def pack_settled_days() -> int:
    """Pack what is over of every series; returns how many candles moved. May run anywhere, any number of times, beside
    readers and writers."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED)
        settled = cursor.fetchall()
    return sum(pack_month(Series(*row[:4]), row[4], until_ms=row[5]) for row in settled)


def pack_month(series: Series, month: date, *, until_ms: int | None = None) -> int:
    """Move one month's rows that open before `until_ms` into its block. A row that differs from the block stays a row,
    and the log says so."""
    end_ms = month_start_ms(month_after(month))
    with transaction.atomic():
        lock_month(series, month)
        rows = rows_between(series, month_start_ms(month), min(end_ms, until_ms or end_ms) - 1)
        if not len(rows):
            return 0
        write(series, month, merge(held(series, month), rows))
        _, same = agreeing(rows, held(series, month))
        if not bool(same.all()):
            logger.error("candles_differ", **series._asdict(), month=str(month), count=int((~same).sum()))
        return delete_rows(series, rows.open_ms[same].tolist())
