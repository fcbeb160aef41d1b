"""The trade history as CSV. A cell that a spreadsheet would take for a formula is made plain text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from exchange.fields import plain

COLUMNS = (
    "id", "timestamp", "bot_config_id", "bot_config__name", "position_id", "venue", "market", "symbol", "side",
    "order_type", "price", "quantity_filled", "quote_quantity_filled", "commission_amount", "commission_asset",
    "realized_pnl", "reason", "binance_order_id", "client_order_id",
)  # fmt: skip
# Called as in the API.
NAMES = {"bot_config_id": "bot_config", "bot_config__name": "bot_name", "position_id": "position"}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 2000


def csv_of(trades: QuerySet[Any]) -> Iterator[str]:
    """Lines of CSV, the names first, in the order of the queryset; read in chunks."""
    yield line([NAMES.get(name, name) for name in COLUMNS])
    for row in trades.values_list(*COLUMNS).iterator(chunk_size=CHUNK):
        yield line([_cell(value) for value in row])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = str(value)
    # Only words come from people; a negative number is a number.
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def line(cells: list[str]) -> str:
    """One line of CSV with its end."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
