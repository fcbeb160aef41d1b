"""Hand-worked decisions. BTCUSDT: tick 0.01, step 0.00001, minimum notional 5 USDT."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import E8, e8_from_decimal
from engine.decide import (
    Action,
    Bar,
    Decision,
    Snapshot,
    bar_at,
    decide,
    freshness_ms,
    says_something_new,
)
from engine.market import DAY_MS, INTERVAL_MS, MINUTE_MS, candles_of
from engine.reasons import REASON_OF_CODE, Reason
from engine.rules import SymbolRules
from engine.strategies import parse_params, strategy

DAY = 20_000
NOON_MS = DAY * DAY_MS + DAY_MS // 2


@pytest.fixture
def flat(btc_rules: SymbolRules) -> Snapshot:
    return Snapshot(
        rules=btc_rules,
        in_position=False,
        quantity_steps=0,
        capital_e8=1_000 * E8,
        available_e8=5_000 * E8,
        counters_day=DAY,
        daily_trades=3,
        daily_pnl_e8=-7 * E8,
    )


@pytest.fixture
def holding(flat: Snapshot) -> Snapshot:
    return replace(flat, in_position=True, quantity_steps=1_232)


def bar(**changes: Any) -> Bar:
    """A one-minute candle that closed at noon at 60,000, decided 300 ms later, without signals."""
    quiet = Bar(
        open_ms=NOON_MS - MINUTE_MS,
        interval_ms=MINUTE_MS,
        close_ticks=6_000_000,
        is_ready=True,
        long_entry=False,
        long_exit=False,
        now_ms=NOON_MS + 300,
        is_last_closed=True,
    )
    return replace(quiet, **changes)


def test_an_entry(flat: Snapshot) -> None:
    assert decide(flat, bar(long_entry=True)) == Decision(
        action=Action.ENTER,
        reason="entry signal",
        text="Entry signal at a close of 60000 USDT: buying for 1000 USDT.",
        acts_at_ms=NOON_MS,
        counters_day=DAY,
        daily_trades=3,
        daily_pnl_e8=-7 * E8,
        quote_e8=1_000 * E8,
        side=1,
    )


def test_an_exit(holding: Snapshot) -> None:
    assert decide(holding, bar(long_exit=True)) == Decision(
        action=Action.EXIT,
        reason="exit signal",
        text="Exit signal at a close of 60000 USDT: selling 0.01232 BTC.",
        acts_at_ms=NOON_MS,
        counters_day=DAY,
        daily_trades=3,
        daily_pnl_e8=-7 * E8,
        quantity_steps=1_232,
        best_ticks=6_000_000,
        exit_reason="exit_signal",
    )


ENTRY = {"long_entry": True}


@pytest.mark.parametrize(
    ("known", "candle", "reason", "text"),
    [
        ({}, {}, "no signal", "No entry signal on this candle."),
        ({}, {"long_exit": True}, "no signal", "No entry signal on this candle."),
        (
            {},
            {"is_ready": False},
            "warming up",
            "The indicators need more candles before they say anything.",
        ),
        ({"entry_block": "stopped"}, ENTRY, "stopped", "No new entries: the bot is stopped."),
        (
            {"entry_block": "paused (max_daily_trades reached)"},
            {},
            "paused (max_daily_trades reached)",
            "Nothing new for now: paused (max_daily_trades reached).",
        ),
        (
            {"entry_block": "unknown order"},
            ENTRY,
            "unknown order",
            "Nothing new until the outcome of an earlier order is known.",
        ),
        (
            {},
            ENTRY | {"now_ms": NOON_MS + 15_001},
            "too late",
            "Entry signal, but seen 15.0 s after the close, too late to act on.",
        ),
        (
            {},
            ENTRY | {"is_last_closed": False, "now_ms": NOON_MS + 61_000},
            "too late",
            "Entry signal, but seen 61.0 s after the close, too late to act on.",
        ),
        (
            {"size_fixed_e8": 3 * E8},
            ENTRY,
            "below minimum notional",
            "Entry signal, but the size of 3 USDT is below the minimum of 5 USDT.",
        ),
        (
            {"size_fixed_e8": 530_000_000},
            ENTRY,
            "below minimum notional",
            "Entry signal, but at this close the size of 5.3 USDT does not fit: "
            "0.00008 BTC is worth 4.8 USDT, below the minimum of 5 USDT.",
        ),
        (
            {"capital_e8": -1},
            ENTRY,
            "below minimum notional",
            "Entry signal, but the size of 0 USDT is below the minimum of 5 USDT.",
        ),
        (
            {"capital_e8": 8_000_000 * E8, "available_e8": 8_000_000 * E8},
            ENTRY,
            "above maximum quantity",
            "Entry signal, but at this close the size of 8000000 USDT does not fit: "
            "133.33333 BTC is above the maximum quantity 129.84957 BTC.",
        ),
        (
            {"max_daily_trades": 3},
            {},
            "max_daily_trades reached",
            "No more entries today: 3 made, and that is this bot's limit.",
        ),
        (
            {"max_daily_loss_e8": 7 * E8},
            {},
            "max_daily_loss reached",
            "No more entries today: the result of -7 USDT reached this bot's daily loss limit.",
        ),
        (
            {"daily_target_e8": 20 * E8, "daily_pnl_e8": 2_050_000_000},
            ENTRY,
            "daily target reached",
            "No more entries today: the result of 20.5 USDT reached this bot's daily target.",
        ),
        (
            {"cooldown_candles": 1, "last_exit_ms": NOON_MS - 1},
            ENTRY,
            "cooldown",
            "No entry on the first candle to close after an exit.",
        ),
        (
            {"cooldown_candles": 4, "last_exit_ms": NOON_MS - 3 * MINUTE_MS - 1},
            ENTRY,
            "cooldown",
            "No entry on the first 4 candles to close after an exit.",
        ),
        (
            {"stop_slot_free": False},
            ENTRY,
            "no stop slot",
            "Entry signal, but the account has no room left for a further stop order on this symbol.",
        ),
        (
            {"available_e8": 99_999_999_999},
            ENTRY,
            "not enough money",
            "Entry signal, but it takes 1000 USDT and only 999.99999999 USDT are free.",
        ),
    ],
)
def test_what_stops_an_entry(
    flat: Snapshot, known: dict[str, Any], candle: dict[str, Any], reason: str, text: str
) -> None:
    decision = decide(replace(flat, **known), bar(**candle))
    assert (decision.action, decision.reason, decision.text) == (Action.NONE, reason, text)
    assert (decision.quote_e8, decision.quantity_steps) == (0, 0)


@pytest.mark.parametrize(
    ("known", "candle", "reason", "text"),
    [
        ({}, {}, "in position", "In a position, and no exit signal on this candle."),
        ({}, ENTRY, "in position", "In a position, and no exit signal on this candle."),
        (
            {"exits_follow_signal": False},
            {"long_exit": True},
            "position kept",
            "Exit signal, not followed: the bot is stopped and its position kept.",
        ),
        (
            {"exit_block": "order in flight"},
            {"long_exit": True},
            "order in flight",
            "Nothing new until the order on its way is final.",
        ),
        (
            {"exit_block": "order in flight"},
            {},
            "in position",
            "In a position, and no exit signal on this candle.",
        ),
        (
            {"quantity_steps": 0},
            {"long_exit": True},
            "nothing to sell",
            "Exit signal, but the position holds less than one tradable step.",
        ),
        (
            {"quantity_steps": 8},
            {"long_exit": True},
            "exit below minimum",
            "Exit signal, but 0.00008 BTC is worth 4.8 USDT, below the minimum of 5 USDT.",
        ),
    ],
)
def test_what_keeps_a_position(
    holding: Snapshot, known: dict[str, Any], candle: dict[str, Any], reason: str, text: str
) -> None:
    decision = decide(replace(holding, **known), bar(**candle))
    assert (decision.action, decision.reason, decision.text) == (Action.NONE, reason, text)


@pytest.mark.parametrize(
    ("limits", "pause"),
    [
        ({}, ""),
        ({"max_daily_trades": 4, "max_daily_loss_e8": 8 * E8, "daily_target_e8": 1}, ""),
        ({"max_daily_trades": 3, "max_daily_loss_e8": 1}, "max_daily_trades reached"),
        ({"max_daily_loss_e8": 7 * E8}, "max_daily_loss reached"),
        ({"daily_target_e8": 0, "daily_pnl_e8": 0}, "daily target reached"),
    ],
)
def test_a_daily_limit_pauses_a_flat_bot(flat: Snapshot, limits: dict[str, int], pause: str) -> None:
    decision = decide(replace(flat, **limits), bar())
    assert (decision.pause, decision.reason) == (pause, pause or "no signal")


def test_yesterdays_numbers_reach_no_limit(flat: Snapshot) -> None:
    yesterday = replace(flat, counters_day=DAY - 1, max_daily_trades=1, max_daily_loss_e8=1)
    assert decide(yesterday, bar(long_entry=True)).action is Action.ENTER


def test_a_bot_already_paused_is_not_paused_again(flat: Snapshot) -> None:
    paused = replace(flat, max_daily_trades=1, entry_block="max_daily_trades reached")
    assert decide(paused, bar()).pause == ""


@pytest.mark.parametrize(
    "limits", [{"max_daily_trades": 1}, {"max_daily_loss_e8": 1}, {"daily_target_e8": 0}]
)
def test_a_limit_neither_closes_a_position_nor_refuses_its_exit(
    holding: Snapshot, limits: dict[str, int]
) -> None:
    limited = replace(holding, **limits)
    quiet = decide(limited, bar())
    assert (quiet.action, quiet.reason, quiet.pause) == (Action.NONE, "in position", "")
    assert decide(limited, bar(long_exit=True)).action is Action.EXIT


def test_the_first_candle_after_the_cooldown_may_enter(flat: Snapshot) -> None:
    left = replace(flat, cooldown_candles=1, last_exit_ms=NOON_MS - MINUTE_MS - 1)
    assert decide(left, bar(long_entry=True)).action is Action.ENTER


@pytest.mark.parametrize("block", ["paused", "halted", "error", "unknown order"])
def test_no_block_of_entries_and_no_lateness_refuses_an_exit(holding: Snapshot, block: str) -> None:
    late = bar(long_exit=True, now_ms=NOON_MS + 3_600_000, is_last_closed=False)
    assert decide(replace(holding, entry_block=block), late).action is Action.EXIT


@pytest.mark.parametrize(
    "change", [{"status": "BREAK"}, {"quote_order_allowed": False}, {"order_types": ("LIMIT",)}]
)
def test_a_symbol_that_takes_no_market_orders(flat: Snapshot, change: dict[str, Any]) -> None:
    decision = decide(replace(flat, rules=replace(flat.rules, **change)), bar(long_entry=True))
    assert decision.reason == Reason.NOT_TRADING


@pytest.mark.parametrize(
    ("size", "quote_e8"),
    [
        ({}, 1_000 * E8),
        ({"size_percent_e6": 125_000}, 125 * E8),
        ({"size_fixed_e8": 40 * E8}, 40 * E8),
        ({"size_fixed_e8": 4_000 * E8}, 1_000 * E8),
    ],
)
def test_sizes(flat: Snapshot, size: dict[str, int], quote_e8: int) -> None:
    assert decide(replace(flat, **size), bar(long_entry=True)).quote_e8 == quote_e8


def test_two_sizes_are_a_mistake(flat: Snapshot) -> None:
    with pytest.raises(ValueError, match="one size"):
        decide(replace(flat, size_percent_e6=10, size_fixed_e8=10), bar())


def test_a_candle_still_open_decides_nothing(flat: Snapshot) -> None:
    with pytest.raises(ValueError, match="not closed"):
        decide(flat, bar(now_ms=NOON_MS - 1))


@pytest.mark.parametrize(("interval", "limit_ms"), [("1m", 15_000), ("3m", 30_000), ("1d", 30_000)])
def test_freshness(flat: Snapshot, interval: str, limit_ms: int) -> None:
    length = INTERVAL_MS[interval]
    assert freshness_ms(length) == limit_ms
    entry = bar(long_entry=True, interval_ms=length, open_ms=NOON_MS - length, now_ms=NOON_MS + limit_ms)
    assert decide(flat, entry).action is Action.ENTER
    assert decide(flat, replace(entry, now_ms=NOON_MS + limit_ms + 1)).reason == Reason.TOO_LATE


def test_the_last_candle_of_a_day_acts_on_the_next(flat: Snapshot) -> None:
    midnight = (DAY + 1) * DAY_MS
    decision = decide(flat, bar(open_ms=midnight - MINUTE_MS, now_ms=midnight, long_entry=True))
    assert decision.acts_at_ms == midnight
    assert (decision.counters_day, decision.daily_trades, decision.daily_pnl_e8) == (DAY + 1, 0, 0)


def test_the_day_rolls_whatever_is_decided(holding: Snapshot) -> None:
    yesterday = replace(holding, counters_day=DAY - 1, entry_block="stopped")
    decision = decide(yesterday, bar())
    assert (decision.counters_day, decision.daily_trades, decision.daily_pnl_e8) == (DAY, 0, 0)


def test_a_candle_caught_up_from_yesterday_rolls_nothing_back(flat: Snapshot) -> None:
    decision = decide(replace(flat, counters_day=DAY + 1), bar(is_last_closed=False))
    assert (decision.counters_day, decision.daily_trades) == (DAY + 1, 3)


def test_a_candle_that_exits_may_also_enter(holding: Snapshot) -> None:
    both = bar(long_exit=True, long_entry=True)
    assert decide(holding, both).action is Action.EXIT
    after = replace(holding, in_position=False, quantity_steps=0, capital_e8=990 * E8)
    assert decide(after, both).quote_e8 == 990 * E8


@pytest.mark.parametrize(
    ("previous", "candle", "is_new"),
    [
        (None, {}, True),
        ("no signal", {}, False),
        ("warming up", {}, True),
        ("entry signal", {"long_entry": True}, True),
        ("too late", {"long_entry": True, "is_last_closed": False}, True),
    ],
)
def test_what_deserves_a_row(
    flat: Snapshot, previous: str | None, candle: dict[str, Any], is_new: bool
) -> None:
    assert says_something_new(previous, decide(flat, bar(**candle))) is is_new


def test_every_code_has_its_word() -> None:
    assert len(set(REASON_OF_CODE.values())) == len(REASON_OF_CODE)


def test_bars_come_from_candles_and_signals(btc_rules: SymbolRules) -> None:
    falling_then_up = [100, 98, 96, 94, 97, 99]
    candles = candles_of(
        (NOON_MS + n * MINUTE_MS, c * E8, c * E8, c * E8, c * E8, 1) for n, c in enumerate(falling_then_up)
    )
    params = parse_params("ema", {"ema_fast": 1, "ema_slow": 2, "rsi_period": 2, "rsi_overbought": 99})
    signals = strategy("ema").signals(candles, params)
    now = NOON_MS + 5 * MINUTE_MS + 10
    made = bar_at(
        candles, signals, 4, interval_ms=MINUTE_MS, rules=btc_rules, now_ms=now, is_last_closed=True
    )
    assert made == Bar(
        open_ms=NOON_MS + 4 * MINUTE_MS,
        interval_ms=MINUTE_MS,
        close_ticks=9_700,
        is_ready=True,
        long_entry=True,
        long_exit=False,
        now_ms=now,
        is_last_closed=True,
        high_ticks=9_700,
        low_ticks=9_700,
        short_exit=True,
    )
    assert type(made.close_ticks) is int


flags = st.booleans()


@given(
    in_position=flags, entry=flags, leave=flags, ready=flags, last=flags, follows=flags,
    entry_block=st.sampled_from([None, "stopped", "paused (daily target reached)"]),
    exit_block=st.sampled_from([None, "unknown order"]),
    late_ms=st.integers(0, 100_000), close=st.integers(1, 10**8), quantity=st.integers(0, 10**8),
    capital=st.integers(-(10**12), 10**15), free=st.integers(0, 10**15),
)  # fmt: skip
def test_whatever_is_known_a_decision_keeps_its_promises(
    btc_rules: SymbolRules, *, in_position: bool, entry: bool, leave: bool, ready: bool, last: bool,
    follows: bool, entry_block: str | None, exit_block: str | None, late_ms: int, close: int, quantity: int,
    capital: int, free: int,
) -> None:  # fmt: skip
    snapshot = Snapshot(
        rules=btc_rules, in_position=in_position, quantity_steps=quantity, capital_e8=capital, available_e8=free,
        counters_day=DAY, entry_block=entry_block, exit_block=exit_block, exits_follow_signal=follows,
    )  # fmt: skip
    candle = bar(
        is_ready=ready, long_entry=entry and ready, long_exit=leave and ready, is_last_closed=last,
        now_ms=NOON_MS + late_ms, close_ticks=close,
    )  # fmt: skip
    decision = decide(snapshot, candle)
    assert decision == decide(snapshot, candle)
    assert decision.reason
    assert decision.text.endswith(".")
    if decision.action is Action.ENTER:
        assert not in_position
        assert entry_block is None
        assert candle.is_fresh
        assert 0 < decision.quote_e8 <= min(capital, free)
        assert decision.quantity_steps == 0
    elif decision.action is Action.EXIT:
        assert in_position
        assert follows
        assert exit_block is None
        assert decision.quantity_steps == quantity > 0
        assert decision.quote_e8 == 0
    else:
        assert (decision.quote_e8, decision.quantity_steps) == (0, 0)


@pytest.mark.parametrize(
    ("worst_sale_e6", "quote", "is_entered"),
    [
        # 0.00009 BTC, less the fee 0.00008, is worth 4.8 at the close: without a stop nothing has to be sold at once.
        (0, "5.5", True),
        # A stop at 10 % whose limit lies 2 % below it: 0.882 of the entry. 0.00011 less the fee is 0.0001, worth 5.292.
        (882_000, "6.6", True),
        # 0.0001 less the fee is 0.00009, worth 4.76.
        (882_000, "6", False),
        # A stop without a limit: 0.9 of the entry, 4.86.
        (900_000, "6", False),
        (960_000, "6", True),
    ],
)
def test_what_is_bought_is_worth_selling_at_its_stop(
    flat: Snapshot, worst_sale_e6: int, quote: str, *, is_entered: bool
) -> None:
    size = replace(flat, size_fixed_e8=e8_from_decimal(quote), worst_sale_e6=worst_sale_e6)
    decided = decide(size, bar(long_entry=True))
    assert decided.action is (Action.ENTER if is_entered else Action.NONE)
    if not is_entered:
        assert decided.reason == "below minimum notional"
        assert "at its stop, below the minimum of 5 USDT." in decided.text


def test_a_coin_that_the_fee_makes_unsellable_is_not_bought(flat: Snapshot) -> None:
    """One whole step: less its fee nothing of it can ever be sold."""
    coarse = replace(flat.rules, step_e8=E8 // 100, min_quantity=1, market_min_quantity=1)
    decided = decide(replace(flat, rules=coarse), bar(long_entry=True))
    assert (decided.action, decided.reason) == (Action.NONE, "below minimum quantity")
    assert decided.text.endswith("0 BTC is below the minimum quantity 0.01 BTC.")
