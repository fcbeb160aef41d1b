"""Months that are over move from rows into a packed block each; rows go only once the block is proved to hold them."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import structlog
from django.db import connection, transaction

from engine.market import Candles
from exchange.candles.packing import checksum, merge, pack, unpack
from exchange.candles.store import Series, delete_rows, month_start_ms, rows_between
from exchange.models import CandleBlock

logger = structlog.get_logger(__name__)

_MONTH: Final = "date_trunc('month', to_timestamp(open_ms / 1000) AT TIME ZONE 'UTC')::date"
# A month is over once its series has a candle of a later one: the market's time, not the computer's, decides.
_FINISHED: Final = f"""
SELECT source, market, symbol, interval, month FROM (
    SELECT source, market, symbol, interval, {_MONTH} AS month, max({_MONTH}) OVER (
        PARTITION BY source, market, symbol, interval) AS running
    FROM exchange_candlerow) AS rows
WHERE month < running GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


def pack_finished_months() -> int:
    """Pack every finished month of every series; returns how many candles moved. May run anywhere, any number of
    times, beside readers and writers."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISHED)
        finished = cursor.fetchall()
    return sum(pack_month(Series(*row[:4]), row[4]) for row in finished)


def pack_month(series: Series, month: date) -> int:
    """Move one month's rows into its block. A row that differs from the block stays a row, and the log says so."""
    first_ms, last_ms = month_start_ms(month), month_start_ms(_next(month)) - 1
    with transaction.atomic():
        _lock_month(series, month)
        rows = rows_between(series, first_ms, last_ms)
        if not len(rows):
            return 0
        whole = merge(_existing(series, month), rows)
        columns = pack(whole)
        saved, _ = CandleBlock.objects.update_or_create(
            **series._asdict(),
            month=month,
            defaults={
                "first_open_ms": int(whole.open_ms[0]),
                "count": len(whole),
                "columns": columns,
                "checksum": checksum(columns),
            },
        )
        saved.refresh_from_db()
        proved = unpack(bytes(saved.columns), count=saved.count, expected=saved.checksum)
        same = _held(rows, proved)
        if not bool(same.all()):
            logger.error("candles_differ", **series._asdict(), month=str(month), count=int((~same).sum()))
        return delete_rows(series, rows.open_ms[same].tolist())


def _held(rows: Candles, block: Candles) -> np.ndarray:
    """For each row, whether the block holds exactly it."""
    at = np.searchsorted(block.open_ms, rows.open_ms)
    pairs = zip(rows.columns(), block.columns(), strict=True)
    return np.logical_and.reduce([ours == theirs[at] for ours, theirs in pairs])


def _existing(series: Series, month: date) -> Candles:
    row = CandleBlock.objects.filter(**series._asdict(), month=month).first()
    return unpack(bytes(row.columns), count=row.count, expected=row.checksum) if row else Candles.empty()


def _lock_month(series: Series, month: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"candles:{series}:{month}"])


def _next(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
