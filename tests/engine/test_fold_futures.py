"""The compiled fold on futures says what the slow bot says, to the last digit: long, short and both, with any leverage,
funding, stops, targets and trails, on candles that jump."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.fold import Setting, fold
from engine.margin import Funding
from engine.market import Candles, resample
from engine.results import EXIT_REASONS, Folded
from engine.rules import UNLIMITED, SymbolRules
from engine.strategies.contract import Signals
from tests.engine.conftest import recorded_brackets
from tests.engine.slow_futures import SlowFutures
from tests.engine.test_fold import MINUTE_MS, minutes_of, rows_of, settings_of, words_of


@st.composite
def futures_of(draw: st.DrawFn, rules: SymbolRules, interval: str, minutes: Candles) -> Setting:
    """Stops anywhere between the entry and the price of liquidation, mostly; settlements at any minutes, some dated a
    little late, some ruinous."""
    leverage = draw(st.sampled_from([1, 2, 5, 10, 20, 50, 100]))
    setting = draw(settings_of(rules, interval))
    if draw(st.booleans()):
        setting = replace(
            setting, max_daily_trades=None, max_daily_loss_e8=None, daily_target_e8=None, cooldown_candles=0,
            max_slippage_e6=900_000, trailing_percent_e6=None, size_fixed_e8=None,
        )  # fmt: skip
    return replace(
        setting,
        rules=replace(rules, max_notional_e8=UNLIMITED, quote_order_allowed=False),
        initial_capital_e8=draw(st.integers(10**10, 10**14)) // leverage * draw(st.sampled_from([1, 1, 10])),
        market="futures",
        direction=draw(st.sampled_from(["long", "short", "both", "both"])),
        leverage=leverage,
        brackets=recorded_brackets()[draw(st.sampled_from(["BTCUSDT", "ETHUSDT"]))],
        funding=draw(settlements_of(minutes)),
        stop_percent_e6=max(draw(st.sampled_from([30, 200, 500, 800, 900, 960])) * 1_000 // leverage, 500),
        dust_quantity_e8=0,
        dust_cost_e8=0,
    )


@st.composite
def settlements_of(draw: st.DrawFn, minutes: Candles) -> Funding | None:
    if draw(st.integers(0, 3)) == 0:
        return None
    first, last = int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + MINUTE_MS
    often = draw(st.sampled_from([1, 2, 5, 20]))
    at_ms = np.arange(first - 2 * MINUTE_MS, last + 3 * MINUTE_MS, often * MINUTE_MS)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([10_000, 100_000, 1_000_000, 10_000_000]))
    rates = np.round(random.normal(0, scale, len(at_ms))).astype(np.int64)
    return Funding(at_ms + random.integers(0, 20, len(at_ms)), rates)


def both_signals(bars: Candles, draw: st.DrawFn) -> Signals:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    often, leaves = draw(st.sampled_from([0.1, 0.4, 1.0])), draw(st.sampled_from([0.0, 0.2, 0.5]))
    ready = np.arange(len(bars)) >= draw(st.integers(0, 2))
    entries, exits = random.random((2, len(bars))) < often, random.random((2, len(bars))) < leaves
    return Signals(entries[0] & ready, exits[0] & ready, entries[1] & ready, exits[1] & ready, ready)


def agree(folded: Folded, slow: SlowFutures) -> None:
    assert rows_of(folded) == (slow.positions, slow.trades)
    assert folded.equity_e8.tolist() == slow.equity
    assert {
        words_of(code): count for code, count in enumerate(folded.reasons.tolist()) if count
    } == slow.reasons
    assert (folded.balance_e8, folded.paused_ms) == (slow.money_e8, slow.paused_ms)
    assert (folded.dust_quantity_e8, folded.dust_cost_e8) == (0, 0)


@settings(max_examples=800, deadline=None)
@given(data=st.data(), number=st.integers(0, 30), interval=st.sampled_from(["1m", "1m", "3m", "5m", "15m"]))
def test_fold_equals_the_slow_bot(
    every_rules: list[SymbolRules], data: st.DataObject, number: int, interval: str
) -> None:
    rules = every_rules[number % len(every_rules)]
    minutes = data.draw(minutes_of(rules))
    bars = minutes if interval == "1m" else resample(minutes, interval)
    setting = data.draw(futures_of(rules, interval, minutes))
    signals = both_signals(bars, data.draw)
    start_ms = int(minutes.open_ms[0]) + data.draw(st.sampled_from([0, 0, 4])) * MINUTE_MS
    slow = SlowFutures(setting)
    slow.run(bars, signals, minutes, start_ms)
    folded = fold(bars, signals, setting, minutes=None if interval == "1m" else minutes, start_ms=start_ms)
    agree(folded, slow)


ENDS = ("exit_signal", "stop_loss", "take_profit", "trailing_stop", "liquidation", "end_of_data")


def wild(random: np.random.Generator, rules: SymbolRules) -> Candles:
    """Two hundred minutes, every fifth of which opens elsewhere than the last one closed."""
    steps = np.round(random.normal(0, 400, (200, 4))).astype(np.int64)
    closes = 100_000 + np.cumsum(steps[:, 0])
    opens = np.append(100_000, closes[:-1]) + steps[:, 1] * (random.random(200) < 0.2)
    highs, lows = np.maximum(opens, closes) + abs(steps[:, 2]), np.minimum(opens, closes) - abs(steps[:, 3])
    open_ms = 20_000 * 86_400_000 + np.arange(200) * MINUTE_MS
    tick = 10 * rules.tick_e8
    return Candles(open_ms, opens * tick, highs * tick, lows * tick, closes * tick, np.full(200, 10**8))


def test_every_end_of_either_side(btc_rules: SymbolRules) -> None:
    """And funding paid and received, in a hundred made-up markets."""
    met: Counter[tuple[object, object]] = Counter()
    for seed in range(100):
        random = np.random.default_rng(seed)
        candles, leverage = wild(random, btc_rules), (3, 10, 25, 50, 100)[seed % 5]
        entry, leaves, short, cover = random.random((4, 200)) < [[0.5], [0.1], [0.5], [0.1]]
        rates = np.round(random.normal(0, 300_000, 40)).astype(np.int64)
        setting = Setting(
            rules=replace(btc_rules, min_notional_e8=0, quote_order_allowed=False), interval_ms=MINUTE_MS,
            initial_capital_e8=400_000 * 10**8, size_fixed_e8=400 * 10**8, market="futures",
            direction=("both", "short", "long")[seed % 3], leverage=leverage, brackets=recorded_brackets()["BTCUSDT"],
            funding=Funding(candles.open_ms[::5] + seed % 20, rates),
            stop_percent_e6=(1_000_000 // leverage - 4_000) * (95, 60)[seed % 2] // 100,
            target_percent_e6=(None, 4_000)[seed // 2 % 2], trailing_percent_e6=(None, None, 8_000)[seed // 4 % 3],
            taker_e6=500, slippage_e6=(0, 0, 500)[seed % 3], max_slippage_e6=50_000,
        )  # fmt: skip
        signals = Signals(entry, leaves, short, cover, np.ones(200, dtype=np.bool_))
        slow = SlowFutures(setting)
        slow.run(candles, signals, candles, 0)
        folded = fold(candles, signals, setting, minutes=None, start_ms=0)
        agree(folded, slow)
        found = folded.positions
        met.update(zip(found.side.tolist(), (EXIT_REASONS[code] for code in found.exit_reason), strict=True))
        met.update(("funding", sign) for sign in np.sign(found.funding_e8).tolist())
    wanted = [*((side, reason) for side in (1, -1) for reason in ENDS), ("funding", 1), ("funding", -1)]
    assert {what: met[what] for what in wanted if met[what] < 10} == {}
