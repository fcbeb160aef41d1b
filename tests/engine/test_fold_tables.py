"""Candles and trades worked by hand: every exit of SPEC §5, and every tie inside a candle.

A candle is "open high low close" with the signals at its close (E entry, X exit; of a short S and C); they open at
12:00, a minute each.
A trade is "mm:ss.mmm side price reason". Capital 1,000, tick 0.01, step 0.00001, fees 0.1 %.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.fold import Setting, UnservedSetting, fold
from engine.market import Candles, candles_of, resample
from engine.results import EXIT_REASONS, Folded
from engine.rules import SymbolRules
from engine.strategies.contract import Signals

NOON_MS = 20_000 * 86_400_000 + 43_200_000
E8 = 10**8


def table(text: str, first_ms: int = NOON_MS) -> tuple[Candles, Signals]:
    rows, flags = [], []
    for number, line in enumerate(text.strip().splitlines()):
        words = line.split()
        rows.append((first_ms + number * 60_000, *(round(float(word) * E8) for word in words[:4]), E8))
        flags.append("".join(words[4:]))
    raised = (np.array([letter in word for word in flags]) for letter in "EXSC")
    return candles_of(rows), Signals(*raised, np.ones(len(rows), dtype=np.bool_))


@pytest.fixture
def rules(btc_rules: SymbolRules) -> SymbolRules:
    """Stops without a limit."""
    return replace(btc_rules, order_types=(*btc_rules.order_types, "STOP_LOSS"))


def folded(text: str, rules: SymbolRules, first_ms: int = NOON_MS, **values: Any) -> Folded:
    bars, signals = table(text, first_ms)
    setting = Setting(rules=rules, interval_ms=60_000, initial_capital_e8=1_000 * E8, **values)
    return fold(bars, signals, setting, minutes=None, start_ms=0)


def told(result: Folded, first_ms: int = NOON_MS) -> list[str]:
    trades, lines = result.trades, []
    for row in range(len(trades)):
        minutes, ms = divmod(int(trades.at_ms[row]) - first_ms, 60_000)
        side = "buy" if trades.side[row] > 0 else "sell"
        price, reason = int(trades.price_e8[row]) / E8, EXIT_REASONS[trades.reason[row]]
        lines.append(f"{minutes:02}:{ms // 1000:02}.{ms % 1000:03} {side} {price:g} {reason}".rstrip())
    return lines


STOP_1 = {"stop_percent_e6": 10_000}
TARGET_2 = {"target_percent_e6": 20_000}
BOTH = {**STOP_1, **TARGET_2}
TRAIL_1 = {"trailing_percent_e6": 10_000}

TABLES = {
    "signals act at the next opening": (
        """100 100 100 100 E
           100.10 101 100 101
           101 101 100.5 100.5 X
           100.40 100.4 100.4 100.4""",
        {}, ["01:00.000 buy 100.1", "03:00.000 sell 100.4 exit_signal"],
    ),
    "what is open at the end is sold at the last close": (
        """100 100 100 100 E
           100 101 100 100.7""",
        {}, ["01:00.000 buy 100", "02:00.000 sell 100.7 end_of_data"],
    ),
    "a signal at the last close acts nowhere": (
        """100 100 100 100
           100 100 100 100 E""",
        {}, [],
    ),
    # High first: from 23 s on 101.5 → 98 in 18 s, 2.5 of these 3.5 after 12.857 s.
    "a stop inside a candle sells at its own price": (
        """100 100 100 100 E
           100 100.5 99.5 100
           100 101.5 98 99""",
        {**STOP_1}, ["01:00.000 buy 100", "02:35.858 sell 99 stop_loss"],
    ),
    "a stop may be hit by the candle of the entry": (
        """100 100 100 100 E
           100 103 98 99""",
        {**STOP_1}, ["01:00.000 buy 100", "01:14.000 sell 99 stop_loss"],
    ),
    "an opening that has passed the stop fills it at the opening": (
        """100 100 100 100 E
           100 100 99.5 99.5
           98.7 100 98 99""",
        {**STOP_1}, ["01:00.000 buy 100", "02:00.000 sell 98.7 stop_loss"],
    ),
    "a target fills at its own price, as maker": (
        """100 100 100 100 E
           100 102 99.5 100""",
        {**TARGET_2}, ["01:00.000 buy 100", "01:41.000 sell 102 take_profit"],
    ),
    "a target fills at its own price even if the opening lies beyond": (
        """100 100 100 100 E
           100 101 100 101
           105 106 104 105""",
        {**TARGET_2}, ["01:00.000 buy 100", "02:00.000 sell 102 take_profit"],
    ),
    "stop and target inside one candle, the low is nearer: the stop": (
        """100 100 100 100 E
           100 104 98 101""",
        {**BOTH}, ["01:00.000 buy 100", "01:14.000 sell 99 stop_loss"],
    ),
    "stop and target inside one candle, the high is nearer: the target": (
        """100 100 100 100 E
           100 102 97 98""",
        {**BOTH}, ["01:00.000 buy 100", "01:23.000 sell 102 take_profit"],
    ),
    "stop and target inside one candle, both as near: low first": (
        """100 100 100 100 E
           100 102 98 101""",
        {**BOTH}, ["01:00.000 buy 100", "01:14.000 sell 99 stop_loss"],
    ),
    "a level that is just reached is touched": (
        """100 100 100 100 E
           100 101 99 100""",
        {**STOP_1}, ["01:00.000 buy 100", "01:23.000 sell 99 stop_loss"],
    ),
    "a level missed by a tick is not": (
        """100 100 100 100 E
           100 101.99 99.01 100
           100 100 100 100""",
        {**BOTH}, ["01:00.000 buy 100", "03:00.000 sell 100 end_of_data"],
    ),
    # The trail starts 1 % below the entry, then follows the high of the closed candle, from the next opening on.
    "a trailing stop rises with the highs and is hit": (
        """100 100 100 100 E
           100 102 100 102
           102 104 102 104
           104 104 102 103""",
        {**TRAIL_1}, ["01:00.000 buy 100", "03:32.360 sell 102.96 trailing_stop"],
    ),
    "a trailing stop does not move inside a candle": (
        """100 100 100 100 E
           100 110 100 109.5
           109.5 109.5 109.4 109.4""",
        {**TRAIL_1}, ["01:00.000 buy 100", "03:00.000 sell 109.4 end_of_data"],
    ),
    "a trailing stop never falls": (
        """100 100 100 100 E
           100 102 100 101.5
           101.5 101.5 101.2 101.3
           101.3 101.3 100 100""",
        {**TRAIL_1}, ["01:00.000 buy 100", "03:27.431 sell 100.98 trailing_stop"],
    ),
    "the high and the close decide: a trail at or beyond the close sells at the opening": (
        """100 100 100 100 E
           100 110 100 102
           101.5 102 101 102""",
        {**TRAIL_1}, ["01:00.000 buy 100", "02:00.000 sell 101.5 trailing_stop"],
    ),
    "a moved stop that the opening has passed is an exit at that opening": (
        """100 100 100 100 E
           100 102 100 102
           100.9 102 100.5 102""",
        {**TRAIL_1}, ["01:00.000 buy 100", "02:00.000 sell 100.9 trailing_stop"],
    ),
    "the tighter of stop and trail names the exit": (
        """100 100 100 100 E
           100 100 99 99""",
        {"stop_percent_e6": 10_000, "trailing_percent_e6": 5_000},
        ["01:00.000 buy 100", "01:32.000 sell 99.5 trailing_stop"],
    ),
    "equal ones are the stop loss": (
        """100 100 100 100 E
           100 100 98 99""",
        {"stop_percent_e6": 10_000, "trailing_percent_e6": 10_000},
        ["01:00.000 buy 100", "01:32.000 sell 99 stop_loss"],
    ),
    "an exit signal wins over a trail that would sell too": (
        """100 100 100 100 E
           100 110 100 102 X
           101.5 102 101 102""",
        {**TRAIL_1}, ["01:00.000 buy 100", "02:00.000 sell 101.5 exit_signal"],
    ),
    "a stop that the opening has passed comes before the exit signal of the closed candle": (
        """100 100 100 100 E
           100 100 99.5 99.5 X
           98 99 98 99""",
        {**STOP_1}, ["01:00.000 buy 100", "02:00.000 sell 98 stop_loss"],
    ),
    "a candle that exits may enter again at the same opening": (
        """100 100 100 100 E
           100 101 100 101 EX
           101 101 101 101""",
        {}, ["01:00.000 buy 100", "02:00.000 sell 101 exit_signal", "02:00.000 buy 101",
             "03:00.000 sell 101 end_of_data"],
    ),
    "and so may one whose stop the opening has passed": (
        """100 100 100 100 E
           100 100 99.4 99.4 E
           99 99.5 99 99.5""",
        {**STOP_1}, ["01:00.000 buy 100", "02:00.000 sell 99 stop_loss", "02:00.000 buy 99",
                     "03:00.000 sell 99.5 end_of_data"],
    ),
    "a cooldown of one waits for the next close": (
        """100 100 100 100 E
           100 101 100 101 EX
           101 101 101 101 E
           101 101 101 101 E
           101 101 101 101""",
        {"cooldown_candles": 1},
        ["01:00.000 buy 100", "02:00.000 sell 101 exit_signal", "04:00.000 buy 101",
         "05:00.000 sell 101 end_of_data"],
    ),
    "an opening further from the close than allowed is not bought": (
        """100 100 100 100 E
           100.51 100.51 100.51 100.51 E
           100.51 100.51 100.51 100.51""",
        {}, ["02:00.000 buy 100.51", "03:00.000 sell 100.51 end_of_data"],
    ),
    "an opening as far from the close as allowed is": (
        """100 100 100 100 E
           100.50 100.50 100.50 100.50""",
        {}, ["01:00.000 buy 100.5", "02:00.000 sell 100.5 end_of_data"],
    ),
    "slippage is rounded against us, a target pays none": (
        """100 100 100 100 E
           100 100.2 100 100.2
           100.2 104 100.2 104 E
           104 104 104 104
           104 104 100 101""",
        {**BOTH, "slippage_e6": 777},
        ["01:00.000 buy 100.08", "02:31.906 sell 102.08 take_profit", "03:00.000 buy 104.09",
         "04:27.275 sell 102.96 stop_loss"],
    ),
    "the circuit breaker: three stop losses within ten minutes": (
        """100 100 100 100 E
           100 100 98 100 E
           100 100 98 100 E
           100 100 98 100 E
           100 100 98 100 E""",
        {**STOP_1},
        ["01:00.000 buy 100", "01:32.000 sell 99 stop_loss", "02:00.000 buy 100", "02:32.000 sell 99 stop_loss",
         "03:00.000 buy 100", "03:32.000 sell 99 stop_loss"],
    ),
    "at most so many entries a day": (
        """100 100 100 100 E
           100 100 100 100 EX
           100 100 100 100 E
           100 100 100 100 E""",
        {"max_daily_trades": 1}, ["01:00.000 buy 100", "02:00.000 sell 100 exit_signal"],
    ),
    "no entry after the day's loss": (
        """100 100 100 100 E
           100 100 99 99 EX
           99 99 99 99 E
           99 99 99 99""",
        {"max_daily_loss_e8": 10 * E8}, ["01:00.000 buy 100", "02:00.000 sell 99 exit_signal"],
    ),
    "no entry after the day's target": (
        """100 100 100 100 E
           100 102 100 102 EX
           102 102 102 102 E
           102 102 102 102""",
        {"daily_target_e8": 10 * E8}, ["01:00.000 buy 100", "02:00.000 sell 102 exit_signal"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_table(name: str, rules: SymbolRules) -> None:
    text, values, expected = TABLES[name]
    assert told(folded(text, rules, **values)) == expected


def test_a_stop_with_a_limit_is_given_up_below_it(btc_rules: SymbolRules) -> None:
    """Stop 99, limit 2 % below it, 97.02."""
    assert "STOP_LOSS" not in btc_rules.order_types
    for opening, reason in ((97.02, "stop_loss"), (97.01, "stop_gap")):
        text = f"""100 100 100 100 E
                   100 100 99.5 99.5
                   {opening} 98 97 98"""
        lines = told(folded(text, btc_rules, **STOP_1))
        assert lines == ["01:00.000 buy 100", f"02:00.000 sell {opening:g} {reason}"]


def test_the_breaker_says_when(rules: SymbolRules) -> None:
    text, values, _ = TABLES["the circuit breaker: three stop losses within ten minutes"]
    assert folded(text, rules, **values).paused_ms == NOON_MS + 3 * 60_000 + 32_000
    apart = "\n".join(["100 100 100 100 E", "100 100 98 100", *["100 100 100 100"] * 9] * 3)
    assert folded(apart, rules, **values).paused_ms == 0


def test_a_day_limit_ends_at_midnight(rules: SymbolRules) -> None:
    """A candle that closes at midnight acts on the new day."""
    lines = [*["100 100 100 100 E", "100 100 100 100 EX"], *["100 100 100 100 E"] * 2, "100 100 100 100"]
    before = 20_000 * 86_400_000 - 4 * 60_000
    result = folded("\n".join(lines), rules, before, max_daily_trades=1)
    assert told(result, before) == [
        "01:00.000 buy 100", "02:00.000 sell 100 exit_signal", "04:00.000 buy 100", "05:00.000 sell 100 end_of_data",
    ]  # fmt: skip


def test_money_fee_and_dust_to_the_last_digit(rules: SymbolRules) -> None:
    """1,000 / 30 buys 33.33333 coins for 999.9999 and leaves 33.29999667 after the fee of 0.03333333; 33.29999 are sold
    for 1,032.29969, less 1.03229969. Their cost is 999.9999 × 33.29999 / 33.29999667, rounded down."""
    result = folded("30 30 30 30 E\n30 31 30 31 X\n31 31 31 31", rules)
    cost = 99_999_990_000 * 3_329_999_000 // 3_329_999_667
    assert (result.trades.quantity_e8.tolist(), result.trades.quote_e8.tolist()) == (
        [3_333_333_000, 3_329_999_000],
        [99_999_990_000, 103_229_969_000],
    )
    assert result.trades.commission_e8.tolist() == [3_333_333, 103_229_969]
    assert result.trades.commission_is_base.tolist() == [1, 0]
    assert result.positions.pnl_e8.tolist() == [103_229_969_000 - 103_229_969 - cost]
    assert result.positions.fees_e8.tolist() == [3_333_333 * 99_999_990_000 // 3_333_333_000 + 103_229_969]
    assert (result.dust_quantity_e8, result.dust_cost_e8) == (667, 99_999_990_000 - cost)
    assert result.balance_e8 == 1_000 * E8 - 99_999_990_000 + 103_229_969_000 - 103_229_969


def test_longer_candles_are_the_sequence_of_their_minutes(rules: SymbolRules) -> None:
    """Inside the five minutes the target comes minutes before the stop, though the low of all of them is nearer."""
    quiet = "100 100 100 100\n" * 5
    minutes, _ = table(
        quiet + "100 100.5 99.9 100\n100 102.5 100 102\n102 102 98 98.5\n98.5 99 98.5 99\n99 99 99 99"
    )
    bars = resample(minutes, "5m")
    nothing = np.zeros(2, dtype=np.bool_)
    signals = Signals(np.array([True, False]), nothing, nothing, nothing, ~nothing)
    setting = Setting(rules=rules, interval_ms=300_000, initial_capital_e8=1_000 * E8, **BOTH)
    fine = fold(bars, signals, setting, minutes=minutes, start_ms=0)
    assert told(fine) == ["05:00.000 buy 100", "06:37.400 sell 102 take_profit"]
    coarse = fold(bars, signals, setting, minutes=None, start_ms=0)
    assert [line.split()[-1] for line in told(coarse)] == ["100", "stop_loss"]


def test_price_extremes_are_those_of_the_path(rules: SymbolRules) -> None:
    """Low first: the high of the candle that hit the stop was never seen."""
    result = folded("100 100 100 100 E\n100 101 99.5 100.5\n100.5 103 98 99", rules, **STOP_1)
    assert (result.positions.lowest_e8.tolist(), result.positions.highest_e8.tolist()) == (
        [99 * E8],
        [101 * E8],
    )


def test_equity_at_every_close(rules: SymbolRules) -> None:
    """Bought 10, holds 9.99: worth 9.99 × 101 at the second close."""
    result = folded("100 100 100 100 E\n100 101 100 101\n101 101 101 101", rules)
    assert result.equity_e8.tolist() == [1_000 * E8, 999 * 101 * E8 // 100, 999 * 101 * E8 // 100]
    assert result.equity_ms.tolist() == [NOON_MS + number * 60_000 for number in (1, 2, 3)]


@pytest.mark.parametrize("values", [{"market": "futures"}, {"direction": "both"}, {"leverage": 2}])
def test_what_cannot_be_served_is_refused(rules: SymbolRules, values: dict[str, Any]) -> None:
    with pytest.raises(UnservedSetting):
        folded("100 100 100 100", rules, **values)
