"""The way of one bot through its candles: who is filled where, who is asked when (SPEC §5.8), written to be compiled.

At the opening of a minute, in this order: resting orders that the opening has passed are filled → the candle that has
just closed is decided → exit, stop replacement and entry at that opening → protection of what stands now → the price
moves. `step` decides, `fills` is the exchange, `booking` counts.
"""

from typing import Final, NamedTuple

from engine.amounts import worth_e8
from engine.fills import (
    Book,
    Guard,
    Moment,
    Terms,
    at_market,
    beginning,
    close_position,
    enter,
    levels,
    moved_to,
    no_sale,
    passed,
    refused,
    touched,
)  # fmt: skip
from engine.market import DAY_MS, IntArray
from engine.path import Touch, first_touch
from engine.results import END_OF_DATA, EXIT_SIGNAL, NO_EXIT, TRAILING_STOP
from engine.step import (
    ACTION_ENTER,
    ACTION_EXIT,
    ACTION_MOVE_STOP,
    ACTION_NONE,
    EXIT_BY_SIGNAL,
    REASON_IN_POSITION,
    REASON_NO_SIGNAL,
    SIDE_FLAT,
    SIDE_LONG,
    Close,
    State,
    step,
)  # fmt: skip
from engine.strategies.contract import BoolArray

# What ends a stretch in which nothing happens.
DECIDES: Final = 0
ENDS: Final = 1
TOUCHES: Final = 2
OPENS_INSIDE: Final = 3
OPENS_AT_CLOSE: Final = 4
# No price of a candle comes to this.
NEVER_E8: Final = 2**63 - 1


class Rows(NamedTuple):
    """Where the results go: a row per position and per trade, columns as in `engine.results`, and a value per bar."""

    positions: IntArray
    trades: IntArray
    equity_e8: IntArray
    reasons: IntArray


class Series(NamedTuple):
    """Candles as the compiled loop wants them."""

    open_ms: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray


class Flags(NamedTuple):
    ready: BoolArray
    long_entry: BoolArray
    long_exit: BoolArray


def walk(bars: Series, minutes: Series, flags: Flags, terms: Terms, rows: Rows, first: int) -> Book:
    """All bars from `first` on; `minutes` are the candles walked under them (the bars themselves, where there are no
    finer ones). The two loops that pass from one event to the next carry next to nothing: that is what makes a year a
    matter of milliseconds."""
    last = len(bars.open_ms) - 1
    book, guard = beginning(terms), Guard(0, 0, 0, 0, 0)
    index, minute, what = first, _first_minute(minutes.open_ms, bars.open_ms, first), DECIDES
    while index <= last:
        if book.held.is_open:
            what, index, minute, guard = _hold(
                bars, minutes, flags, terms, rows, first, book, guard, index, minute
            )
        else:
            what, index, minute = _stay_flat(bars, minutes, flags, terms, rows, first, book, index, minute)
        if what == ENDS:
            break
        now = Moment(minutes.open_ms[minute], minutes.open[minute])
        if what == TOUCHES:
            touch = _touch(book, guard, minutes, minute, terms.tick_e8)
            guard = _seen(guard, touch.lowest, touch.highest)
            sale = touched(book.held, guard, touch, now.at_ms, terms)
            book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        elif what != DECIDES:
            sale = passed(book.held, guard, now, terms)
            book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        if what in (DECIDES, OPENS_AT_CLOSE):
            book, guard = _decide(bars, flags, terms, rows, book, guard, index, now)
            index += 1
    if book.held.is_open:
        sale = at_market(Moment(bars.open_ms[last] + terms.interval_ms, bars.close[last]), END_OF_DATA, terms)
        book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
    return book


def _touch(book: Book, guard: Guard, minutes: Series, minute: int, tick_e8: int) -> Touch:
    stop_e8, target_e8 = levels(book.held, guard, tick_e8)
    return first_touch(minutes.open[minute], minutes.high[minute], minutes.low[minute], stop_e8, target_e8)


def _seen(guard: Guard, lowest_e8: int, highest_e8: int) -> Guard:
    return Guard(
        guard.stop,
        guard.stop_is_trailing,
        guard.best,
        min(guard.lowest_e8, lowest_e8),
        max(guard.highest_e8, highest_e8),
    )


def _stay_flat(
    bars: Series, minutes: Series, flags: Flags, terms: Terms, rows: Rows, first: int, book: Book, index: int,
    minute: int,
) -> tuple[int, int, int]:  # fmt: skip
    """On to the next close that decides something: (what, its bar, the minute that opens then)."""
    bar_ms, minute_ms, equity_e8, reasons = bars.open_ms, minutes.open_ms, rows.equity_e8, rows.reasons
    last, ends, capital_e8 = len(bar_ms) - 1, len(minute_ms), book.account.capital_e8
    state, paused = _state(book, 0, 0), 1 if book.paused_ms > 0 else 0
    while index <= last:
        acts_at_ms = bar_ms[index] + terms.interval_ms
        while minute < ends and minute_ms[minute] < acts_at_ms:
            minute += 1
        equity_e8[index - first] = capital_e8
        if index < last and minute < ends:
            # The price is asked of a candle with an entry signal only: divisions less for all the others.
            price = bars.close[index] // terms.tick_e8 if flags.long_entry[index] else 0
            fresh = 1 if minute_ms[minute] == acts_at_ms else 0
            outcome = step(
                state, _close(flags, terms, index, acts_at_ms, price, price, paused, fresh), terms.setup
            )
            if outcome.action != ACTION_NONE:
                return DECIDES, index, minute
            reasons[outcome.reason] += 1
            if outcome.reason == REASON_NO_SIGNAL:
                # Nothing but the candle changes for a flat bot: until one has a signal, or the day does, so it stays.
                until = _quiet_until(bar_ms, flags, terms, index + 1)
                reasons[outcome.reason] += until - index - 1
                for quiet in range(index + 1, until):
                    equity_e8[quiet - first] = capital_e8
                index = until - 1
        index += 1
    return ENDS, index, minute


def _quiet_until(bar_ms: IntArray, flags: Flags, terms: Terms, index: int) -> int:
    """The first bar from `index` on to which `step` may say something else than to the quiet one before it, the last at
    the latest; what lies between closes on the same UTC day, warmed up and without a signal."""
    ready, entry = flags.ready, flags.long_entry
    last = len(bar_ms) - 1
    midnight = ((bar_ms[index - 1] + terms.interval_ms) // DAY_MS + 1) * DAY_MS - terms.interval_ms
    while index < last and ready[index] and not entry[index] and bar_ms[index] < midnight:
        index += 1
    return index


def _hold(
    bars: Series, minutes: Series, flags: Flags, terms: Terms, rows: Rows, first: int, book: Book, guard: Guard,
    index: int, minute: int,
) -> tuple[int, int, int, Guard]:  # fmt: skip
    """On to whatever ends the position: (what, its bar, its minute, the guard by then). A stop that moves is no end.
    The opening of the first minute has been dealt with."""
    bar_ms, minute_ms, equity_e8, reasons = bars.open_ms, minutes.open_ms, rows.equity_e8, rows.reasons
    opens, highs, lows, closes = minutes.open, minutes.high, minutes.low, bars.close
    last, ends, tick_e8 = len(bar_ms) - 1, len(minute_ms), terms.tick_e8
    money_e8, quantity_e8 = book.account.money_e8, book.account.quantity_e8
    stop_e8, target_e8 = levels(book.held, guard, tick_e8)
    dealt_with, is_settled, trails = minute, False, terms.setup.trailing_percent_e6 > 0
    new_best_e8 = NEVER_E8
    while index <= last:
        acts_at_ms = bar_ms[index] + terms.interval_ms
        while minute < ends and minute_ms[minute] < acts_at_ms:
            if minute != dealt_with and (opens[minute] <= stop_e8 or opens[minute] >= target_e8):
                return OPENS_INSIDE, index, minute, guard
            if lows[minute] <= stop_e8 or highs[minute] >= target_e8:
                return TOUCHES, index, minute, guard
            guard = _seen(guard, lows[minute], highs[minute])
            minute += 1
        equity_e8[index - first] = money_e8 + worth_e8(quantity_e8, closes[index])
        if index < last and minute < ends:
            if opens[minute] <= stop_e8 or opens[minute] >= target_e8:
                return OPENS_AT_CLOSE, index, minute, guard
            dealt_with = minute
            if is_settled and not flags.long_exit[index] and bars.high[index] < new_best_e8:
                # No exit signal, and nothing trails or no new best to trail: the stop stays where it is wanted.
                reasons[REASON_IN_POSITION] += 1
                index += 1
                continue
            price, high = closes[index] // tick_e8, bars.high[index] // tick_e8
            close = _close(flags, terms, index, acts_at_ms, price, high, 0, 1)
            outcome = step(_state(book, guard.stop, guard.best), close, terms.setup)
            if outcome.action == ACTION_NONE:
                guard = moved_to(guard, guard.stop, guard.stop_is_trailing, outcome.state.best)
                is_settled = outcome.reason == REASON_IN_POSITION
            elif outcome.action == ACTION_MOVE_STOP and opens[minute] > outcome.stop * tick_e8:
                guard = moved_to(guard, outcome.stop, 1, outcome.state.best)
                stop_e8, is_settled = outcome.stop * tick_e8, True
            else:
                return DECIDES, index, minute, guard
            reasons[outcome.reason] += 1
            new_best_e8 = (guard.best + 1) * tick_e8 if trails else NEVER_E8
        index += 1
    return ENDS, index, minute, guard


def _decide(
    bars: Series, flags: Flags, terms: Terms, rows: Rows, book: Book, guard: Guard, index: int, now: Moment
) -> tuple[Book, Guard]:
    """The close of a bar, and what is done at the opening that follows. A bar that led to an exit is asked once more,
    flat and with the capital after it."""
    acts_at_ms, asks = bars.open_ms[index] + terms.interval_ms, True
    price, high = bars.close[index] // terms.tick_e8, bars.high[index] // terms.tick_e8
    fresh = 1 if now.at_ms == acts_at_ms else 0
    while asks:
        paused = 1 if book.paused_ms > 0 else 0
        outcome = step(
            _state(book, guard.stop, guard.best),
            _close(flags, terms, index, acts_at_ms, price, high, paused, fresh),
            terms.setup,
        )
        rows.reasons[outcome.reason] += 1
        sale, asks = no_sale(), False
        if outcome.action == ACTION_ENTER:
            book, guard = enter(
                book, outcome.quote_e8, bars.close[index], now, terms, rows.positions, rows.trades
            )
        elif outcome.action != ACTION_NONE:
            asks = bool(flags.long_entry[index])
        if outcome.action == ACTION_EXIT:
            reason = EXIT_SIGNAL if outcome.exit_by == EXIT_BY_SIGNAL else TRAILING_STOP
            sale = at_market(now, reason, terms)
        elif outcome.action == ACTION_MOVE_STOP:
            guard = moved_to(guard, outcome.stop, 1, outcome.state.best)
        if outcome.action in (ACTION_ENTER, ACTION_MOVE_STOP) and book.held.is_open:
            sale = refused(book.held, guard, now, terms)
        if sale.reason != NO_EXIT:
            book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        asks = asks and not book.held.is_open
    return book, guard


def _close(
    flags: Flags, terms: Terms, index: int, acts_at_ms: int, price: int, high: int, paused: int, fresh: int
) -> Close:
    return Close(
        acts_at_ms // DAY_MS,
        acts_at_ms,
        terms.interval_ms,
        price,
        high,
        0,
        int(flags.ready[index]),
        int(flags.long_entry[index]),
        int(flags.long_exit[index]),
        0,
        0,
        1,
        paused,
        0,
        fresh,
        terms.takes_orders,
        1,
    )


def _first_minute(minutes: IntArray, bars: IntArray, first: int) -> int:
    position = 0
    while position < len(minutes) and first < len(bars) and minutes[position] < bars[first]:
        position += 1
    return position


def _state(book: Book, stop: int, best: int) -> State:
    held, capital = book.held, book.account.capital_e8
    return State(
        book.day.day,
        book.day.trades,
        book.day.pnl_e8,
        SIDE_LONG if held.is_open else SIDE_FLAT,
        held.steps,
        capital,
        capital,
        stop,
        best,
        book.last_exit_ms,
    )
