"""The seam between deciding and acting: a snapshot of one bot and one closed candle in, a decision out.

Same snapshot, same candle, same decision: live, on paper, in a replay, and when the "why" is asked later.
The order of questions lives in `step`; here codes become words and integers of the exchange.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from engine import step
from engine.limits import NO_LIMIT, DailyLimits
from engine.margin import NO_SCALE, Bracket, scale_of
from engine.market import Candles, day_of
from engine.reasons import (
    DAILY_LIMIT_REASONS,
    REASON_OF_CODE,
    REFUSALS,
    Circumstances,
    Reason,
    blocked_in_words,
    in_words,
)
from engine.rules import SymbolRules
from engine.sizing import WHOLE_CAPITAL_E6
from engine.strategies.contract import Signals

FRESH_MS: Final = 30_000


class Action(StrEnum):
    NONE = "none"
    ENTER = "enter"
    EXIT = "exit"
    MOVE_STOP = "move_stop"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What is known of a bot before it decides. Money in e8 of quote, `quantity_steps` what it can sell.

    At most one of the two sizes is given, neither means the whole capital. `available_e8` is the
    wallet's free money less reservations. `entry_block` names what forbids entries now, if anything
    does; `exit_block` the order of this position that must end before another is planned.
    `counters_day` counts days since 1970-01-01; daily loss and target are amounts (of the initial capital).
    `stop_ticks` is the stop wanted now and `best_ticks` the best price since the entry, 0 = none;
    `last_exit_ms` the market time at which the bot's last position closed; `worst_sale_e6` the share of its price at
    which an entry's first stop may sell (`exits.worst_sale_e6`), 0 without a stop.

    `side` is that of an open position, 1 or -1; `direction` is long, short or both. On futures `leverage` is 1 or more
    (0: spot), `brackets` are the symbol's, and `first_stop_e6` is how far from the entry price the first stop lies (the
    tighter of stop and trail).
    """

    rules: SymbolRules
    in_position: bool
    quantity_steps: int
    capital_e8: int
    available_e8: int
    counters_day: int
    size_percent_e6: int | None = None
    size_fixed_e8: int | None = None
    daily_trades: int = 0
    daily_pnl_e8: int = 0
    entry_block: str | None = None
    exit_block: str | None = None
    exits_follow_signal: bool = True
    stop_ticks: int = 0
    best_ticks: int = 0
    trailing_percent_e6: int | None = None
    max_daily_trades: int | None = None
    max_daily_loss_e8: int | None = None
    daily_target_e8: int | None = None
    cooldown_candles: int = 0
    last_exit_ms: int | None = None
    stop_slot_free: bool = True
    worst_sale_e6: int = 0
    side: int = step.SIDE_LONG
    direction: str = "long"
    leverage: int = 0
    brackets: tuple[Bracket, ...] = ()
    taker_e6: int = 0
    first_stop_e6: int = 0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A closed candle with the strategy's word on it. `now_ms` is the venue's market time. High and low default
    to 0, which says nothing beyond the close."""

    open_ms: int
    interval_ms: int
    close_ticks: int
    is_ready: bool
    long_entry: bool
    long_exit: bool
    now_ms: int
    is_last_closed: bool
    high_ticks: int = 0
    low_ticks: int = 0
    short_entry: bool = False
    short_exit: bool = False

    @cached_property
    def acts_at_ms(self) -> int:
        """A signal on candle t acts at the opening of t + 1 (SPEC §5.2)."""
        return self.open_ms + self.interval_ms

    @cached_property
    def is_fresh(self) -> bool:
        """Entries: from the last closed candle only, min(30 s, a quarter of the interval) after its close."""
        return self.is_last_closed and self.now_ms - self.acts_at_ms <= freshness_ms(self.interval_ms)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do and why. `quote_e8` is an entry's quoteOrderQty, `quantity_steps` what an exit sells (of a short: buys
    back). A futures entry is for `quantity_steps`; its `quote_e8` is what it takes of the wallet: margin and fee.
    `side` is that of an entry, else 0.

    `counters_day`, `daily_trades`, `daily_pnl_e8` are the day's numbers after the roll, to be stored, and so is
    `best_ticks` (0 out of a position). `stop_ticks` is where a MOVE_STOP puts the stop, else 0 (unchanged).
    `exit_reason` is what an EXIT's trade is called. `pause` is the status detail of the daily limit that pauses
    the bot now, else "".
    """

    action: Action
    reason: str
    text: str
    acts_at_ms: int
    counters_day: int
    daily_trades: int
    daily_pnl_e8: int
    quote_e8: int = 0
    quantity_steps: int = 0
    stop_ticks: int = 0
    best_ticks: int = 0
    exit_reason: str = ""
    pause: str = ""
    side: int = step.SIDE_FLAT


def freshness_ms(interval_ms: int) -> int:
    return min(FRESH_MS, interval_ms // 4)


def bar_at(
    candles: Candles,
    signals: Signals,
    index: int,
    *,
    interval_ms: int,
    rules: SymbolRules,
    now_ms: int,
    is_last_closed: bool,
) -> Bar:
    """The candle at `index` (negative counts from the end) with its signals, as plain Python values."""
    candle = candles.at(index)
    return Bar(
        open_ms=candle.open_ms,
        interval_ms=interval_ms,
        close_ticks=candle.close // rules.tick_e8,
        is_ready=bool(signals.ready[index]),
        long_entry=bool(signals.long_entry[index]),
        long_exit=bool(signals.long_exit[index]),
        now_ms=now_ms,
        is_last_closed=is_last_closed,
        high_ticks=candle.high // rules.tick_e8,
        low_ticks=candle.low // rules.tick_e8,
        short_entry=bool(signals.short_entry[index]),
        short_exit=bool(signals.short_exit[index]),
    )


def decide(snapshot: Snapshot, bar: Bar) -> Decision:
    """Raises ValueError for a candle that is not closed at `now_ms`, or two sizes at once."""
    if bar.now_ms < bar.acts_at_ms:
        raise ValueError("a candle that is not closed decides nothing")
    outcome = step.step(_state(snapshot), _close(snapshot, bar), _setup(snapshot))
    reason, text = _reason(snapshot, bar, outcome)
    action = _ACTION_OF_CODE[outcome.action]
    is_limit = reason in DAILY_LIMIT_REASONS and outcome.reason != step.REASON_BLOCKED
    return Decision(
        action=action,
        reason=reason,
        text=text,
        acts_at_ms=bar.acts_at_ms,
        counters_day=outcome.state.day,
        daily_trades=outcome.state.daily_trades,
        daily_pnl_e8=outcome.state.daily_pnl_e8,
        quote_e8=outcome.quote_e8 if action is Action.ENTER else 0,
        quantity_steps=outcome.quantity if _has_quantity(snapshot, action) else 0,
        stop_ticks=outcome.stop if action is Action.MOVE_STOP else 0,
        best_ticks=outcome.state.best if snapshot.in_position else 0,
        exit_reason=_EXIT_REASONS[outcome.exit_by] if action is Action.EXIT else "",
        pause=reason if is_limit else "",
        side=outcome.side if action is Action.ENTER else step.SIDE_FLAT,
    )


def _has_quantity(snapshot: Snapshot, action: Action) -> bool:
    """A spot entry says an amount, every other order a quantity."""
    return action is Action.EXIT or (action is Action.ENTER and snapshot.leverage > 0)


def snapshot_after(snapshot: Snapshot, decision: Decision) -> Snapshot:
    """What is known before the next of several missed candles: the day, the best price and the stop go on."""
    return replace(
        snapshot,
        counters_day=decision.counters_day,
        daily_trades=decision.daily_trades,
        daily_pnl_e8=decision.daily_pnl_e8,
        best_ticks=decision.best_ticks,
        stop_ticks=decision.stop_ticks or snapshot.stop_ticks,
    )


def says_something_new(previous_reason: str | None, decision: Decision) -> bool:
    """Whether a decision deserves a row: an action (a stop that moves is one), a signal turned down, or another
    reason than before."""
    return (
        decision.action is not Action.NONE
        or decision.reason in REFUSALS
        or decision.reason != previous_reason
    )


_ACTION_OF_CODE: Final = {
    step.ACTION_NONE: Action.NONE,
    step.ACTION_ENTER: Action.ENTER,
    step.ACTION_EXIT: Action.EXIT,
    step.ACTION_MOVE_STOP: Action.MOVE_STOP,
}
_EXIT_REASONS: Final = {
    step.EXIT_BY_NOTHING: "",
    step.EXIT_BY_SIGNAL: "exit_signal",
    step.EXIT_BY_TRAILING: "trailing_stop",
}


def _reason(snapshot: Snapshot, bar: Bar, outcome: step.Outcome) -> tuple[str, str]:
    if outcome.reason == step.REASON_BLOCKED and snapshot.entry_block is not None:
        return str(snapshot.entry_block), blocked_in_words(snapshot.entry_block)
    if outcome.reason == step.REASON_EXIT_BLOCKED and snapshot.exit_block is not None:
        return str(snapshot.exit_block), blocked_in_words(snapshot.exit_block)
    reason: Reason = REASON_OF_CODE[outcome.reason]
    around = Circumstances(
        rules=snapshot.rules,
        price_ticks=bar.close_ticks,
        available_e8=snapshot.available_e8,
        late_ms=bar.now_ms - bar.acts_at_ms,
        cooldown_candles=snapshot.cooldown_candles,
        leverage=snapshot.leverage,
        brackets=snapshot.brackets,
    )
    return reason.value, in_words(reason, outcome, around)


def _state(snapshot: Snapshot) -> step.State:
    return step.State(
        day=snapshot.counters_day,
        daily_trades=snapshot.daily_trades,
        daily_pnl_e8=snapshot.daily_pnl_e8,
        side=snapshot.side if snapshot.in_position else step.SIDE_FLAT,
        quantity=snapshot.quantity_steps,
        capital_e8=snapshot.capital_e8,
        available_e8=snapshot.available_e8,
        stop=snapshot.stop_ticks,
        best=snapshot.best_ticks,
        last_exit_ms=snapshot.last_exit_ms or 0,
    )


def _close(snapshot: Snapshot, bar: Bar) -> step.Close:
    rules = snapshot.rules
    takes_amounts = rules.quote_order_allowed or snapshot.leverage > 0
    takes_orders = rules.is_trading and takes_amounts and "MARKET" in rules.order_types
    return step.Close(
        day=day_of(bar.acts_at_ms),
        at_ms=bar.acts_at_ms,
        interval_ms=bar.interval_ms,
        price=bar.close_ticks,
        high=bar.high_ticks,
        low=bar.low_ticks,
        ready=int(bar.is_ready),
        long_entry=int(bar.long_entry),
        long_exit=int(bar.long_exit),
        short_entry=int(bar.short_entry),
        short_exit=int(bar.short_exit),
        follows_exit_signal=int(snapshot.exits_follow_signal),
        entries_blocked=int(snapshot.entry_block is not None),
        exits_blocked=int(snapshot.exit_block is not None),
        is_fresh=int(bar.is_fresh),
        is_trading=int(takes_orders),
        stop_slot_free=int(snapshot.stop_slot_free),
    )


def _setup(snapshot: Snapshot) -> step.Setup:
    if snapshot.size_percent_e6 is not None and snapshot.size_fixed_e8 is not None:
        raise ValueError("a bot has one size: a share or a fixed amount")
    share = WHOLE_CAPITAL_E6 if snapshot.size_percent_e6 is None else snapshot.size_percent_e6
    return step.Setup(
        size_percent_e6=share,
        size_fixed_e8=snapshot.size_fixed_e8 or 0,
        limits=snapshot.rules.market_limits,
        daily=DailyLimits(
            max_trades=_limit(snapshot.max_daily_trades),
            max_loss_e8=_limit(snapshot.max_daily_loss_e8),
            target_e8=_limit(snapshot.daily_target_e8),
        ),
        trailing_percent_e6=snapshot.trailing_percent_e6 or 0,
        cooldown_candles=snapshot.cooldown_candles,
        worst_sale_e6=snapshot.worst_sale_e6,
        stop_min_notional_e8=snapshot.rules.min_notional_e8,
        allows_long=int(snapshot.direction != "short"),
        allows_short=int(snapshot.direction != "long"),
        leverage=snapshot.leverage,
        taker_e6=snapshot.taker_e6,
        first_stop_e6=snapshot.first_stop_e6,
        tick_e8=snapshot.rules.tick_e8,
        scale=scale_of(snapshot.rules.step_e8) if snapshot.leverage else NO_SCALE,
        brackets=snapshot.brackets,
    )


def _limit(limit: int | None) -> int:
    return NO_LIMIT if limit is None else limit
