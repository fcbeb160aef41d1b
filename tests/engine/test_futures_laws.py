"""What holds for every backtest on futures, whatever the market does."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.fold import Setting, fold
from engine.market import MINUTE_MS
from engine.results import LIQUIDATION, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, Folded
from engine.rules import SymbolRules
from engine.strategies.contract import Signals
from tests.engine.conftest import recorded_brackets
from tests.engine.test_fold import minutes_of
from tests.engine.test_fold_futures import both_signals, futures_of
from tests.engine.test_fold_laws import E8, walk_of_ticks


def drawn(every_rules: list[SymbolRules], data: st.DataObject, number: int) -> tuple[Folded, Setting]:
    rules = every_rules[number % len(every_rules)]
    candles = data.draw(minutes_of(rules))
    setting = data.draw(futures_of(rules, "1m", candles))
    return fold(candles, both_signals(candles, data.draw), setting, minutes=None, start_ms=0), setting


@settings(max_examples=200, deadline=None)
@given(data=st.data(), number=st.integers(0, 30))
def test_money_is_neither_made_nor_lost(
    every_rules: list[SymbolRules], data: st.DataObject, number: int
) -> None:
    result, setting = drawn(every_rules, data, number)
    found, trades = result.positions, result.trades
    assert result.balance_e8 - setting.initial_capital_e8 == int(found.pnl_e8.sum())
    # Every trade's money and fee, and the funding, come to the same.
    flows = -trades.side * trades.quote_e8 - trades.commission_e8
    assert int(flows.sum()) - int(found.funding_e8.sum()) == int(found.pnl_e8.sum())
    # What is entered is left, at once or later, and never are two positions held.
    assert bool(np.all(trades.side[::2] == -trades.side[1::2]))
    assert bool(np.all(trades.quantity_e8[::2] == trades.quantity_e8[1::2]))
    assert bool(np.all(np.diff(trades.at_ms) >= 0))
    assert bool(np.all(found.opened_ms[1:] >= found.closed_ms[:-1]))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), number=st.integers(0, 30))
def test_no_position_loses_more_than_its_margin_and_fees(
    every_rules: list[SymbolRules], data: st.DataObject, number: int
) -> None:
    """Funding comes out of the margin; a liquidation loses all of that and takes no fee."""
    result, setting = drawn(every_rules, data, number)
    found, trades = result.positions, result.trades
    margin = trades.quote_e8[::2] // setting.leverage
    assert bool(np.all(found.pnl_e8 >= -margin - found.fees_e8))
    is_gone = found.exit_reason == LIQUIDATION
    assert bool(np.all((found.pnl_e8 == -margin - found.fees_e8)[is_gone]))
    assert bool(np.all(found.fees_e8[is_gone] == trades.commission_e8[::2][is_gone]))
    # The wallet never owes.
    assert result.balance_e8 >= 0
    # And it was never larger than the exchange allows with this leverage.
    most = max(bracket.cap_e8 for bracket in setting.brackets if bracket.max_leverage >= setting.leverage)
    assert bool(np.all(trades.quote_e8[::2] <= most))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), number=st.integers(0, 30))
def test_no_exit_is_better_than_its_price(
    every_rules: list[SymbolRules], data: st.DataObject, number: int
) -> None:
    """With slippage or without: a stop never fills above its price on a long, never below it on a short."""
    rules = every_rules[number % len(every_rules)]
    candles = data.draw(minutes_of(rules))
    setting = replace(data.draw(futures_of(rules, "1m", candles)), trailing_percent_e6=None)
    result = fold(candles, both_signals(candles, data.draw), setting, minutes=None, start_ms=0)
    found, tick, assumed = result.positions, rules.tick_e8, 10**6
    for row in range(len(found)):
        side, entry, price = (
            int(column[row]) for column in (found.side, found.entry_price_e8, found.exit_price_e8)
        )
        stop = entry * (assumed - side * (setting.stop_percent_e6 or 0)) // assumed
        if found.exit_reason[row] == STOP_LOSS:
            assert side * (price - stop) <= tick
        elif found.exit_reason[row] == TAKE_PROFIT and found.closed_ms[row] % MINUTE_MS:
            target = entry * (assumed + side * (setting.target_percent_e6 or 0)) // assumed
            assert side * (price - target) <= 1
        assert found.exit_reason[row] != TRAILING_STOP


@settings(max_examples=100, deadline=None)
@given(data=st.data(), fee=st.integers(100, 2_000))
def test_fees_only_ever_lower_the_result(btc_rules: SymbolRules, data: st.DataObject, fee: int) -> None:
    """At a fixed size that is the same with and without them, so of leverage 1."""
    candles = data.draw(minutes_of(btc_rules))
    signals = both_signals(candles, data.draw)
    free = Setting(
        rules=btc_rules, interval_ms=MINUTE_MS, initial_capital_e8=10**6 * E8, market="futures", direction="both",
        brackets=recorded_brackets()["BTCUSDT"], size_fixed_e8=10**4 * E8, stop_percent_e6=20_000,
        target_percent_e6=data.draw(st.one_of(st.none(), st.integers(1_000, 30_000))), max_slippage_e6=10**6,
        taker_e6=0, maker_e6=0,
    )  # fmt: skip
    charged = replace(free, taker_e6=fee, maker_e6=fee)
    without, with_fees = (fold(candles, signals, each, minutes=None, start_ms=0) for each in (free, charged))
    assert len(without.positions) == len(with_fees.positions)
    if len(without.positions):
        assert with_fees.balance_e8 < without.balance_e8


def test_a_driftless_walk_earns_nothing_on_average(btc_rules: SymbolRules) -> None:
    """Before costs; long and short by chance, stops and targets at whole ticks, so that nothing is jumped over."""
    setting = Setting(
        rules=btc_rules, interval_ms=MINUTE_MS, initial_capital_e8=10**6 * E8, market="futures", direction="both",
        leverage=5, brackets=recorded_brackets()["BTCUSDT"], size_fixed_e8=10**3 * E8, taker_e6=0,
        stop_percent_e6=4_000, target_percent_e6=6_000,
    )  # fmt: skip
    results = []
    for seed in range(300):
        candles = walk_of_ticks(seed, 400)
        random = np.random.default_rng(10_000 + seed)
        entry, leaves, short, cover = random.random((4, 400)) < [[0.2], [0.02], [0.2], [0.02]]
        signals = Signals(entry, leaves, short, cover, np.ones(400, dtype=np.bool_))
        results.append(int(fold(candles, signals, setting, minutes=None, start_ms=0).positions.pnl_e8.sum()))
    assert min(results) < 0 < max(results)
    mean, error = np.mean(results), np.std(results) / np.sqrt(len(results))
    assert abs(mean) < 3 * error
