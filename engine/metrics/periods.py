"""Results by UTC day and by month: rows for tables and CSV, whose results add up to the total to the digit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.market import DAY_MS, Candles, IntArray
from engine.metrics.curve import Terms, curve_of
from engine.metrics.returns import changes, daily_closes
from engine.results import Folded


class PeriodRow(NamedTuple):
    """One day or month. `pnl_e8` is the change of equity (what is open counts at its price), `ratio` the same of the
    equity before (None where that is not above 0), `equity_e8` at its end. Positions, wins, their results and fees
    count in the period they closed in."""

    start_ms: int
    pnl_e8: int
    ratio: float | None
    equity_e8: int
    positions: int
    wins: int
    realized_pnl_e8: int
    fees_e8: int


def daily_rows(folded: Folded, bars: Candles, *, setting: Terms) -> list[PeriodRow]:
    """One row per UTC day from the first to the last, days without candles or positions included."""
    closes = daily_closes(curve_of(folded, bars, setting))
    return _rows(folded, closes.day * DAY_MS, closes.equity_e8, setting.initial_capital_e8)


def monthly_rows(folded: Folded, bars: Candles, *, setting: Terms) -> list[PeriodRow]:
    """One row per calendar month in UTC; the first and the last may be parts of one."""
    closes = daily_closes(curve_of(folded, bars, setting))
    last = month_ends(closes.day)
    starts_ms = _months(closes.day[last]).astype("datetime64[ms]").astype(np.int64)
    return _rows(folded, starts_ms, closes.equity_e8[last], setting.initial_capital_e8)


def month_ends(days: IntArray) -> IntArray:
    """Of consecutive days (numbers since 1970): the index of the last one of each month."""
    if not len(days):
        return np.empty(0, np.int64)
    months = _months(days)
    return np.flatnonzero(np.append(months[1:] != months[:-1], True))


def _months(days: IntArray) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]").astype("datetime64[M]")


def _rows(folded: Folded, starts_ms: IntArray, equity_e8: IntArray, initial_e8: int) -> list[PeriodRow]:
    count, positions = len(starts_ms), folded.positions
    if not count:
        return []
    ratios = changes(initial_e8, equity_e8)
    row = np.clip(np.searchsorted(starts_ms, positions.closed_ms, "right") - 1, 0, count - 1)
    columns = (
        starts_ms,
        np.diff(equity_e8, prepend=initial_e8),
        equity_e8,
        np.bincount(row, minlength=count),
        np.bincount(row[positions.pnl_e8 > 0], minlength=count),
        _sums(row, positions.pnl_e8, count),
        _sums(row, positions.fees_e8, count),
    )
    shares: list[float | None] = [None] * count if ratios is None else list(ratios.tolist())
    return [
        PeriodRow(start, pnl, share, *rest)
        for (start, pnl, *rest), share in zip(
            zip(*(column.tolist() for column in columns), strict=True), shares, strict=True
        )
    ]


def _sums(row: IntArray, amounts: IntArray, count: int) -> IntArray:
    totals = np.zeros(count, np.int64)
    np.add.at(totals, row, amounts)
    return totals
