"""Hand-worked trailing stops: BTCUSDT, tick 0.01, a trail of 0.3 % (SPEC §5.6)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8
from engine.decide import Action, Bar, Decision, Snapshot, decide, says_something_new, snapshot_after
from engine.exits import trailed_stop_ticks
from engine.market import DAY_MS, MINUTE_MS
from engine.rules import SymbolRules

DAY = 20_000
NOON_MS = DAY * DAY_MS + DAY_MS // 2
TRAIL_E6 = 3_000
ENTRY = 6_000_000
STOP = 5_982_000  # 0.3 % below the entry


@pytest.fixture
def trailed(btc_rules: SymbolRules) -> Snapshot:
    return Snapshot(
        rules=btc_rules,
        in_position=True,
        quantity_steps=1_232,
        capital_e8=1_000 * E8,
        available_e8=5_000 * E8,
        counters_day=DAY,
        stop_ticks=STOP,
        best_ticks=ENTRY,
        trailing_percent_e6=TRAIL_E6,
    )


def bar(close: int, high: int, **changes: Any) -> Bar:
    quiet = Bar(
        open_ms=NOON_MS - MINUTE_MS,
        interval_ms=MINUTE_MS,
        close_ticks=close,
        is_ready=True,
        long_entry=False,
        long_exit=False,
        now_ms=NOON_MS + 300,
        is_last_closed=True,
        high_ticks=high,
        low_ticks=min(close, ENTRY) - 10,
    )
    return replace(quiet, **changes)


def made(decision: Decision) -> tuple[Action, str, int, int, str]:
    return (
        decision.action,
        decision.reason,
        decision.stop_ticks,
        decision.best_ticks,
        decision.exit_reason,
    )


def test_a_new_high_moves_the_stop(trailed: Snapshot) -> None:
    decision = decide(trailed, bar(6_005_000, 6_010_000))
    assert made(decision) == (Action.MOVE_STOP, "stop moved", 5_991_970, 6_010_000, "")
    assert decision.text == "The best price since the entry is 60100 USDT: the stop moves to 59919.7 USDT."
    assert (decision.quantity_steps, decision.quote_e8) == (0, 0)
    assert says_something_new("stop moved", decision)


def test_the_high_of_the_entry_candle_counts(trailed: Snapshot) -> None:
    fresh = replace(trailed, best_ticks=0)
    assert made(decide(fresh, bar(6_005_000, 6_010_000)))[2:4] == (5_991_970, 6_010_000)


@pytest.mark.parametrize("high", [5_990_000, ENTRY])
def test_no_new_high_leaves_the_stop_alone(trailed: Snapshot, high: int) -> None:
    decision = decide(trailed, bar(5_985_000, high))
    assert made(decision) == (Action.NONE, "in position", 0, ENTRY, "")


def test_a_stop_only_tightens(trailed: Snapshot) -> None:
    """The user, or a tighter stop loss, put it above the trail."""
    tight = replace(trailed, stop_ticks=5_999_000)
    assert made(decide(tight, bar(6_005_000, 6_010_000))) == (Action.NONE, "in position", 0, 6_010_000, "")


@pytest.mark.parametrize("close", [5_991_970, 5_991_000])
def test_a_close_at_or_below_the_new_stop_sells(trailed: Snapshot, close: int) -> None:
    decision = decide(trailed, bar(close, 6_010_000))
    assert made(decision) == (Action.EXIT, "trailing stop", 0, 6_010_000, "trailing_stop")
    assert decision.quantity_steps == 1_232
    assert decision.text == (
        f"The close of {close / 100:.10g} USDT lies at or below the trailing stop of 59919.7 USDT: selling 0.01232 BTC."
    )


def test_a_close_one_tick_above_the_new_stop_does_not(trailed: Snapshot) -> None:
    assert decide(trailed, bar(5_991_971, 6_010_000)).action is Action.MOVE_STOP


@pytest.mark.parametrize("close", [5_991_000, 6_005_000])
def test_an_exit_signal_wins(trailed: Snapshot, close: int) -> None:
    decision = decide(trailed, bar(close, 6_010_000, long_exit=True))
    assert made(decision) == (Action.EXIT, "exit signal", 0, 6_010_000, "exit_signal")


def test_a_kept_position_follows_its_trail_and_no_signal(trailed: Snapshot) -> None:
    kept = replace(trailed, exits_follow_signal=False, entry_block="stopped")
    assert decide(kept, bar(6_005_000, 6_010_000, long_exit=True)).action is Action.MOVE_STOP
    assert decide(kept, bar(5_991_000, 6_010_000, long_exit=True)).exit_reason == "trailing_stop"
    assert decide(kept, bar(5_990_000, 5_999_000, long_exit=True)).reason == "position kept"


@pytest.mark.parametrize(("close", "leave"), [(6_005_000, False), (5_991_000, False), (6_005_000, True)])
def test_while_an_action_is_under_way_only_the_best_price_goes_on(
    trailed: Snapshot, close: int, leave: bool
) -> None:
    busy = replace(trailed, exit_block="order in flight")
    decision = decide(busy, bar(close, 6_010_000, long_exit=leave))
    assert made(decision) == (Action.NONE, "order in flight", 0, 6_010_000, "")
    freed = replace(snapshot_after(busy, decision), exit_block=None)
    assert decide(freed, bar(6_005_000, 6_005_000)).stop_ticks == 5_991_970


def test_without_a_trail_the_best_price_is_kept_all_the_same(trailed: Snapshot) -> None:
    plain = replace(trailed, trailing_percent_e6=None)
    assert made(decide(plain, bar(5_000_000, 6_010_000))) == (Action.NONE, "in position", 0, 6_010_000, "")


@pytest.mark.parametrize(
    ("quantity", "reason", "text"),
    [
        (0, "in position", "In a position, and no exit signal on this candle."),
        (
            8,
            "exit below minimum",
            "Trailing stop reached, but 0.00008 BTC is worth 4.7928 USDT, below the minimum of 5 USDT.",
        ),
    ],
)
def test_what_is_too_little_to_sell_is_kept(trailed: Snapshot, quantity: int, reason: str, text: str) -> None:
    decision = decide(replace(trailed, quantity_steps=quantity), bar(5_991_000, 6_010_000))
    assert (decision.action, decision.reason, decision.text) == (Action.NONE, reason, text)


def test_a_late_candle_trails_all_the_same(trailed: Snapshot) -> None:
    late = bar(6_005_000, 6_010_000, now_ms=NOON_MS + 3_600_000, is_last_closed=False)
    assert decide(trailed, late).action is Action.MOVE_STOP


@given(
    closes=st.lists(st.tuples(st.integers(5_900_000, 6_200_000), st.integers(0, 50_000)), max_size=12),
    trail=st.integers(500, 50_000),
)
def test_over_missed_candles_the_stop_follows_the_best_high_and_never_falls(
    btc_rules: SymbolRules, *, closes: list[tuple[int, int]], trail: int
) -> None:
    snapshot = Snapshot(
        rules=btc_rules,
        in_position=True,
        quantity_steps=1_232,
        capital_e8=0,
        available_e8=0,
        counters_day=DAY,
        stop_ticks=trailed_stop_ticks(1, ENTRY, trail),
        best_ticks=ENTRY,
        trailing_percent_e6=trail,
    )
    best = ENTRY
    for close, above in closes:
        decision = decide(snapshot, bar(close, close + above))
        best = max(best, close + above)
        after = snapshot_after(snapshot, decision)
        assert after.best_ticks == decision.best_ticks == best
        if decision.action is Action.EXIT:
            assert trailed_stop_ticks(1, best, trail) >= close
            break
        assert snapshot.stop_ticks <= after.stop_ticks == trailed_stop_ticks(1, best, trail)
        assert decision.action is (
            Action.MOVE_STOP if after.stop_ticks > snapshot.stop_ticks else Action.NONE
        )
        snapshot = after
