"""The one step that decides, over integers: state and candle in, state and codes out (SPEC §5.3).

`decide` calls it for one candle, the backtest's fold compiles it over a year of them. It decides and
never fills: positions, capital and money change where fills happen. Only integers and NamedTuples
of integers enter, and only functions of `amounts`, `rules` and `sizing` are called, so that numba can
compile all of it; no division meets a negative number, and with the filters of real symbols no product
exceeds 64 bits.
"""

from typing import Final, NamedTuple

from engine.rules import (
    ABOVE_MAX_QUANTITY,
    BELOW_MIN_NOTIONAL,
    BELOW_MIN_QUANTITY,
    NO_FAULT,
    MarketLimits,
    market_fault,
    steps_for,
)
from engine.sizing import entry_quote_e8

ACTION_NONE: Final = 0
ACTION_ENTER: Final = 1
ACTION_EXIT: Final = 2

SIDE_FLAT: Final = 0
SIDE_LONG: Final = 1

REASON_NO_SIGNAL: Final = 0
REASON_WARMING_UP: Final = 1
REASON_ENTRY_SIGNAL: Final = 2
REASON_EXIT_SIGNAL: Final = 3
REASON_IN_POSITION: Final = 4
REASON_POSITION_KEPT: Final = 5
REASON_NOTHING_TO_SELL: Final = 6
REASON_EXIT_TOO_SMALL: Final = 7
REASON_BLOCKED: Final = 8
REASON_TOO_LATE: Final = 9
REASON_NOT_TRADING: Final = 10
REASON_BELOW_MIN_NOTIONAL: Final = 11
REASON_BELOW_MIN_QUANTITY: Final = 12
REASON_ABOVE_MAX_QUANTITY: Final = 13
REASON_ABOVE_MAX_NOTIONAL: Final = 14
REASON_NOT_ENOUGH_MONEY: Final = 15
REASON_EXIT_BLOCKED: Final = 16


class Setup(NamedTuple):
    """What the configuration and the symbol say. `size_fixed_e8` 0: the share counts."""

    size_percent_e6: int
    size_fixed_e8: int
    limits: MarketLimits


class State(NamedTuple):
    """What the bot is before (and after) the candle. `quantity` is what its position can sell, in steps."""

    day: int
    daily_trades: int
    daily_pnl_e8: int
    side: int
    quantity: int
    capital_e8: int
    available_e8: int


class Close(NamedTuple):
    """One closed candle as it bears on this bot; flags are 0 or 1. `day` is that of the opening acted at."""

    day: int
    price: int
    ready: int
    long_entry: int
    long_exit: int
    follows_exit_signal: int
    entries_blocked: int
    exits_blocked: int
    is_fresh: int
    is_trading: int


class Outcome(NamedTuple):
    """`quote_e8` and `quantity` are also set for what was turned down, so that words can say the numbers."""

    state: State
    action: int
    reason: int
    quote_e8: int
    quantity: int


def step(state: State, close: Close, setup: Setup) -> Outcome:
    """Asked in this order; the first thing that stops an entry is the reason.

    Roll the day → exit signal → standing blocks → daily limits (trades, loss, target) → cooldown →
    entry signal → freshness → size → symbol rules → money → risk. Daily limits, cooldown and risk
    are refused by name in configurations until they stand here, at the places marked below.

    A candle that exits may also enter: once the exit is final the same candle is asked again, flat
    and with the capital after it.
    """
    rolled = roll_day(state, close.day)
    if rolled.side != SIDE_FLAT:
        return _leave(rolled, close, setup)
    if close.entries_blocked:
        return Outcome(rolled, ACTION_NONE, REASON_BLOCKED, 0, 0)
    # Daily limits, then cooldown: here.
    if not close.ready:
        return Outcome(rolled, ACTION_NONE, REASON_WARMING_UP, 0, 0)
    if not close.long_entry:
        return Outcome(rolled, ACTION_NONE, REASON_NO_SIGNAL, 0, 0)
    if not close.is_fresh:
        return Outcome(rolled, ACTION_NONE, REASON_TOO_LATE, 0, 0)
    return _enter(rolled, close, setup)


def roll_day(state: State, day: int) -> State:
    """Counters start again on a new UTC day; a candle caught up from an earlier day rolls nothing back."""
    if day <= state.day:
        return state
    return State(day, 0, 0, state.side, state.quantity, state.capital_e8, state.available_e8)


def _leave(state: State, close: Close, setup: Setup) -> Outcome:
    """What an open position does at this close. No limit refuses an exit, only an order on its way."""
    if not close.long_exit:
        return Outcome(state, ACTION_NONE, REASON_IN_POSITION, 0, 0)
    if not close.follows_exit_signal:
        return Outcome(state, ACTION_NONE, REASON_POSITION_KEPT, 0, 0)
    if close.exits_blocked:
        return Outcome(state, ACTION_NONE, REASON_EXIT_BLOCKED, 0, 0)
    if state.quantity <= 0:
        return Outcome(state, ACTION_NONE, REASON_NOTHING_TO_SELL, 0, 0)
    fault = market_fault(close.price, state.quantity, setup.limits)
    if fault in (BELOW_MIN_QUANTITY, BELOW_MIN_NOTIONAL):
        return Outcome(state, ACTION_NONE, REASON_EXIT_TOO_SMALL, 0, state.quantity)
    return Outcome(state, ACTION_EXIT, REASON_EXIT_SIGNAL, 0, state.quantity)


def _enter(state: State, close: Close, setup: Setup) -> Outcome:
    """Size → symbol rules → money → risk. What is bought must also be worth selling: the rules are asked with
    the quantity the amount buys at this close, not with the amount alone."""
    limits = setup.limits
    quote = entry_quote_e8(state.capital_e8, setup.size_percent_e6, setup.size_fixed_e8, limits.quote_unit_e8)
    if not close.is_trading:
        return Outcome(state, ACTION_NONE, REASON_NOT_TRADING, quote, 0)
    if quote < limits.min_notional_e8:
        return Outcome(state, ACTION_NONE, REASON_BELOW_MIN_NOTIONAL, quote, 0)
    quantity = steps_for(quote, close.price, limits)
    fault = market_fault(close.price, quantity, limits)
    if fault != NO_FAULT:
        return Outcome(state, ACTION_NONE, _entry_refusal(fault), quote, quantity)
    if quote > state.available_e8:
        return Outcome(state, ACTION_NONE, REASON_NOT_ENOUGH_MONEY, quote, quantity)
    # Risk (an entry whose stop lies beyond liquidation, no stop slot): here.
    return Outcome(state, ACTION_ENTER, REASON_ENTRY_SIGNAL, quote, quantity)


def _entry_refusal(fault: int) -> int:
    if fault == BELOW_MIN_NOTIONAL:
        return REASON_BELOW_MIN_NOTIONAL
    if fault == BELOW_MIN_QUANTITY:
        return REASON_BELOW_MIN_QUANTITY
    if fault == ABOVE_MAX_QUANTITY:
        return REASON_ABOVE_MAX_QUANTITY
    return REASON_ABOVE_MAX_NOTIONAL
