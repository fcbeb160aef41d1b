"""What holds for every backtest, whatever the market does."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest import run
from engine.fold import Setting, fold
from engine.market import Candles
from engine.results import EXIT_REASONS, STOP_GAP, STOP_LOSS, TAKE_PROFIT
from engine.rules import SymbolRules
from engine.strategies.contract import Signals
from tests.engine.conftest import recorded
from tests.engine.slow_bot import SlowBot
from tests.engine.test_fold import minutes_of, rows_of, settings_of, signals_for

E8 = 10**8
MINUTE_MS = 60_000


@settings(max_examples=150, deadline=None)
@given(data=st.data(), number=st.integers(0, 30))
def test_money_is_neither_made_nor_lost(
    every_rules: list[SymbolRules], data: st.DataObject, number: int
) -> None:
    rules = every_rules[number % len(every_rules)]
    candles, setting = data.draw(minutes_of(rules)), data.draw(settings_of(rules, "1m"))
    result = fold(candles, signals_for(candles, data.draw), setting, minutes=None, start_ms=0)
    positions, trades = result.positions, result.trades
    # Results plus the change of dust at cost are the change of the balance.
    assert result.balance_e8 - setting.initial_capital_e8 == int(positions.pnl_e8.sum()) - result.dust_cost_e8
    assert result.dust_cost_e8 >= 0 <= result.dust_quantity_e8
    # A position is bought with the capital of its time at most, and holds something.
    capital = setting.initial_capital_e8 + np.concatenate([[0], np.cumsum(positions.pnl_e8)[:-1]])
    assert bool(np.all(positions.cost_e8 <= capital[: len(positions)]))
    assert bool(np.all(positions.quantity_e8 > 0))
    # What is held never falls below nothing, and time never runs back.
    coins = np.where(trades.side > 0, trades.quantity_e8 - trades.commission_e8, -trades.quantity_e8)
    held = setting.dust_quantity_e8 + np.cumsum(coins)
    assert bool(np.all(held >= 0))
    assert (held[-1] if len(held) else setting.dust_quantity_e8) == result.dust_quantity_e8
    assert bool(np.all(np.diff(trades.at_ms) >= 0))
    assert bool(np.all(positions.lowest_e8 <= positions.highest_e8))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), number=st.integers(0, 30))
def test_no_exit_is_better_than_its_price(
    every_rules: list[SymbolRules], data: st.DataObject, number: int
) -> None:
    """A stop never fills above its price, a target never but at it or (refused at once) beyond; who fills at an opening
    gets that opening."""
    rules = every_rules[number % len(every_rules)]
    setting = replace(data.draw(settings_of(rules, "1m")), slippage_e6=0, trailing_percent_e6=None)
    candles = data.draw(minutes_of(rules))
    found = fold(candles, signals_for(candles, data.draw), setting, minutes=None, start_ms=0).positions
    openings = dict(zip(candles.open_ms.tolist(), candles.open.tolist(), strict=True))
    for row in range(len(found)):
        entry, price, reason = (
            int(found.entry_price_e8[row]),
            int(found.exit_price_e8[row]),
            found.exit_reason[row],
        )
        opening = openings.get(int(found.closed_ms[row]))
        if reason in (STOP_LOSS, STOP_GAP):
            stop = -(-entry * (10**6 - (setting.stop_percent_e6 or 0)) // 10**6)
            assert price < stop + rules.tick_e8
            assert opening is None or opening * (1 - 1e-8) - 1 <= price <= opening
        if reason == TAKE_PROFIT and opening is None:
            assert price <= entry * (10**6 + (setting.target_percent_e6 or 0)) // 10**6


@settings(max_examples=100, deadline=None)
@given(data=st.data(), fee=st.integers(100, 5_000), slippage=st.integers(0, 3_000))
def test_costs_only_ever_lower_the_result(
    btc_rules: SymbolRules, data: st.DataObject, fee: int, slippage: int
) -> None:
    """At a fixed size and without limits. (Slippage would move the stops with the entry: exits by signal only.)"""
    candles = data.draw(minutes_of(btc_rules))
    signals = signals_for(candles, data.draw)
    exits = st.one_of(st.none(), st.integers(1_000, 30_000)) if not slippage else st.none()
    free = Setting(
        rules=btc_rules, interval_ms=MINUTE_MS, initial_capital_e8=10**6 * E8, size_fixed_e8=10**4 * E8,
        stop_percent_e6=data.draw(exits), target_percent_e6=data.draw(exits), max_slippage_e6=10**6,
        taker_e6=0, maker_e6=0,
    )  # fmt: skip
    charged = replace(free, taker_e6=fee, maker_e6=fee, slippage_e6=slippage)
    without, with_costs = (fold(candles, signals, each, minutes=None, start_ms=0) for each in (free, charged))
    assert len(without.positions) == len(with_costs.positions)
    if len(without.positions):
        assert with_costs.balance_e8 < without.balance_e8


def walk_of_ticks(seed: int, minutes: int) -> Candles:
    """A coin thrown sixty times a minute, up a tick or down a tick."""
    random = np.random.default_rng(seed)
    price = 10_000 + np.cumsum(random.integers(0, 2, (minutes, 60)) * 2 - 1).reshape(minutes, 60)
    columns = price[:, 0], price.max(axis=1), price.min(axis=1), price[:, -1]
    open_ms = 20_000 * 86_400_000 + np.arange(minutes) * MINUTE_MS
    return Candles(open_ms, *(column * 10**6 for column in columns), np.full(minutes, E8))


@pytest.mark.parametrize(
    "exits", [{}, {"stop_percent_e6": 5_000}, {"stop_percent_e6": 4_000, "target_percent_e6": 6_000}]
)
def test_a_driftless_walk_earns_nothing_on_average(btc_rules: SymbolRules, exits: dict[str, int]) -> None:
    """Before costs; entries and exits by chance, stops and targets at whole ticks, so that nothing is jumped over."""
    setting = Setting(
        rules=btc_rules, interval_ms=MINUTE_MS, initial_capital_e8=10**6 * E8, size_fixed_e8=10**4 * E8, taker_e6=0,
        maker_e6=0, **exits,
    )  # fmt: skip
    results = []
    for seed in range(300):
        candles = walk_of_ticks(seed, 400)
        random = np.random.default_rng(10_000 + seed)
        entry, leaves = random.random((2, 400)) < [[0.2], [0.02]]
        signals = Signals(entry, leaves, *[np.zeros(400, dtype=np.bool_)] * 2, np.ones(400, dtype=np.bool_))
        results.append(int(fold(candles, signals, setting, minutes=None, start_ms=0).positions.pnl_e8.sum()))
    mean, error = np.mean(results), np.std(results) / np.sqrt(len(results))
    assert abs(mean) < 3 * error


@pytest.mark.parametrize(("symbol", "interval"), [("BTCUSDT", "1m"), ("ETHUSDT", "5m")])
def test_real_candles_with_every_exit(
    testnet_rules: dict[str, SymbolRules], symbol: str, interval: str
) -> None:
    """A strategy on recorded candles: the same trades as the slow bot's, and all kinds of exits among them."""
    minutes = recorded(symbol)[:1_500]
    setting = Setting(
        rules=testnet_rules[symbol], interval_ms=MINUTE_MS * int(interval[0]), initial_capital_e8=10_000 * E8,
        stop_percent_e6=2_000, target_percent_e6=2_500, trailing_percent_e6=2_600,
    )  # fmt: skip
    start_ms, end_ms = int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + MINUTE_MS
    wild: dict[str, Any] = {
        "ema_fast": 2,
        "ema_slow": 5,
        "rsi_period": 3,
        "rsi_oversold": 5,
        "rsi_overbought": 95,
    }
    done = run(
        minutes,
        interval=interval,
        strategy="ema",
        params=wild,
        setting=setting,
        start_ms=start_ms,
        end_ms=end_ms,
    )
    slow = SlowBot(setting)
    slow.run(done.bars, done.signals, minutes, start_ms)
    assert rows_of(done.folded) == (slow.positions, slow.trades)
    kinds = Counter(EXIT_REASONS[reason] for reason in done.folded.positions.exit_reason)
    assert min(kinds[word] for word in ("exit_signal", "stop_loss", "take_profit", "trailing_stop")) > 0
    assert done.statistics.positions == len(slow.positions) > 10
