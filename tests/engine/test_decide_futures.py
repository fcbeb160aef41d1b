"""Hand-worked decisions on futures and of shorts. Tick 0.01, step 0.001, minimum notional 100 USDT, taker 0.05 %."""

from dataclasses import replace
from typing import Any

import pytest

from engine.amounts import E8
from engine.decide import Action, Bar, Snapshot, decide, snapshot_after
from engine.market import MINUTE_MS
from engine.rules import SymbolRules
from tests.engine.conftest import recorded_brackets
from tests.engine.test_decide import DAY, NOON_MS


@pytest.fixture
def flat(btc_rules: SymbolRules) -> Snapshot:
    rules = replace(
        btc_rules, step_e8=10**5, min_quantity=1, market_min_quantity=1, min_notional_e8=100 * E8,
        quote_order_allowed=False,
    )  # fmt: skip
    return Snapshot(
        rules=rules,
        in_position=False,
        quantity_steps=0,
        capital_e8=1_000 * E8,
        available_e8=1_000 * E8,
        counters_day=DAY,
        direction="both",
        leverage=10,
        brackets=recorded_brackets()["BTCUSDT"],
        taker_e6=500,
        first_stop_e6=10_000,
    )


@pytest.fixture
def short(flat: Snapshot) -> Snapshot:
    """Sold at 60,000, the stop 1 % above it, a trail of 2 %."""
    return replace(
        flat, in_position=True, side=-1, quantity_steps=164, stop_ticks=6_060_000, best_ticks=6_000_000,
        trailing_percent_e6=20_000,
    )  # fmt: skip


def bar(close: int = 6_000_000, **changes: Any) -> Bar:
    quiet = Bar(
        open_ms=NOON_MS - MINUTE_MS, interval_ms=MINUTE_MS, close_ticks=close, is_ready=True, long_entry=False,
        long_exit=False, now_ms=NOON_MS, is_last_closed=True, high_ticks=close, low_ticks=close,
    )  # fmt: skip
    return replace(quiet, **changes)


@pytest.mark.parametrize(
    ("signal", "side", "does"), [("long_entry", 1, "buying"), ("short_entry", -1, "selling short")]
)
def test_an_entry(flat: Snapshot, signal: str, side: int, does: str) -> None:
    """A margin of 1,000 / 1.015 = 985.22 buys for 9,852.2 at 60,000: 0.164, worth 9,840; 984 and a fee of 4.92."""
    decision = decide(flat, bar(**{signal: True}))
    assert (decision.action, decision.side) == (Action.ENTER, side)
    assert (decision.quantity_steps, decision.quote_e8) == (164, 98_892_000_000)
    assert decision.text == (
        f"Entry signal at a close of 60000 USDT: {does} 0.164 BTC at leverage 10, which takes 988.92 USDT."
    )


@pytest.mark.parametrize(
    ("direction", "signals", "side"),
    [
        ("long", {"short_entry": True}, 0),
        ("short", {"long_entry": True}, 0),
        ("long", {"long_entry": True, "short_entry": True}, 1),
        ("short", {"long_entry": True, "short_entry": True}, -1),
        ("both", {"long_entry": True, "short_entry": True}, 1),
    ],
)
def test_only_signals_of_its_direction_count(
    flat: Snapshot, direction: str, signals: dict[str, bool], side: int
) -> None:
    """Of two at once it goes long, where it may."""
    decision = decide(replace(flat, direction=direction), bar(**signals))
    assert (decision.side, decision.action) == (side, Action.ENTER if side else Action.NONE)


@pytest.mark.parametrize(
    ("known", "reason", "text"),
    [
        (
            {"size_fixed_e8": 6 * E8},
            "below minimum quantity",
            "Entry signal, but at this close a margin of 5.91133004 USDT does not fit: "
            "0 BTC is below the minimum quantity 0.001 BTC.",
        ),
        (
            {"size_fixed_e8": 8 * E8},
            "below minimum notional",
            "Entry signal, but at this close a margin of 7.88177339 USDT does not fit: "
            "0.001 BTC is worth 60 USDT, below the minimum of 100 USDT.",
        ),
        (
            {"available_e8": 98_891_999_999},
            "not enough money",
            "Entry signal, but it takes 988.92 USDT and only 988.91999999 USDT are free.",
        ),
        (
            {"leverage": 125},
            "above leverage bracket",
            "Entry signal, but leverage 125 allows positions of 50000 USDT at most and this one would be worth 105240.",
        ),
        (
            {"first_stop_e6": 97_000},
            "stop beyond liquidation",
            "Entry signal, but its stop of 65820 USDT lies beyond the price of liquidation, 65737.05179283 USDT.",
        ),
    ],
)
def test_what_stops_an_entry(flat: Snapshot, known: dict[str, Any], reason: str, text: str) -> None:
    decision = decide(replace(flat, **known), bar(short_entry=True))
    assert (decision.action, decision.reason, decision.text) == (Action.NONE, reason, text)
    assert (decision.side, decision.quantity_steps, decision.quote_e8) == (0, 0, 0)


def test_a_short_follows_its_own_exit_signal(short: Snapshot) -> None:
    assert decide(short, bar(long_exit=True)).action is Action.NONE
    decision = decide(short, bar(short_exit=True))
    assert (decision.action, decision.exit_reason, decision.quantity_steps) == (
        Action.EXIT,
        "exit_signal",
        164,
    )
    assert decision.text == "Exit signal at a close of 60000 USDT: buying back 0.164 BTC."


def test_the_trail_of_a_short_follows_the_lowest_price(short: Snapshot) -> None:
    """2 % above 59,000 lie 60,180, above 58,000 59,160; where the low is none, nothing moves."""
    higher = decide(short, bar(5_950_000, low_ticks=5_900_000))
    assert (higher.action, higher.best_ticks) == (Action.MOVE_STOP, 5_900_000)
    after = snapshot_after(short, higher)
    assert after.stop_ticks == 6_018_000
    moved = decide(after, bar(5_850_000, low_ticks=5_800_000))
    assert (moved.action, moved.stop_ticks, moved.best_ticks) == (Action.MOVE_STOP, 5_916_000, 5_800_000)
    assert moved.text == "The best price since the entry is 58000 USDT: the stop moves to 59160 USDT."
    kept = decide(snapshot_after(after, moved), bar(5_900_000, low_ticks=5_850_000))
    assert (kept.action, kept.stop_ticks, kept.best_ticks) == (Action.NONE, 0, 5_800_000)


def test_a_close_at_the_trail_of_a_short_buys_back(short: Snapshot) -> None:
    decision = decide(short, bar(5_916_000, low_ticks=5_800_000))
    assert (decision.action, decision.exit_reason) == (Action.EXIT, "trailing_stop")
    assert decision.text == (
        "The close of 59160 USDT lies at or above the trailing stop of 59160 USDT: buying back 0.164 BTC."
    )


def test_a_short_without_a_best_price_begins_with_the_candle(short: Snapshot) -> None:
    fresh = replace(short, best_ticks=0, trailing_percent_e6=None)
    assert decide(fresh, bar(low_ticks=5_990_000)).best_ticks == 5_990_000
    assert decide(fresh, bar(low_ticks=0)).best_ticks == 6_000_000


def test_however_little_a_futures_position_is_it_can_be_closed(short: Snapshot) -> None:
    """0.001 BTC is worth 60 USDT, less than an entry may be."""
    decision = decide(replace(short, quantity_steps=1), bar(short_exit=True))
    assert (decision.action, decision.quantity_steps) == (Action.EXIT, 1)
