"""Candles and trades on futures worked by hand: shorts, both directions, gaps, liquidation, funding.

Written as in `test_fold_tables`. Capital 1,000, leverage 10, fee 0.05 %, tick 0.01, step 0.001, maintenance 0.4 %:
a long from 100 is liquidated at (100 − 10) / 0.996 = 90.36144578, a short at (100 + 10) / 1.004 = 109.56175299
"""

from dataclasses import replace
from typing import Any

import pytest

from engine.fold import Setting, UnservedSetting, fold
from engine.margin import Funding
from engine.parity import BUY, SELL, deals_of
from engine.results import Folded
from engine.rules import SymbolRules
from tests.engine.conftest import recorded_brackets
from tests.engine.folds import ints
from tests.engine.test_fold_tables import E8, NOON_MS, table, told

STOP_1 = {"stop_percent_e6": 10_000}
STOP_9 = {"stop_percent_e6": 90_000}
BOTH_1 = {**STOP_1, "target_percent_e6": 10_000}
TARGET_2 = {**STOP_9, "target_percent_e6": 20_000}
TRAIL_1 = {**STOP_9, "trailing_percent_e6": 10_000}


def contract_rules(rules: SymbolRules) -> SymbolRules:
    """A contract, as the exchange states one: no orders by amount, stops at market."""
    return replace(
        rules, step_e8=10**5, quote_order_allowed=False, order_types=("LIMIT", "MARKET", "STOP_MARKET")
    )


@pytest.fixture
def rules(btc_rules: SymbolRules) -> SymbolRules:
    return contract_rules(btc_rules)


def folded(text: str, rules: SymbolRules, funding: Any = (), **values: Any) -> Folded:
    """`funding`: minutes after noon with the rate then, in 1e-8."""
    bars, signals = table(text)
    settlements = Funding(
        ints([NOON_MS + minute * 60_000 for minute, _ in funding]), ints([rate for _, rate in funding])
    )
    usual: dict[str, Any] = {
        "market": "futures", "direction": "both", "leverage": 10, "brackets": recorded_brackets()["BTCUSDT"],
        "taker_e6": 500, "initial_capital_e8": 1_000 * E8, "funding": settlements, **STOP_9,
    }  # fmt: skip
    setting = Setting(rules=rules, interval_ms=60_000, **usual | values)
    return fold(bars, signals, setting, minutes=None, start_ms=0)


TABLES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a short is sold at the next opening and bought back on its own exit signal": (
        """100 100 100 100 S
           99.90 100 99 99 X
           99 99 99 99 C
           98.90 99 98 98""",
        {}, ["01:00.000 sell 99.9", "03:00.000 buy 98.9 exit_signal"],
    ),
    "of two signals at once the long one is followed": (
        """100 100 100 100 ES
           100 100 100 100""",
        {}, ["01:00.000 buy 100", "02:00.000 sell 100 end_of_data"],
    ),
    "but not by a bot that only goes short": (
        """100 100 100 100 ES
           100 100 100 100""",
        {"direction": "short"}, ["01:00.000 sell 100", "02:00.000 buy 100 end_of_data"],
    ),
    "nor does a long bot follow short signals": (
        """100 100 100 100 S
           100 100 100 100""",
        {"direction": "long"}, [],
    ),
    "a candle that exits may enter the other way at the same opening": (
        """100 100 100 100 E
           100 101 100 101 XS
           101 101 101 101""",
        {}, ["01:00.000 buy 100", "02:00.000 sell 101 exit_signal", "02:00.000 sell 101",
             "03:00.000 buy 101 end_of_data"],
    ),
    # Low first: from 23 s on 99.5 → 102 in 18 s, 1.5 of these 2.5 after 10.8 s.
    "the stop of a short lies above it": (
        """100 100 100 100 S
           100 102 99.5 100""",
        {**STOP_1}, ["01:00.000 sell 100", "01:33.800 buy 101 stop_loss"],
    ),
    # High first: from 23 s on 100.5 → 97.5 in 18 s, 2.5 of these 3 after 15 s.
    "the target of a short lies below it": (
        """100 100 100 100 S
           100 100.5 97.5 98""",
        {**TARGET_2}, ["01:00.000 sell 100", "01:38.000 buy 98 take_profit"],
    ),
    "a target is rounded up, toward the entry: 99.1089": (
        """100 100 100 100 S
           100.11 100.11 99.11 99.11""",
        {**BOTH_1}, ["01:00.000 sell 100.11", "01:41.000 buy 99.11 take_profit"],
    ),
    "a stop is rounded down, toward the entry: 101.1111": (
        """100 100 100 100 S
           100.11 101.11 100.11 101.11""",
        {**BOTH_1}, ["01:00.000 sell 100.11", "01:41.000 buy 101.11 stop_loss"],
    ),
    "an opening beyond the stop of a short buys back there": (
        """100 100 100 100 S
           100 100 99.5 99.5
           101.5 102 101 101""",
        {**STOP_1}, ["01:00.000 sell 100", "02:00.000 buy 101.5 stop_loss"],
    ),
    "a market target fills at an opening that lies beyond it": (
        """100 100 100 100 E
           100 101 100 101
           105 106 104 105""",
        {**TARGET_2}, ["01:00.000 buy 100", "02:00.000 sell 105 take_profit"],
    ),
    "that of a short too": (
        """100 100 100 100 S
           100 100 99 99
           95 96 94 95""",
        {**TARGET_2}, ["01:00.000 sell 100", "02:00.000 buy 95 take_profit"],
    ),
    "stop and target of a short inside one candle, both as near: low first, the target": (
        """100 100 100 100 S
           100 102 98 101""",
        {**BOTH_1}, ["01:00.000 sell 100", "01:14.000 buy 99 take_profit"],
    ),
    "stop and target of a short inside one candle, the high is nearer: the stop": (
        """100 100 100 100 S
           100 102 97 98""",
        {**BOTH_1}, ["01:00.000 sell 100", "01:14.000 buy 101 stop_loss"],
    ),
    # 98 × 1.01 = 98.98; low first, then 97.9 → 99.5, 1.08 of these 1.6 after 12.15 s.
    "the trail of a short falls with the lows and is hit": (
        """100 100 100 100 S
           100 100 98 98
           98 99.5 97.9 99""",
        {**TRAIL_1}, ["01:00.000 sell 100", "02:35.150 buy 98.98 trailing_stop"],
    ),
    "a trail of a short at or below the close buys back at the opening": (
        """100 100 100 100 S
           100 100 95 98.5
           98 98 98 98""",
        {**TRAIL_1}, ["01:00.000 sell 100", "02:00.000 buy 98 trailing_stop"],
    ),
    "a moved stop of a short that the opening has passed is an exit at that opening": (
        """100 100 100 100 S
           100 100 98 98
           99.2 99.2 99 99""",
        {**TRAIL_1}, ["01:00.000 sell 100", "02:00.000 buy 99.2 trailing_stop"],
    ),
    "slippage is rounded against us on either side, at a market target too": (
        """100 100 100 100 S
           100 100 97 98
           98 98 98 98 E
           98 101 98 100""",
        {**TARGET_2, "slippage_e6": 777},
        ["01:00.000 sell 99.92", "01:35.420 buy 98.01 take_profit", "03:00.000 buy 98.08",
         "03:35.240 sell 99.96 take_profit"],
    ),
    "an opening above the liquidation is the stop": (
        """100 100 100 100 E
           100 100 99 99
           90.37 91 90.3 91""",
        {"stop_percent_e6": 50_000}, ["01:00.000 buy 100", "02:00.000 sell 90.37 stop_loss"],
    ),
    "an opening that has passed stop and liquidation is the liquidation, and costs the margin": (
        """100 100 100 100 E
           100 100 99 99
           90.36 91 90 91""",
        {"stop_percent_e6": 50_000}, ["01:00.000 buy 100", "02:00.000 sell 90 liquidation"],
    ),
    "never more than the margin": (
        """100 100 100 100 E
           100 100 99 99
           70 70 70 70""",
        {"stop_percent_e6": 50_000}, ["01:00.000 buy 100", "02:00.000 sell 90 liquidation"],
    ),
    "nor on a short": (
        """100 100 100 100 S
           100 100 99 99
           130 130 130 130""",
        {"stop_percent_e6": 50_000}, ["01:00.000 sell 100", "02:00.000 buy 110 liquidation"],
    ),
    "a short is liquidated from 109.57 on": (
        """100 100 100 100 S
           100 100 99 99
           109.57 109.57 109 109""",
        {"stop_percent_e6": 50_000}, ["01:00.000 sell 100", "02:00.000 buy 110 liquidation"],
    ),
    # 1 of the 10 is paid as funding at 02:00: (100 − 9) / 0.996 = 91.365… comes before the stop at 91. From 23 s on
    # 100 → 91 in 18 s, 8.6345… of these 9 after 17.27 s.
    "after funding the liquidation may come before the stop": (
        """100 100 100 100 E
           100 100 100 100
           100 100 91 92""",
        {"funding": [(2, 1_000_000)]}, ["01:00.000 buy 100", "02:40.270 sell 91 liquidation"],
    ),
    "without it, it is the stop": (
        """100 100 100 100 E
           100 100 100 100
           100 100 91 92""",
        {}, ["01:00.000 buy 100", "02:41.000 sell 91 stop_loss"],
    ),
    "a settlement may liquidate at once": (
        """100 100 100 100 S
           100 100 100 100
           100 100 100 100""",
        {"funding": [(2, -10_000_000)]}, ["01:00.000 sell 100", "02:00.000 buy 100 liquidation"],
    ),
    "and so may one at the very end": (
        """100 100 100 100 S
           100 100 100 100""",
        {"funding": [(2, -10_000_000)]}, ["01:00.000 sell 100", "02:00.000 buy 100 liquidation"],
    ),
    "one at the opening of the entry is over by then": (
        """100 100 100 100 S
           100 100 100 100""",
        {"funding": [(1, -10_000_000)]}, ["01:00.000 sell 100", "02:00.000 buy 100 end_of_data"],
    ),
    # 98.522 × 101 takes a margin of 995.0722 and a fee of 4.975361.
    "an opening that asks for more than the wallet holds buys nothing": (
        """100 100 100 100 E
           101 101 101 101""",
        {"max_slippage_e6": 50_000}, [],
    ),
    "a tick less and it does": (
        """100 100 100 100 E
           100.99 100.99 100.99 100.99""",
        {"max_slippage_e6": 50_000}, ["01:00.000 buy 100.99", "02:00.000 sell 100.99 end_of_data"],
    ),
    "an entry whose stop lies beyond its liquidation is refused": (
        """100 100 100 100 E
           100 100 100 100""",
        {"stop_percent_e6": 96_400}, [],
    ),
    "one just before it is not": (
        """100 100 100 100 E
           100 100 100 100""",
        {"stop_percent_e6": 96_300}, ["01:00.000 buy 100", "02:00.000 sell 100 end_of_data"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_table(name: str, rules: SymbolRules) -> None:
    text, values, expected = TABLES[name]
    assert told(folded(text, rules, **values)) == expected


def row_of(result: Folded) -> dict[str, int]:
    """The only position."""
    (row,) = zip(*vars(result.positions).values(), strict=True)
    return dict(zip(vars(result.positions), map(int, row), strict=True))


def test_a_long_to_the_last_digit(rules: SymbolRules) -> None:
    """A margin of 1,000 / 1.015 buys 98.522 for 9,852.2, the fee is 4.9261. 0.01 % of 98.522 × 101 are paid as funding
    at 02:00. Sold at 101 for 9,950.722, less a fee of 4.975361: 98.522 − 4.9261 − 4.975361 − 0.9950722."""
    result = folded(
        "100 100 100 100 E\n100 101 100 101\n101 101 101 101 X\n101 101 101 101", rules, [(2, 10_000)]
    )
    found = row_of(result)
    assert (found["quantity_e8"], found["cost_e8"]) == (9_852_200_000, 985_712_610_000)
    assert (found["fees_e8"], found["funding_e8"]) == (990_146_100, 99_507_220)
    assert (found["pnl_e8"], found["side"]) == (8_762_546_680, 1)
    assert result.balance_e8 == 1_000 * E8 + 8_762_546_680
    assert result.trades.commission_e8.tolist() == [492_610_000, 497_536_100]
    assert result.trades.commission_is_base.tolist() == result.trades.is_maker.tolist() == [0, 0]
    assert result.trades.quote_e8.tolist() == [985_220_000_000, 995_072_200_000]
    # Money less the fee, and what the price has brought; from the close of 02:00 on also less the funding.
    before = 1_000 * E8 - 492_610_000 + 9_852_200_000
    assert result.equity_e8.tolist() == [1_000 * E8, before, before - 99_507_220, result.balance_e8]


def test_a_short_to_the_last_digit(rules: SymbolRules) -> None:
    """The same way down: bought back at 99 for 9,753.678, a fee of 4.876839; 0.01 % of that are received as funding."""
    result = folded("100 100 100 100 S\n100 100 99 99\n99 99 99 99 C\n99 99 99 99", rules, [(2, 10_000)])
    found = row_of(result)
    assert (found["fees_e8"], found["funding_e8"], found["side"]) == (980_293_900, -97_536_780, -1)
    assert found["pnl_e8"] == 9_852_200_000 - 980_293_900 + 97_536_780
    assert (found["lowest_e8"], found["highest_e8"]) == (99 * E8, 100 * E8)
    before = 1_000 * E8 - 492_610_000 + 9_852_200_000
    assert result.equity_e8.tolist() == [1_000 * E8, before, before + 97_536_780, result.balance_e8]


def test_parity_hears_of_funding_with_the_exit(rules: SymbolRules) -> None:
    result = folded("100 100 100 100 S\n100 100 99 99\n99 99 99 99 C\n99 99 99 99", rules, [(2, 10_000)])
    assert [(deal.reason, deal.side, deal.funding_e8) for deal in deals_of(result)] == [
        ("entry", SELL, 0), ("exit_signal", BUY, -97_536_780),
    ]  # fmt: skip


def test_a_liquidation_to_the_last_digit(rules: SymbolRules) -> None:
    """Of the 985.22 of margin 0.98522 had been paid as funding; all the rest is lost with it, and no fee is taken."""
    text = "100 100 100 100 E\n100 100 100 100\n100 100 100 100\n80 80 80 80"
    result = folded(text, rules, [(2, 10_000)])
    found = row_of(result)
    assert (found["funding_e8"], found["fees_e8"]) == (98_522_000, 492_610_000)
    assert found["pnl_e8"] == -(98_522_000_000 + 492_610_000)
    assert (result.trades.commission_e8.tolist()[1], result.trades.quote_e8.tolist()[1]) == (
        0,
        985_220_000_000 - 98_522_000_000 + 98_522_000,
    )
    assert (found["exit_price_e8"], found["lowest_e8"]) == (9_001_000_000, 9_001_000_000)
    assert result.balance_e8 == 1_000 * E8 + found["pnl_e8"]


def test_settlements_of_a_gap_are_paid_on_the_last_close(rules: SymbolRules) -> None:
    """Two at once, dated a little late; the exit at that opening comes after them."""
    bars, signals = table("100 100 100 100 E\n100 101 100 101 X\n101 101 101 101")
    rates = ints([10_000_000, 10_000, 0, 20_000, 10_000_000])
    gap = replace(bars, open_ms=bars.open_ms + ints([0, 0, 180_000]))
    setting = Setting(
        rules=rules, interval_ms=60_000, market="futures", leverage=10, brackets=recorded_brackets()["BTCUSDT"],
        taker_e6=500, initial_capital_e8=1_000 * E8, **STOP_9,
        funding=Funding(NOON_MS + ints([60_009, 180_004, 299_999, 300_007, 360_000]), rates),
    )  # fmt: skip
    result = fold(gap, signals, setting, minutes=None, start_ms=0)
    worth = 98_522 * 101 * 10**5
    assert result.positions.funding_e8.tolist() == [worth // 10_000 + worth // 5_000]
    assert told(result)[-1] == "05:00.000 sell 101 exit_signal"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"brackets": ()}, "the leverage brackets of BTCUSDT are not known"),
        ({"stop_percent_e6": None}, "a bot on futures needs a stop loss"),
        ({"leverage": 126}, "BTCUSDT allows a leverage of 1 to 125"),
        ({"leverage": 0}, "BTCUSDT allows a leverage of 1 to 125"),
        ({"direction": "sideways"}, "there are no bots on futures that go sideways"),
        ({"market": "options"}, "there are no bots on options that go both"),
        ({"market": "spot"}, "spot bots go long, without leverage"),
        ({"dust_quantity_e8": 1}, "there is no dust on futures"),
    ],
)
def test_what_cannot_be_served_is_refused(rules: SymbolRules, values: dict[str, Any], message: str) -> None:
    with pytest.raises(UnservedSetting, match=message):
        folded("100 100 100 100", rules, **values)
