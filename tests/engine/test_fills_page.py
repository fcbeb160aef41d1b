"""The numbers on docs/backtest-fills.md are those the engine computes."""

from pathlib import Path

import numpy as np
import pytest

from engine.amounts import decimal_from_e8
from engine.fold import Setting, fold
from engine.market import MINUTE_MS, candles_of
from engine.metrics import statistics
from engine.results import STOP_LOSS, TAKE_PROFIT
from engine.rules import SymbolRules
from engine.strategies.contract import Signals
from tests.engine.folds import E8, NEW_YEAR_MS

PAGE = (Path(__file__).parents[2] / "docs" / "backtest-fills.md").read_text()
OPENING = 6_123_456_000_000


@pytest.mark.parametrize(
    ("high", "low", "reason", "level", "received", "fee", "result"),
    [
        (1.04, 1.0, TAKE_PROFIT, "63,071.59", "1,028.69763290", "1.02869763", "27.93352627"),
        (1.0, 0.98, STOP_LOSS, "60,622.22", "988.74840820", "0.98874840", "−11.97574920"),
    ],
)
def test_the_example_of_what_it_costs(
    btc_rules: SymbolRules,
    high: float,
    low: float,
    reason: int,
    level: str,
    received: str,
    fee: str,
    result: str,
) -> None:
    prices = [(OPENING,) * 4, (OPENING, int(OPENING * high), int(OPENING * low), OPENING), (OPENING,) * 4]
    bars = candles_of((NEW_YEAR_MS + n * MINUTE_MS, *price, E8) for n, price in enumerate(prices))
    never, at_first = np.zeros(3, np.bool_), np.array([True, False, False])
    signals = Signals(
        long_entry=at_first, long_exit=never, short_entry=never, short_exit=never, ready=np.ones(3, np.bool_)
    )
    setting = Setting(
        rules=btc_rules, interval_ms=MINUTE_MS, initial_capital_e8=1_000 * E8, stop_percent_e6=10_000,
        target_percent_e6=30_000,
    )  # fmt: skip
    folded = fold(bars, signals, setting, minutes=None, start_ms=NEW_YEAR_MS)
    buy, sale = (
        [decimal_from_e8(int(column[row])) for column in (folded.trades.quantity_e8, folded.trades.quote_e8)]
        for row in (0, 1)
    )
    assert [f"{number:f}" for number in (*buy, *sale)] == [
        "0.01633000", "999.96036480", "0.01631000", received.replace(",", ""),
    ]  # fmt: skip
    assert f"{decimal_from_e8(int(folded.trades.commission_e8[1]))}" == fee
    assert int(folded.positions.exit_reason[0]) == reason
    assert f"{decimal_from_e8(int(folded.positions.exit_price_e8[0])):,.2f}" == level
    assert f"{decimal_from_e8(int(folded.positions.pnl_e8[0]))}".replace("-", "−") == result
    assert (folded.dust_quantity_e8, folded.dust_cost_e8) == (367, 22_495_580)
    assert all(number in PAGE for number in (level, received, fee, result, "0.01631367", "0.22495580"))
    found = statistics(folded, bars, setting=setting)
    assert found.total_pnl_e8 == int(folded.positions.pnl_e8[0]) == found.final_balance_e8 - 1_000 * E8
