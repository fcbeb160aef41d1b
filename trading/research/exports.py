"""A finished backtest as tables: days, months, positions, filled orders; for CSV files and for the JSON of everything.

Amounts are plain strings, instants ISO in UTC; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np

from engine.amounts import plain_e8
from engine.market import IntArray
from engine.metrics import excursions
from engine.results import EXIT_REASONS, Folded
from exchange.fields import plain
from exchange.instants import instant_of
from trading.models.research import Backtest
from trading.research.backtests import folded_of
from trading.trade_export import line

type Row = dict[str, Any]

TABLES: Final = ("daily", "monthly", "positions", "trades")
ENTRY: Final = "entry"


def csv_of(backtest: Backtest, table: str) -> str:
    """The whole file; an empty table is its head alone."""
    rows = table_of(backtest, table)
    return "".join(
        [line(list(HEADS[table])), *(line([_text(row[name]) for name in HEADS[table]]) for row in rows)]
    )


def table_of(backtest: Backtest, table: str) -> list[Row]:
    """One of TABLES, of a backtest that is done."""
    if table in ("daily", "monthly"):
        return [_period_row(row, table) for row in backtest.periods.get(table, [])]
    folded = folded_of(backtest)
    if folded is None:
        return []
    return list(position_rows(folded) if table == "positions" else trade_rows(folded, backtest))


def position_rows(folded: Folded) -> Iterator[Row]:
    """Entry to exit, in order of opening. MAE and MFE are shares of the entry price."""
    rows, reach = folded.positions, excursions(folded.positions)
    for at in range(len(rows)):
        yield {
            "number": at + 1,
            "side": "long" if rows.side[at] > 0 else "short",
            "opened_at": _iso(rows.opened_ms[at]),
            "closed_at": _iso(rows.closed_ms[at]),
            "quantity": _plain(rows.quantity_e8[at]),
            "entry_price": _plain(rows.entry_price_e8[at]),
            "exit_price": _plain(rows.exit_price_e8[at]),
            "cost": _plain(rows.cost_e8[at]),
            "fees": _plain(rows.fees_e8[at]),
            "funding": _plain(rows.funding_e8[at]),
            "pnl": _plain(rows.pnl_e8[at]),
            "exit_reason": EXIT_REASONS[rows.exit_reason[at]],
            "lowest_price": _plain(rows.lowest_e8[at]),
            "highest_price": _plain(rows.highest_e8[at]),
            "mae": float(reach.adverse[at]),
            "mfe": float(reach.favourable[at]),
        }


def trade_rows(folded: Folded, backtest: Backtest) -> Iterator[Row]:
    """Every filled order in order of time; the result of a position stands on its last sale."""
    rows = folded.trades
    last = _last_of_each(rows.position)
    for at in range(len(rows)):
        position = int(rows.position[at])
        yield {
            "number": at + 1,
            "timestamp": _iso(rows.at_ms[at]),
            "position": position + 1,
            "symbol": backtest.symbol,
            "side": "BUY" if rows.side[at] > 0 else "SELL",
            "reason": EXIT_REASONS[rows.reason[at]] or ENTRY,
            "price": _plain(rows.price_e8[at]),
            "quantity": _plain(rows.quantity_e8[at]),
            "quote_quantity": _plain(rows.quote_e8[at]),
            "commission": _plain(rows.commission_e8[at]),
            "commission_asset": backtest.base_asset if rows.commission_is_base[at] else backtest.quote_asset,
            "liquidity": "maker" if rows.is_maker[at] else "taker",
            "realized_pnl": _plain(folded.positions.pnl_e8[position]) if at in last else None,
        }


def equity_rows(folded: Folded) -> dict[str, list[Any]]:
    """The whole curve as two columns: instants (ms) and equity."""
    return {
        "at_ms": folded.equity_ms.tolist(),
        "equity": [plain_e8(value) for value in folded.equity_e8.tolist()],
    }


def _last_of_each(position: IntArray) -> frozenset[int]:
    """Rows after which a position has no further order; of an entry alone there is no result yet."""
    if not len(position):
        return frozenset()
    turned = np.flatnonzero(np.append(position[1:] != position[:-1], True))
    return frozenset(int(at) for at in turned)


def _period_row(row: Row, table: str) -> Row:
    at = instant_of(row["start_ms"])
    named = {name: value for name, value in row.items() if name not in ("start_ms", "ratio")}
    if table == "daily":
        return {"date": f"{at:%Y-%m-%d}", "return": row["ratio"], **named}
    return {"month": f"{at:%Y-%m}", "return": row["ratio"], **named}


def _text(value: Any) -> str:
    """Nothing here was written by people, so nothing can be a formula. Numbers without exponent."""
    if isinstance(value, float):
        return plain(Decimal(repr(value)))
    return "" if value is None else str(value)


def _plain(value: Any) -> str:
    return plain_e8(int(value))


def _iso(at_ms: Any) -> str:
    return instant_of(int(at_ms)).isoformat().replace("+00:00", "Z")


_OF_PERIODS: Final = ("return", "pnl", "equity", "positions", "wins", "realized_pnl", "fees")
HEADS: Final[dict[str, tuple[str, ...]]] = {
    "daily": ("date", *_OF_PERIODS),
    "monthly": ("month", *_OF_PERIODS),
    "positions": (
        "number", "side", "opened_at", "closed_at", "quantity", "entry_price", "exit_price", "cost", "fees", "funding",
        "pnl", "exit_reason", "lowest_price", "highest_price", "mae", "mfe",
    ),
    "trades": (
        "number", "timestamp", "position", "symbol", "side", "reason", "price", "quantity", "quote_quantity",
        "commission", "commission_asset", "liquidity", "realized_pnl",
    ),
}  # fmt: skip
