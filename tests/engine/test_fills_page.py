"""The numbers on docs/backtest-fills.md are those the engine computes."""

from pathlib import Path

import numpy as np
import pytest

from engine.amounts import decimal_from_e8, plain_e8
from engine.exits import stop_ticks, target_ticks
from engine.fold import Setting, fold
from engine.margin import liquidation_e8, scale_of
from engine.market import MINUTE_MS, candles_of
from engine.metrics import statistics
from engine.results import STOP_LOSS, TAKE_PROFIT
from engine.rules import SymbolRules
from engine.strategies.contract import Signals
from tests.engine.conftest import recorded_brackets
from tests.engine.folds import E8, NEW_YEAR_MS
from tests.engine.test_futures_tables import contract_rules, folded, row_of

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


FALLS = "100 100 100 100 S\n100 100 99 99\n99 99 99 99 C\n99 99 99 99"
RISES = "100 100 100 100 E\n100 101 100 101\n101 101 101 101 X\n101 101 101 101"
CRASHES = "100 100 100 100 E\n100 100 100 100\n100 100 100 100\n70 70 70 70"


@pytest.mark.parametrize(
    ("text", "funding", "exit_fee", "result"),
    [
        (RISES, "0.9950722 paid", "4.975361", "87.6254668"),
        (FALLS, "0.9753678 received", "4.876839", "89.6944288"),
        (CRASHES, "0.98522 paid", "–", "−990.1461"),
    ],
)
def test_the_examples_on_futures(
    btc_rules: SymbolRules, text: str, funding: str, exit_fee: str, result: str
) -> None:
    run = folded(text, contract_rules(btc_rules), [(2, 10_000)])
    found = row_of(run)
    paid = plain_e8(abs(found["funding_e8"])) + (" paid" if found["funding_e8"] > 0 else " received")
    fee = plain_e8(int(run.trades.commission_e8[1]))
    told = (paid, fee if fee != "0" else "–", plain_e8(found["pnl_e8"]).replace("-", "−"))
    assert told == (funding, exit_fee, result)
    entry = [plain_e8(int(column[0])) for column in (run.trades.quantity_e8, run.trades.commission_e8)]
    assert entry == ["98.522", "4.9261"]
    numbers = (*told, *entry, f"{found['cost_e8'] / E8:,.4f}", f"{int(run.trades.quote_e8[0]) / E8:,.1f}")
    assert [number for number in numbers if number not in PAGE] == []


def test_the_levels_on_futures() -> None:
    entry, tick = 10_011_000_000, 10**6
    rows = [
        (stop_ticks(1, entry, 10_000, tick), stop_ticks(-1, entry, 10_000, tick)),
        (target_ticks(1, entry, 10_000, tick), target_ticks(-1, entry, 10_000, tick)),
    ]
    assert rows == [(9_911, 10_111), (10_111, 9_911)]
    assert "| stop loss 1 % | 99.1089 → 99.11 | 101.1111 → 101.11 |" in PAGE
    assert "| target 1 % | 101.1111 → 101.11 | 99.1089 → 99.11 |" in PAGE
    place = (1_000, 100 * E8, 10 * E8, scale_of(10**5), recorded_brackets()["BTCUSDT"])
    levels = [plain_e8(liquidation_e8(side, *place)) for side in (1, -1)]
    assert levels == ["90.36144578", "109.56175299"]
    assert "÷ 0.996 = 90.36144578 |" in PAGE
    assert "÷ 1.004 = 109.56175299 |" in PAGE
