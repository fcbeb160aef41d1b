"""The one step that decides, over integers: state and candle in, state and codes out (SPEC §5.3).

`decide` calls it for one candle, the backtest's fold compiles it over a year of them. It decides and
never fills: positions, capital and money change where fills happen. Only integers, NamedTuples of integers
and the rows of the brackets enter, and only functions of `amounts`, `exits`, `limits`, `margin`, `rules` and
`sizing` are called, so that numba can compile all of it; no division meets a negative number, and with the
filters of real symbols no product exceeds 64 bits.
"""

from typing import Final, NamedTuple

from engine.amounts import E6, share_e6
from engine.exits import is_tighter, stop_ticks, trailed_stop_ticks
from engine.limits import (
    MAX_LOSS_REACHED,
    MAX_TRADES_REACHED,
    NOT_REACHED,
    DailyLimits,
    is_cooling,
    limit_reached,
)
from engine.margin import NO_SCALE, Ladder, Scale, liquidation_e8, most_notional_e8, needed_e8
from engine.rules import (
    ABOVE_MAX_QUANTITY,
    BELOW_MIN_NOTIONAL,
    BELOW_MIN_QUANTITY,
    NO_FAULT,
    MarketLimits,
    market_fault,
    notional_e8,
    steps_for,
)
from engine.sizing import entry_margin_e8, entry_quote_e8

# What a purchase is reckoned to lose of its coins to the fee before they can be sold again (SPEC §5.9).
FEE_E6: Final = 1_000

CALLED_SELDOM: Final = ("_enter", "_enter_futures")  # where there is a signal: see engine.compiled

ACTION_NONE: Final = 0
ACTION_ENTER: Final = 1
ACTION_EXIT: Final = 2
ACTION_MOVE_STOP: Final = 3

# They multiply: a short wins what the price loses.
SIDE_FLAT: Final = 0
SIDE_LONG: Final = 1
SIDE_SHORT: Final = -1

EXIT_BY_NOTHING: Final = 0
EXIT_BY_SIGNAL: Final = 1
EXIT_BY_TRAILING: Final = 2

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
REASON_TRAILING_STOP: Final = 17
REASON_STOP_MOVED: Final = 18
REASON_COOLDOWN: Final = 19
REASON_NO_STOP_SLOT: Final = 20
REASON_MAX_DAILY_TRADES: Final = 21
REASON_MAX_DAILY_LOSS: Final = 22
REASON_DAILY_TARGET: Final = 23
REASON_ABOVE_BRACKET: Final = 24
REASON_STOP_BEYOND_LIQUIDATION: Final = 25


class Setup(NamedTuple):
    """What the configuration and the symbol say. `size_fixed_e8` 0: the share counts. `trailing_percent_e6` 0:
    nothing trails. `worst_sale_e6` is the share of the entry price at which the first stop may sell, 0 without a stop;
    what it sells is worth `stop_min_notional_e8` at least. `allows_long`, `allows_short`: 0 or 1. `leverage` 0: spot;
    what follows it is of futures: `first_stop_e6` is how far from the entry its first stop lies."""

    size_percent_e6: int
    size_fixed_e8: int
    limits: MarketLimits
    daily: DailyLimits
    trailing_percent_e6: int
    cooldown_candles: int
    worst_sale_e6: int = 0
    stop_min_notional_e8: int = 0
    allows_long: int = 1
    allows_short: int = 0
    leverage: int = 0
    taker_e6: int = 0
    first_stop_e6: int = 0
    tick_e8: int = 1
    scale: Scale = NO_SCALE
    brackets: Ladder = ()


class State(NamedTuple):
    """What the bot is before (and after) the candle. `quantity` is what its position can sell (a short: buy back), in
    steps; `stop` the wanted stop and `best` the best price since the entry (a short: the lowest), in ticks, 0 = none;
    `last_exit_ms` when its last position closed, 0 = never."""

    day: int
    daily_trades: int
    daily_pnl_e8: int
    side: int
    quantity: int
    capital_e8: int
    available_e8: int
    stop: int
    best: int
    last_exit_ms: int


class Close(NamedTuple):
    """One closed candle as it bears on this bot; flags are 0 or 1. `day` and `at_ms` are those of the opening
    acted at, `price` is the close, `high` and `low` the extremes, in ticks; a `low` of 0 says nothing."""

    day: int
    at_ms: int
    interval_ms: int
    price: int
    high: int
    low: int
    ready: int
    long_entry: int
    long_exit: int
    short_entry: int
    short_exit: int
    follows_exit_signal: int
    entries_blocked: int
    exits_blocked: int
    is_fresh: int
    is_trading: int
    stop_slot_free: int


class Outcome(NamedTuple):
    """`quote_e8`, `quantity`, `side`, `stop` and `exit_by` are also set for what was turned down, so that words can say
    the numbers. `quote_e8` is what an entry spends; on futures its margin, with its fee once the quantity is known.
    `side` is that of an entry. `stop` is where the trail puts the stop now, 0 where it moves nothing."""

    state: State
    action: int
    reason: int
    quote_e8: int
    quantity: int
    stop: int
    exit_by: int
    side: int


def step(state: State, close: Close, setup: Setup) -> Outcome:
    """Asked in this order; the first thing that stops an entry is the reason.

    Roll the day → exit (signal, then trailing stop) → standing blocks → daily limits (trades, loss, target) →
    cooldown → entry signal (long before short) → freshness → size → symbol rules → money → risk.

    A candle that exits may also enter: once the exit is final the same candle is asked again, flat
    and with the capital after it.
    """
    rolled = roll_day(state, close.day)
    if rolled.side != SIDE_FLAT:
        return _leave(_with_best(rolled, close), close, setup)
    if close.entries_blocked:
        return _nothing(rolled, REASON_BLOCKED)
    reached = limit_reached(rolled.daily_trades, rolled.daily_pnl_e8, setup.daily)
    if reached != NOT_REACHED:
        return _nothing(rolled, _limit_reason(reached))
    if is_cooling(close.at_ms, rolled.last_exit_ms, close.interval_ms, setup.cooldown_candles):
        return _nothing(rolled, REASON_COOLDOWN)
    if not close.ready:
        return _nothing(rolled, REASON_WARMING_UP)
    side = _wanted_side(close, setup)
    if side == SIDE_FLAT:
        return _nothing(rolled, REASON_NO_SIGNAL)
    if not close.is_fresh:
        return _nothing(rolled, REASON_TOO_LATE)
    return _enter_futures(rolled, close, setup, side) if setup.leverage > 0 else _enter(rolled, close, setup)


def _wanted_side(close: Close, setup: Setup) -> int:
    """Which way the signals go, of those that this bot follows; long where both are up."""
    if close.long_entry and setup.allows_long:
        return SIDE_LONG
    return SIDE_SHORT if close.short_entry and setup.allows_short else SIDE_FLAT


def roll_day(state: State, day: int) -> State:
    """Counters start again on a new UTC day; a candle caught up from an earlier day rolls nothing back."""
    if day <= state.day:
        return state
    return State(
        day,
        0,
        0,
        state.side,
        state.quantity,
        state.capital_e8,
        state.available_e8,
        state.stop,
        state.best,
        state.last_exit_ms,
    )


def _with_best(state: State, close: Close) -> State:
    """The best price since the entry, this candle's extremes included, whatever else happens to it."""
    if state.side > 0:
        best = max(state.best, close.high, close.price)
    else:
        lowest = min(close.low, close.price) if close.low > 0 else close.price
        best = min(state.best, lowest) if state.best > 0 else lowest
    return State(
        state.day,
        state.daily_trades,
        state.daily_pnl_e8,
        state.side,
        state.quantity,
        state.capital_e8,
        state.available_e8,
        state.stop,
        best,
        state.last_exit_ms,
    )


def _leave(state: State, close: Close, setup: Setup) -> Outcome:
    """What an open position does at this close. No limit refuses an exit, only an order on its way; an exit signal
    that is followed wins over the trail, one that is not leaves the trail at work."""
    leaves = close.long_exit if state.side > 0 else close.short_exit
    if leaves and close.follows_exit_signal:
        return _exit(state, close, setup, 0, EXIT_BY_SIGNAL)
    stop = trailed_stop_ticks(state.side, state.best, setup.trailing_percent_e6)
    if not is_tighter(state.side, stop, state.stop) or state.quantity <= 0:
        return _nothing(state, REASON_POSITION_KEPT if leaves else REASON_IN_POSITION)
    if state.side * (stop - close.price) >= 0:
        return _exit(state, close, setup, stop, EXIT_BY_TRAILING)
    if close.exits_blocked:
        return Outcome(state, ACTION_NONE, REASON_EXIT_BLOCKED, 0, 0, stop, EXIT_BY_NOTHING, SIDE_FLAT)
    return Outcome(state, ACTION_MOVE_STOP, REASON_STOP_MOVED, 0, 0, stop, EXIT_BY_NOTHING, SIDE_FLAT)


def _exit(state: State, close: Close, setup: Setup, stop: int, exit_by: int) -> Outcome:
    """An order that only reduces a futures position may be as small as that is."""
    if close.exits_blocked:
        return Outcome(state, ACTION_NONE, REASON_EXIT_BLOCKED, 0, 0, stop, exit_by, SIDE_FLAT)
    if state.quantity <= 0:
        return Outcome(state, ACTION_NONE, REASON_NOTHING_TO_SELL, 0, 0, stop, exit_by, SIDE_FLAT)
    if setup.leverage == 0:
        fault = market_fault(close.price, state.quantity, setup.limits)
        if fault in (BELOW_MIN_QUANTITY, BELOW_MIN_NOTIONAL):
            return Outcome(
                state, ACTION_NONE, REASON_EXIT_TOO_SMALL, 0, state.quantity, stop, exit_by, SIDE_FLAT
            )
    reason = REASON_EXIT_SIGNAL if exit_by == EXIT_BY_SIGNAL else REASON_TRAILING_STOP
    return Outcome(state, ACTION_EXIT, reason, 0, state.quantity, stop, exit_by, SIDE_FLAT)


def _enter(state: State, close: Close, setup: Setup) -> Outcome:
    """Size → symbol rules → money → risk. What is bought must also be worth selling, less the fee and at its
    stop: the rules are asked with the quantity the amount buys at this close, not with the amount alone."""
    limits = setup.limits
    quote = entry_quote_e8(state.capital_e8, setup.size_percent_e6, setup.size_fixed_e8, limits.quote_unit_e8)
    if not close.is_trading:
        return _refused(state, REASON_NOT_TRADING, quote, 0, SIDE_LONG)
    if quote < limits.min_notional_e8:
        return _refused(state, REASON_BELOW_MIN_NOTIONAL, quote, 0, SIDE_LONG)
    quantity = steps_for(quote, close.price, limits)
    fault = market_fault(close.price, quantity, limits)
    if fault != NO_FAULT:
        return _refused(state, _entry_refusal(fault), quote, quantity, SIDE_LONG)
    kept = share_e6(quantity, E6 - FEE_E6)
    if kept < limits.min_quantity:
        return _refused(state, REASON_BELOW_MIN_QUANTITY, quote, kept, SIDE_LONG)
    stop = share_e6(close.price, setup.worst_sale_e6)
    if setup.worst_sale_e6 > 0 and notional_e8(stop, kept, limits) < setup.stop_min_notional_e8:
        return Outcome(
            state, ACTION_NONE, REASON_BELOW_MIN_NOTIONAL, quote, kept, stop, EXIT_BY_NOTHING, SIDE_LONG
        )
    if quote > state.available_e8:
        return _refused(state, REASON_NOT_ENOUGH_MONEY, quote, quantity, SIDE_LONG)
    if not close.stop_slot_free:
        return _refused(state, REASON_NO_STOP_SLOT, quote, quantity, SIDE_LONG)
    return Outcome(state, ACTION_ENTER, REASON_ENTRY_SIGNAL, quote, quantity, 0, EXIT_BY_NOTHING, SIDE_LONG)


def _enter_futures(state: State, close: Close, setup: Setup, side: int) -> Outcome:
    """Size → symbol rules → money → what the leverage allows → risk, all reckoned at this close."""
    limits = setup.limits
    margin = entry_margin_e8(
        state.capital_e8, setup.size_percent_e6, setup.size_fixed_e8, setup.leverage, setup.taker_e6
    )
    if not close.is_trading:
        return _refused(state, REASON_NOT_TRADING, margin, 0, side)
    quantity = steps_for(margin * setup.leverage, close.price, limits)
    fault = market_fault(close.price, quantity, limits)
    if fault != NO_FAULT:
        return _refused(state, _entry_refusal(fault), margin, quantity, side)
    worth = notional_e8(close.price, quantity, limits)
    needed = needed_e8(worth, setup.leverage, setup.taker_e6)
    if needed > state.available_e8:
        return _refused(state, REASON_NOT_ENOUGH_MONEY, needed, quantity, side)
    if worth > most_notional_e8(setup.leverage, setup.brackets):
        return _refused(state, REASON_ABOVE_BRACKET, needed, quantity, side)
    stop = stop_ticks(side, close.price * setup.tick_e8, setup.first_stop_e6, setup.tick_e8)
    level = liquidation_e8(side, quantity, worth, worth // setup.leverage, setup.scale, setup.brackets)
    if stop > 0 and not is_tighter(side, stop * setup.tick_e8, level):
        return Outcome(
            state, ACTION_NONE, REASON_STOP_BEYOND_LIQUIDATION, needed, quantity, stop, EXIT_BY_NOTHING, side
        )
    if not close.stop_slot_free:
        return _refused(state, REASON_NO_STOP_SLOT, needed, quantity, side)
    return Outcome(state, ACTION_ENTER, REASON_ENTRY_SIGNAL, needed, quantity, 0, EXIT_BY_NOTHING, side)


def _nothing(state: State, reason: int) -> Outcome:
    return Outcome(state, ACTION_NONE, reason, 0, 0, 0, EXIT_BY_NOTHING, SIDE_FLAT)


def _refused(state: State, reason: int, quote_e8: int, quantity: int, side: int) -> Outcome:
    return Outcome(state, ACTION_NONE, reason, quote_e8, quantity, 0, EXIT_BY_NOTHING, side)


def _limit_reason(reached: int) -> int:
    if reached == MAX_TRADES_REACHED:
        return REASON_MAX_DAILY_TRADES
    if reached == MAX_LOSS_REACHED:
        return REASON_MAX_DAILY_LOSS
    return REASON_DAILY_TARGET


def _entry_refusal(fault: int) -> int:
    if fault == BELOW_MIN_NOTIONAL:
        return REASON_BELOW_MIN_NOTIONAL
    if fault == BELOW_MIN_QUANTITY:
        return REASON_BELOW_MIN_QUANTITY
    if fault == ABOVE_MAX_QUANTITY:
        return REASON_ABOVE_MAX_QUANTITY
    return REASON_ABOVE_MAX_NOTIONAL
