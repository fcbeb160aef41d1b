"""What the exchange does to a bot's orders in a backtest: entries, exits, stops, targets, refusals (SPEC §5.4 to §5.9).

Written to be compiled: tuples of integers in and out, results into rows. Liquidity is unlimited at the path's price.
"""

from typing import Final, NamedTuple

from engine.booking import (
    Account,
    Costs,
    Day,
    Deal,
    StopExits,
    buy,
    got_e8,
    no_stop_exits,
    on_day,
    paid_e8,
    sell,
    with_stop_exit,
)  # fmt: skip
from engine.exits import stop_limit_ticks, stop_ticks_below, target_ticks_above
from engine.limits import breaker_trips
from engine.market import DAY_MS, IntArray
from engine.path import STOP_TOUCHED, Touch
from engine.results import (
    NO_EXIT,
    STOP_GAP,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
)  # fmt: skip
from engine.slippage import has_moved
from engine.step import Setup

CALLED_SELDOM: Final = True  # a few thousand times a year of candles: see engine.compiled
NO_LEVEL: Final = 1 << 62
AT_MARKET: Final = -1


class Terms(NamedTuple):
    """What stays the same over a backtest. `limit_offset_e6`: how far a stop's limit lies below its trigger, AT_MARKET
    where the symbol takes stops without a limit. `stretch`: how much longer a walked candle is than a minute."""

    setup: Setup
    costs: Costs
    tick_e8: int
    step_e8: int
    interval_ms: int
    stretch: int
    initial_capital_e8: int
    stop_percent_e6: int
    target_percent_e6: int
    limit_offset_e6: int
    max_slippage_e6: int
    takes_orders: int
    dust_quantity_e8: int
    dust_cost_e8: int


class Held(NamedTuple):
    """The open position as its entry made it: what it can sell (in steps), its target in ticks (0 = none), the fee of
    its entry. `is_open` 0 or 1."""

    is_open: int
    steps: int
    target: int
    fees_e8: int


class Guard(NamedTuple):
    """What moves with an open position: its stop (0 = none) and its best price as the trail counts it, in ticks, and
    the extremes of the price since its entry, in 1e-8."""

    stop: int
    stop_is_trailing: int
    best: int
    lowest_e8: int
    highest_e8: int


class Book(NamedTuple):
    """What changes with a trade. `positions` and `trades` are how many rows are written."""

    account: Account
    held: Held
    day: Day
    stop_exits: StopExits
    last_exit_ms: int
    paused_ms: int
    positions: int
    trades: int


class Moment(NamedTuple):
    """An opening at which things happen."""

    at_ms: int
    price_e8: int


class Sale(NamedTuple):
    """How a position ends; `reason` NO_EXIT: it does not."""

    at_ms: int
    price_e8: int
    reason: int
    is_maker: int


def beginning(terms: Terms) -> Book:
    """Flat, with the dust of earlier trades, which has cost a part of the capital."""
    capital, cost = terms.initial_capital_e8, terms.dust_cost_e8
    account = Account(capital - cost, capital, terms.dust_quantity_e8, cost)
    return Book(account, nothing_held(), Day(0, 0, 0), no_stop_exits(), 0, 0, 0, 0)


def nothing_held() -> Held:
    return Held(0, 0, 0, 0)


def levels(held: Held, guard: Guard, tick_e8: int) -> tuple[int, int]:
    """Stop and target in 1e-8, out of reach where there is none."""
    if held.steps <= 0:
        return -NO_LEVEL, NO_LEVEL
    stop_e8 = guard.stop * tick_e8 if guard.stop > 0 else -NO_LEVEL
    return stop_e8, held.target * tick_e8 if held.target > 0 else NO_LEVEL


def enter(
    book: Book, quote_e8: int, close_e8: int, now: Moment, terms: Terms, positions: IntArray, trades: IntArray
) -> tuple[Book, Guard]:
    """A market purchase at the opening, unless that lies too far from the close or the exchange would refuse it."""
    limits, nothing = terms.setup.limits, Guard(0, 0, 0, 0, 0)
    if has_moved(now.price_e8, close_e8, terms.max_slippage_e6) or quote_e8 > limits.max_notional_e8:
        return book, nothing
    price = paid_e8(now.price_e8, terms.costs.slippage_e6, terms.tick_e8)
    deal = buy(book.account, quote_e8, price, terms.step_e8, terms.costs)
    steps = deal.quantity_e8 // terms.step_e8
    if steps < limits.min_quantity or steps > limits.max_quantity:
        return book, nothing
    row, entry = positions[book.positions], deal.average_e8
    row[0], row[1], row[2], row[3], row[4], row[5], row[6] = (
        now.at_ms, 0, 1, deal.quantity_e8 - deal.commission_e8, entry, 0, deal.quote_e8
    )  # fmt: skip
    _write_trade(trades[book.trades], book.positions, deal, now.at_ms, 1, NO_EXIT, 0)
    target = target_ticks_above(entry, terms.target_percent_e6, terms.tick_e8)
    day = on_day(book.day, now.at_ms // DAY_MS)
    after = Book(
        deal.account,
        Held(1, deal.account.quantity_e8 // terms.step_e8, target, deal.fee_e8),
        Day(day.day, day.trades + 1, day.pnl_e8),
        book.stop_exits,
        book.last_exit_ms,
        book.paused_ms,
        book.positions,
        book.trades + 1,
    )
    return after, _guard(entry, now.price_e8, terms)


def _guard(entry_price_e8: int, price_e8: int, terms: Terms) -> Guard:
    """The tighter of stop loss and trail; equal ones are the stop loss."""
    tick_e8 = terms.tick_e8
    stop = stop_ticks_below(entry_price_e8, terms.stop_percent_e6, tick_e8)
    trail = stop_ticks_below(entry_price_e8, terms.setup.trailing_percent_e6, tick_e8)
    return Guard(max(stop, trail), int(trail > stop), entry_price_e8 // tick_e8, price_e8, price_e8)


def moved_to(guard: Guard, stop: int, stop_is_trailing: int, best: int) -> Guard:
    return Guard(stop, stop_is_trailing, best, guard.lowest_e8, guard.highest_e8)


def no_sale() -> Sale:
    return Sale(0, 0, NO_EXIT, 0)


def at_market(now: Moment, reason: int, terms: Terms) -> Sale:
    return Sale(now.at_ms, got_e8(now.price_e8, terms.costs.slippage_e6, terms.tick_e8), reason, 0)


def refused(held: Held, guard: Guard, now: Moment, terms: Terms) -> Sale:
    """Stop and target as they are wanted now are placed; one that the price has passed is refused: that is an exit."""
    stop_e8, target_e8 = levels(held, guard, terms.tick_e8)
    if now.price_e8 <= stop_e8:
        return at_market(now, _stop_reason(guard), terms)
    if now.price_e8 >= target_e8:
        return at_market(now, TAKE_PROFIT, terms)
    return no_sale()


def passed(held: Held, guard: Guard, now: Moment, terms: Terms) -> Sale:
    """Resting orders that this opening has passed: a stop sells at it, a target at its own price. A stop whose limit
    the opening has jumped over is given up and sold at the opening too."""
    if now.price_e8 > guard.stop * terms.tick_e8:
        return Sale(now.at_ms, held.target * terms.tick_e8, TAKE_PROFIT, 1)
    if now.price_e8 < _stop_limit_e8(guard, terms):
        return at_market(now, STOP_GAP, terms)
    return _stopped(guard, now, terms)


def touched(held: Held, guard: Guard, touch: Touch, open_ms: int, terms: Terms) -> Sale:
    """The stop or the target, whichever the path through a minute touched first."""
    at_ms = open_ms + touch.offset_ms * terms.stretch
    if touch.what == STOP_TOUCHED:
        return _stopped(guard, Moment(at_ms, guard.stop * terms.tick_e8), terms)
    return Sale(at_ms, held.target * terms.tick_e8, TAKE_PROFIT, 1)


def _stopped(guard: Guard, now: Moment, terms: Terms) -> Sale:
    """A triggered stop sells at this price less slippage, but never below its limit where it has one."""
    got = got_e8(now.price_e8, terms.costs.slippage_e6, terms.tick_e8)
    return Sale(now.at_ms, max(got, _stop_limit_e8(guard, terms)), _stop_reason(guard), 0)


def _stop_limit_e8(guard: Guard, terms: Terms) -> int:
    if terms.limit_offset_e6 == AT_MARKET:
        return 0
    return stop_limit_ticks(guard.stop, terms.limit_offset_e6) * terms.tick_e8


def _stop_reason(guard: Guard) -> int:
    return TRAILING_STOP if guard.stop_is_trailing > 0 else STOP_LOSS


def close_position(
    book: Book, guard: Guard, sale: Sale, terms: Terms, positions: IntArray, trades: IntArray
) -> Book:
    """Everything that can be sold is, and the position is over: what is left is dust. Where nothing can be sold (at the
    end of the data) there is no trade."""
    account, fees_e8, result_e8, written = book.account, book.held.fees_e8, 0, book.trades
    row = positions[book.positions]
    if book.held.steps > 0:
        rate = terms.costs.maker_e6 if sale.is_maker else terms.costs.taker_e6
        deal = sell(account, book.held.steps * terms.step_e8, sale.price_e8, rate)
        _write_trade(trades[written], book.positions, deal, sale.at_ms, -1, sale.reason, sale.is_maker)
        account, fees_e8, result_e8 = deal.account, fees_e8 + deal.fee_e8, deal.result_e8
        written, row[5] = written + 1, deal.average_e8
    row[1], row[7], row[8], row[9], row[10] = sale.at_ms, fees_e8, 0, result_e8, sale.reason
    row[11], row[12] = min(guard.lowest_e8, sale.price_e8), max(guard.highest_e8, sale.price_e8)
    stop_exits, paused_ms = _counted(book, sale)
    day = on_day(book.day, sale.at_ms // DAY_MS)
    after = Day(day.day, day.trades, day.pnl_e8 + result_e8)
    return Book(
        account, nothing_held(), after, stop_exits, sale.at_ms, paused_ms, book.positions + 1, written
    )


def _counted(book: Book, sale: Sale) -> tuple[StopExits, int]:
    """The circuit breaker: three stop losses within ten minutes pause the bot, and are not counted again."""
    if sale.reason != STOP_LOSS and sale.reason != STOP_GAP:
        return book.stop_exits, book.paused_ms
    exits = with_stop_exit(book.stop_exits, sale.at_ms)
    times = (exits.oldest_ms, exits.middle_ms, exits.newest_ms)
    if book.paused_ms == 0 and breaker_trips(times, sale.at_ms):
        return no_stop_exits(), sale.at_ms
    return exits, book.paused_ms


def _write_trade(
    row: IntArray, position: int, deal: Deal, at_ms: int, side: int, reason: int, is_maker: int
) -> None:
    """A purchase pays its fee in coins."""
    row[0], row[1], row[2], row[3] = at_ms, position, side, reason
    row[4], row[5], row[6] = deal.average_e8, deal.quantity_e8, deal.quote_e8
    row[7], row[8], row[9] = deal.commission_e8, 1 if side > 0 else 0, is_maker
