"""Every statistic equals the same formula written out plainly: money to the digit, ratios to 1e-9."""

import json
import math
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

from engine.market import Candles
from engine.metrics import daily_rows, monthly_rows, plain, statistics
from engine.results import Folded
from tests.engine.folds import Plain, folds
from tests.engine.naive_metrics import at, by_day, naive_statistics, points

# Known by where the deepest fall lies; checked by hand in test_metrics.
NOT_IN_THE_ORACLE = {"start_ms", "end_ms", "dust_cost_e8", "max_drawdown_from_ms", "max_drawdown_to_ms"}

type Case = tuple[Folded, Candles, Plain]


def agrees(found: Any, expected: Any) -> bool:
    if isinstance(expected, float | Fraction):
        return found is not None and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == expected)


@settings(max_examples=250)
@given(folds())
def test_statistics_equal_the_plain_formulas(case: Case) -> None:
    folded, bars, setting = case
    found = asdict(statistics(folded, bars, setting=setting))
    expected = naive_statistics(folded, bars, setting)
    assert set(found) == set(expected) | NOT_IN_THE_ORACLE
    different = {
        name: (found[name], value) for name, value in expected.items() if not agrees(found[name], value)
    }
    assert different == {}


@settings(max_examples=100)
@given(folds())
def test_days_and_months_add_up_to_the_total(case: Case) -> None:
    folded, bars, setting = case
    days = by_day(points(folded, bars, setting))
    total = sum(folded.positions.pnl_e8.tolist())
    for rows in daily_rows(folded, bars, setting=setting), monthly_rows(folded, bars, setting=setting):
        assert sum(row.pnl_e8 for row in rows) == total
        assert sum(row.realized_pnl_e8 for row in rows) == total
        assert sum(row.positions for row in rows) == len(folded.positions)
        assert sum(row.fees_e8 for row in rows) == sum(folded.positions.fees_e8.tolist())
    rows = daily_rows(folded, bars, setting=setting)
    assert {at(row.start_ms).date().isoformat(): row.equity_e8 for row in rows} == days
    assert [
        at(row.start_ms).strftime("%Y-%m-%d") for row in monthly_rows(folded, bars, setting=setting)
    ] == sorted({f"{day[:7]}-01" for day in days})


@settings(max_examples=100)
@given(folds())
def test_nothing_undefined_reaches_json(case: Case) -> None:
    folded, bars, setting = case
    found = statistics(folded, bars, setting=setting)
    written = json.loads(json.dumps(plain(found), allow_nan=False))
    assert not any(name.endswith("_e8") for name in written)
    assert Fraction(written["total_pnl"]) == Fraction(found.total_pnl_e8, 10**8)
    assert written["sharpe"] == (None if found.sharpe is None else pytest.approx(found.sharpe))
