"""The compiled fold says what a bot told slowly says, to the last digit, on candles that jump and touch."""

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiled import compiled
from engine.fold import Setting, fold
from engine.market import Candles, candles_of, interval_ms, resample
from engine.reasons import REASON_OF_CODE
from engine.results import EXIT_REASONS, Folded
from engine.rules import SymbolRules
from engine.step import REASON_BLOCKED
from engine.strategies.contract import Signals
from engine.walk import walk
from tests.engine.slow_bot import SlowBot

DAY_MS = 86_400_000
MINUTE_MS = 60_000


@st.composite
def minutes_of(draw: st.DrawFn, rules: SymbolRules, *, most: int = 60) -> Candles:
    """A nervous market over a few dozen minutes, most often around a midnight: prices jump, minutes are missing."""
    count = draw(st.integers(2, most))
    seed = draw(st.integers(0, 2**32 - 1))
    nerves = draw(st.sampled_from([2, 10, 60, 300]))  # in 1e-4 of the price
    random = np.random.default_rng(seed)
    level = draw(st.sampled_from([60_000.0, 2_500.0, 0.5]))
    price = max(round(level * 10**8 / rules.tick_e8), 40)
    open_ms = 20_000 * DAY_MS - draw(st.integers(0, count)) * MINUTE_MS
    rows = []
    for _ in range(count):
        steps = [round(float(step) * price / 10_000) for step in random.normal(0, nerves, 4)]
        opening = max(price + (steps[0] // 2 if random.random() < 0.2 else 0), 20)
        close = max(opening + steps[1], 20)
        high = max(opening, close) + (abs(steps[2]) if random.random() < 0.8 else 0)
        low = max(min(opening, close) - (abs(steps[3]) if random.random() < 0.8 else 0), 10)
        rows.append((open_ms, *(ticks * rules.tick_e8 for ticks in (opening, high, low, close)), 10**8))
        price = close
        open_ms += MINUTE_MS * (1 if random.random() < 0.97 else int(random.integers(2, 5)))
    return candles_of(rows)


@st.composite
def settings_of(draw: st.DrawFn, rules: SymbolRules, interval: str) -> Setting:
    share = st.one_of(st.none(), st.integers(500, 30_000))
    capital = draw(st.one_of(st.integers(10**9, 10**13), st.integers(10**13, 10**16)))
    size: dict[str, Any] = draw(
        st.one_of(
            st.just({}),
            st.builds(lambda value: {"size_percent_e6": value}, st.integers(1_000, 1_000_000)),
            st.builds(lambda value: {"size_fixed_e8": value}, st.integers(6 * 10**8, 10**12)),
        )
    )
    money = st.one_of(st.none(), st.integers(0, capital // 50))
    dust = draw(st.one_of(st.just(0), st.integers(1, rules.step_e8 - 1))) if rules.step_e8 > 1 else 0
    return Setting(
        rules=rules, interval_ms=interval_ms(interval), initial_capital_e8=capital, **size,
        dust_quantity_e8=dust, dust_cost_e8=min(dust * 3, 10**7),
        stop_percent_e6=draw(share), target_percent_e6=draw(share), trailing_percent_e6=draw(share),
        stop_limit_offset_e6=draw(st.sampled_from([500, 20_000])),
        max_daily_trades=draw(st.one_of(st.none(), st.integers(0, 4))), max_daily_loss_e8=draw(money),
        daily_target_e8=draw(money), cooldown_candles=draw(st.sampled_from([0, 0, 1, 3])),
        max_slippage_e6=draw(st.sampled_from([5_000, 100, 900_000])), taker_e6=draw(st.sampled_from([1_000, 0, 750])),
        maker_e6=draw(st.sampled_from([1_000, 0, 200])), slippage_e6=draw(st.sampled_from([0, 0, 300, 10_000])),
    )  # fmt: skip


def signals_for(bars: Candles, draw: st.DrawFn) -> Signals:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    often = draw(st.sampled_from([0.1, 0.5, 1.0]))
    ready = np.arange(len(bars)) >= draw(st.integers(0, 2))
    entry = (random.random(len(bars)) < often) & ready
    leaves = (random.random(len(bars)) < draw(st.sampled_from([0.0, 0.2, 0.5]))) & ready
    nothing = np.zeros(len(bars), dtype=np.bool_)
    return Signals(long_entry=entry, long_exit=leaves, short_entry=nothing, short_exit=nothing, ready=ready)


def rows_of(folded: Folded) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    positions = [
        list(row)
        for row in zip(*(getattr(folded.positions, name).tolist() for name in POSITION), strict=True)
    ]
    trades = [
        list(row) for row in zip(*(getattr(folded.trades, name).tolist() for name in TRADE), strict=True)
    ]
    for position in positions:
        position[10] = EXIT_REASONS[position[10]]
    for trade in trades:
        trade[3] = EXIT_REASONS[trade[3]]
    return [tuple(row) for row in positions], [tuple(row) for row in trades]


def words_of(code: int) -> str:
    return "paused" if code == REASON_BLOCKED else REASON_OF_CODE[code].value


POSITION = (
    "opened_ms", "closed_ms", "side", "quantity_e8", "entry_price_e8", "exit_price_e8", "cost_e8", "fees_e8",
    "funding_e8", "pnl_e8", "exit_reason", "lowest_e8", "highest_e8",
)  # fmt: skip
TRADE = (
    "at_ms", "position", "side", "reason", "price_e8", "quantity_e8", "quote_e8", "commission_e8",
    "commission_is_base", "is_maker",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(data=st.data(), number=st.integers(0, 30), interval=st.sampled_from(["1m", "1m", "3m", "5m", "15m"]))
def test_fold_equals_the_slow_bot(
    every_rules: list[SymbolRules], data: st.DataObject, number: int, interval: str
) -> None:
    rules = every_rules[number % len(every_rules)]
    minutes = data.draw(minutes_of(rules))
    bars = minutes if interval == "1m" else resample(minutes, interval)
    setting = data.draw(settings_of(rules, interval))
    signals = signals_for(bars, data.draw)
    start_ms = int(minutes.open_ms[0]) + data.draw(st.sampled_from([0, 0, 4])) * MINUTE_MS
    slow = SlowBot(setting)
    slow.run(bars, signals, minutes, start_ms)
    folded = fold(bars, signals, setting, minutes=None if interval == "1m" else minutes, start_ms=start_ms)
    assert rows_of(folded) == (slow.positions, slow.trades)
    assert folded.equity_e8.tolist() == slow.equity
    assert {
        words_of(code): count for code, count in enumerate(folded.reasons.tolist()) if count
    } == slow.reasons
    assert (folded.balance_e8, folded.paused_ms) == (slow.money_e8, slow.paused_ms)
    dust = None if slow.dust is None else slow.dust.dust()
    assert (folded.dust_quantity_e8, folded.dust_cost_e8) == (
        (0, 0) if dust is None else (dust.quantity_e8, dust.cost_e8)
    )


def test_one_compilation_serves_all_kinds_of_vectors(every_rules: list[SymbolRules], tmp_path: Path) -> None:
    """Read from a memory-mapped file, sliced out of a table, writable or not: the walk is compiled once for all."""
    rows = [(20_000 * DAY_MS + minute * MINUTE_MS, *[10**10] * 4, 1) for minute in range(4)]
    plain = candles_of(rows)
    mapped = []
    for number, column in enumerate(plain.columns()):
        path = tmp_path / str(number)
        path.write_bytes(b"odd" + column.tobytes())
        mapped.append(np.memmap(path, dtype=np.int64, mode="r", offset=3, shape=(4,)))
    strided = Candles(*np.array(rows, dtype=np.int64).T)
    yes = np.ones(8, dtype=np.bool_)
    setting = Setting(rules=every_rules[0], interval_ms=MINUTE_MS, initial_capital_e8=10**12)
    found = []
    for candles, flags in (
        (plain, yes[:4]),
        (Candles(*mapped), yes[::2]),
        (strided, np.frombuffer(b"\1" * 4, np.bool_)),
    ):
        signals = Signals(flags, flags, flags, flags, flags)
        found.append(rows_of(fold(candles, signals, setting, minutes=None, start_ms=0)))
    assert found[0] == found[1] == found[2]
    assert len(compiled(walk).signatures) == 1  # type: ignore[attr-defined]
