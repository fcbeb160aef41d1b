"""The way of one bot through its candles: who is filled where, who is asked when (SPEC §5.8), written to be compiled.

At the opening of a minute, in this order: funding is settled → resting orders that the opening has passed are filled →
the candle that has just closed is decided → exit, stop replacement and entry at that opening → what stands now is
protected → the price moves. `step` decides, `fills` and `entries` are the exchange, `booking` counts.
"""

from typing import Final, NamedTuple

from engine.amounts import worth_e8
from engine.entries import enter, nothing_guarded
from engine.fills import (
    Book,
    Guard,
    Held,
    Moment,
    Terms,
    at_market,
    beginning,
    close_position,
    levels,
    moved_to,
    no_sale,
    passed,
    refused,
    settle,
    touched,
)  # fmt: skip
from engine.margin import Funding
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
    REASON_STOP_MOVED,
    SIDE_FLAT,
    Close,
    Outcome,
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
PASSES: Final = 5  # nothing did
# No time and no price of a candle comes to this.
NEVER: Final = 2**63 - 1


class Rows(NamedTuple):
    """Where the results go: vectors of positions and trades as in `engine.results`, and a value per bar; those before
    the first evaluated one are not written."""

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
    """`entry`: a signal that this bot may follow."""

    ready: BoolArray
    entry: BoolArray
    long_entry: BoolArray
    long_exit: BoolArray
    short_entry: BoolArray
    short_exit: BoolArray


class Way(NamedTuple):
    """Where an open position is left alone: between these prices, until the next settlement."""

    lower: int
    upper: int
    until_ms: int


def walk(
    bars: Series, minutes: Series, flags: Flags, terms: Terms, funding: Funding, rows: Rows, first: int
) -> Book:
    """All bars from `first` on; `minutes` are the candles walked under them (the bars themselves, where there are no
    finer ones). The two loops that pass from one event to the next carry next to nothing, and say that their indices
    are not below 0, so that none need be counted from the end: that is what makes a year a matter of milliseconds."""
    last = len(bars.open_ms) - 1
    book, guard = beginning(terms), nothing_guarded()
    index, minute, what = first, _first_minute(minutes.open_ms, bars.open_ms, first), DECIDES
    while index <= last:
        until_ms = _next_settlement(funding, book.settled)
        if book.held.side != SIDE_FLAT:
            what, index, minute, guard = _hold(
                bars, minutes, flags, terms, rows, book, guard, index, minute, until_ms
            )
        else:
            what, index, minute = _stay_flat(bars, minutes, flags, terms, rows, book, index, minute)
        if what == ENDS:
            break
        now = Moment(minutes.open_ms[minute], minutes.open[minute])
        if what == TOUCHES:
            touch = _touch(book, guard, minutes, minute, terms.tick_e8)
            guard = _seen(guard, touch.lowest, touch.highest)
            sale = touched(book.held, guard, touch, now.at_ms, terms)
            book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        elif what != DECIDES:
            if now.at_ms >= until_ms:
                book = settle(book, funding, minutes.close[minute - 1], now.at_ms, terms)
            sale = passed(book.held, guard, now, terms)
            if sale.reason != NO_EXIT:
                book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        if what in (DECIDES, OPENS_AT_CLOSE):
            book, guard = _decide(bars, flags, terms, funding, rows, book, guard, index, now)
            index += 1
    if book.held.side != SIDE_FLAT:
        end = Moment(bars.open_ms[last] + terms.interval_ms, bars.close[last])
        book = _end(book, guard, end, terms, funding, rows)
    return book


def _end(book: Book, guard: Guard, end: Moment, terms: Terms, funding: Funding, rows: Rows) -> Book:
    """What is open at the last close is sold at it, unless a settlement at that instant liquidates it."""
    sale = no_sale()
    if _next_settlement(funding, book.settled) <= end.at_ms:
        book = settle(book, funding, end.price_e8, end.at_ms, terms)
        sale = passed(book.held, guard, end, terms)
    if sale.reason == NO_EXIT:
        sale = at_market(book.held.side, end, END_OF_DATA, terms)
    return close_position(book, guard, sale, terms, rows.positions, rows.trades)


def _next_settlement(funding: Funding, settled: int) -> int:
    return funding.at_ms[settled] if settled < len(funding.at_ms) else NEVER


def _touch(book: Book, guard: Guard, minutes: Series, minute: int, tick_e8: int) -> Touch:
    lower, upper = levels(book.held, guard, tick_e8)
    return first_touch(minutes.open[minute], minutes.high[minute], minutes.low[minute], lower, upper)


def _seen(guard: Guard, lowest_e8: int, highest_e8: int) -> Guard:
    return Guard(
        guard.stop,
        guard.stop_is_trailing,
        guard.best,
        min(guard.lowest_e8, lowest_e8),
        max(guard.highest_e8, highest_e8),
    )


def _stay_flat(
    bars: Series, minutes: Series, flags: Flags, terms: Terms, rows: Rows, book: Book, index: int,
    minute: int,
) -> tuple[int, int, int]:  # fmt: skip
    """On to the next close that decides something: (what, its bar, the minute that opens then)."""
    bar_ms, minute_ms, equity_e8, reasons = bars.open_ms, minutes.open_ms, rows.equity_e8, rows.reasons
    last, ends, capital_e8 = len(bar_ms) - 1, len(minute_ms), book.account.capital_e8
    state, paused = _state(book, 0, 0), 1 if book.paused_ms > 0 else 0
    while 0 <= index <= last:
        acts_at_ms = bar_ms[index] + terms.interval_ms
        while 0 <= minute < ends and minute_ms[minute] < acts_at_ms:
            minute += 1
        equity_e8[index] = capital_e8
        if index < last and 0 <= minute < ends:
            # The price is asked of a candle with an entry signal only: divisions less for all the others.
            price = bars.close[index] // terms.tick_e8 if flags.entry[index] else 0
            fresh = 1 if minute_ms[minute] == acts_at_ms else 0
            outcome = step(
                state,
                _close(flags, terms, index, acts_at_ms, price, price, price, paused, fresh),
                terms.setup,
            )
            if outcome.action != ACTION_NONE:
                return DECIDES, index, minute
            reasons[outcome.reason] += 1
            if outcome.reason == REASON_NO_SIGNAL:
                # Nothing but the candle changes for a flat bot: until one has a signal, or the day does, so it stays.
                until = _quiet_until(bar_ms, flags, terms, index + 1)
                reasons[outcome.reason] += until - index - 1
                for quiet in range(index + 1, until):
                    equity_e8[quiet] = capital_e8
                index = until - 1
        index += 1
    return ENDS, index, minute


def _quiet_until(bar_ms: IntArray, flags: Flags, terms: Terms, index: int) -> int:
    """The first bar from `index` on to which `step` may say something else than to the quiet one before it, the last at
    the latest; what lies between closes on the same UTC day, warmed up and without a signal."""
    ready, entry = flags.ready, flags.entry
    last = len(bar_ms) - 1
    midnight = ((bar_ms[index - 1] + terms.interval_ms) // DAY_MS + 1) * DAY_MS - terms.interval_ms
    while index < last and ready[index] and not entry[index] and bar_ms[index] < midnight:
        index += 1
    return index


def _hold(
    bars: Series, minutes: Series, flags: Flags, terms: Terms, rows: Rows, book: Book, guard: Guard,
    index: int, minute: int, until_ms: int,
) -> tuple[int, int, int, Guard]:  # fmt: skip
    """On to whatever ends the position, or to the next settlement: (what, its bar, its minute, the guard by then). A
    stop that moves is no end. The opening of the first minute has been dealt with."""
    last, ends, tick_e8, equity_e8 = (
        len(bars.open_ms) - 1,
        len(minutes.open_ms),
        terms.tick_e8,
        rows.equity_e8,
    )
    side, quantity_e8 = book.held.side, book.account.quantity_e8
    base_e8 = book.account.money_e8 - side * book.held.notional_e8
    leaves, farthest = (flags.long_exit, bars.high) if side > 0 else (flags.short_exit, bars.low)
    way = Way(*levels(book.held, guard, tick_e8), until_ms)
    # The first bar is asked whatever it says; from then on only those with an exit signal or a new best price.
    what, dealt_with, quiet, best_below, best_above = ENDS, minute, 0, NEVER, 0
    while 0 <= index <= last:
        acts_at_ms = bars.open_ms[index] + terms.interval_ms
        what, minute, guard = _live(minutes, minute, acts_at_ms, dealt_with, way, guard)
        if what != PASSES:
            break
        equity_e8[index] = base_e8 + side * worth_e8(quantity_e8, bars.close[index])
        if index < last and 0 <= minute < ends:
            if _is_met(minutes, minute, way):
                what = OPENS_AT_CLOSE
                break
            dealt_with = minute
            if not leaves[index] and bars.low[index] > best_below and bars.high[index] < best_above:
                quiet += 1
            else:
                price, far = bars.close[index] // tick_e8, farthest[index] // tick_e8
                close = _close(flags, terms, index, acts_at_ms, price, far, far, 0, 1)
                outcome = step(_state(book, guard.stop, guard.best), close, terms.setup)
                if not _is_kept(outcome, side, minutes.open[minute], tick_e8):
                    what = DECIDES
                    break
                rows.reasons[outcome.reason] += 1
                guard, way = _followed(outcome, guard, way, book.held, tick_e8)
                best_below, best_above = _still_between(outcome, guard, side, terms)
        index += 1
    rows.reasons[REASON_IN_POSITION] += quiet
    return what if index <= last else ENDS, index, minute, guard


def _live(
    minutes: Series, minute: int, until_ms: int, dealt_with: int, way: Way, guard: Guard
) -> tuple[int, int, Guard]:
    """Through the minutes of a bar, to its end or to the first that is not passed by."""
    while 0 <= minute < len(minutes.open_ms) and minutes.open_ms[minute] < until_ms:
        if minute != dealt_with and _is_met(minutes, minute, way):
            return OPENS_INSIDE, minute, guard
        if minutes.low[minute] <= way.lower or minutes.high[minute] >= way.upper:
            return TOUCHES, minute, guard
        guard = _seen(guard, minutes.low[minute], minutes.high[minute])
        minute += 1
    return PASSES, minute, guard


def _is_met(minutes: Series, minute: int, way: Way) -> bool:
    """Whether something happens to the position at this opening."""
    opening = minutes.open[minute]
    return bool(opening <= way.lower or opening >= way.upper or minutes.open_ms[minute] >= way.until_ms)


def _is_kept(outcome: Outcome, side: int, opening_e8: int, tick_e8: int) -> bool:
    """Whether the position stays, its stop perhaps elsewhere: where this opening has passed that, it does not."""
    if outcome.action == ACTION_NONE:
        return True
    return outcome.action == ACTION_MOVE_STOP and side * (opening_e8 - outcome.stop * tick_e8) > 0


def _followed(outcome: Outcome, guard: Guard, way: Way, held: Held, tick_e8: int) -> tuple[Guard, Way]:
    if outcome.action != ACTION_MOVE_STOP:
        return moved_to(guard, guard.stop, guard.stop_is_trailing, outcome.state.best), way
    stop_e8, moved = outcome.stop * tick_e8, moved_to(guard, outcome.stop, 1, outcome.state.best)
    if held.side > 0:
        return moved, Way(max(stop_e8, held.liquidation_e8), way.upper, way.until_ms)
    return moved, Way(way.lower, min(stop_e8, held.liquidation_e8), way.until_ms)


def _still_between(outcome: Outcome, guard: Guard, side: int, terms: Terms) -> tuple[int, int]:
    """Between which prices a bar without an exit signal is known to change nothing: nothing trails, or it brings no new
    best price to trail."""
    if outcome.reason != REASON_IN_POSITION and outcome.reason != REASON_STOP_MOVED:
        return NEVER, 0
    if terms.setup.trailing_percent_e6 <= 0:
        return 0, NEVER
    return (0, (guard.best + 1) * terms.tick_e8) if side > 0 else (guard.best * terms.tick_e8 - 1, NEVER)


def _decide(
    bars: Series, flags: Flags, terms: Terms, funding: Funding, rows: Rows, book: Book, guard: Guard, index: int,
    now: Moment,
) -> tuple[Book, Guard]:  # fmt: skip
    """The close of a bar, and what is done at the opening that follows. A bar that led to an exit is asked once more,
    flat and with the capital after it."""
    acts_at_ms, asks = bars.open_ms[index] + terms.interval_ms, True
    tick_e8 = terms.tick_e8
    price, high, low = bars.close[index] // tick_e8, bars.high[index] // tick_e8, bars.low[index] // tick_e8
    fresh = 1 if now.at_ms == acts_at_ms else 0
    while asks:
        paused = 1 if book.paused_ms > 0 else 0
        outcome = step(
            _state(book, guard.stop, guard.best),
            _close(flags, terms, index, acts_at_ms, price, high, low, paused, fresh),
            terms.setup,
        )
        rows.reasons[outcome.reason] += 1
        sale, asks = no_sale(), False
        if outcome.action == ACTION_ENTER:
            book, guard = enter(
                book, outcome, bars.close[index], now, terms, funding, rows.positions, rows.trades
            )
        elif outcome.action != ACTION_NONE:
            asks = bool(flags.entry[index])
        elif book.held.side != SIDE_FLAT:
            guard = moved_to(guard, guard.stop, guard.stop_is_trailing, outcome.state.best)
        if outcome.action == ACTION_EXIT:
            reason = EXIT_SIGNAL if outcome.exit_by == EXIT_BY_SIGNAL else TRAILING_STOP
            sale = at_market(book.held.side, now, reason, terms)
        elif outcome.action == ACTION_MOVE_STOP:
            guard = moved_to(guard, outcome.stop, 1, outcome.state.best)
        if outcome.action in (ACTION_ENTER, ACTION_MOVE_STOP) and book.held.side != SIDE_FLAT:
            sale = refused(book.held, guard, now, terms)
        if sale.reason != NO_EXIT:
            book = close_position(book, guard, sale, terms, rows.positions, rows.trades)
        asks = asks and book.held.side == SIDE_FLAT
    return book, guard


def _close(
    flags: Flags, terms: Terms, index: int, acts_at_ms: int, price: int, high: int, low: int, paused: int, fresh: int
) -> Close:  # fmt: skip
    return Close(
        acts_at_ms // DAY_MS,
        acts_at_ms,
        terms.interval_ms,
        price,
        high,
        low,
        int(flags.ready[index]),
        int(flags.long_entry[index]),
        int(flags.long_exit[index]),
        int(flags.short_entry[index]),
        int(flags.short_exit[index]),
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
        held.side,
        held.steps,
        capital,
        capital,
        stop,
        best,
        book.last_exit_ms,
    )
