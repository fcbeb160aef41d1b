"""What the exchange does to the open position of a backtest: exits, stops, targets, refusals, liquidation, funding
(SPEC §5.5 to §5.11). Its entries are in `engine.entries`.

Written to be compiled: tuples of integers in and out, results into rows. Liquidity is unlimited at the path's price.
"""

from typing import Final, NamedTuple

from engine.amounts import worth_e8
from engine.booking import (
    Account,
    Costs,
    Day,
    Deal,
    StopExits,
    after_funding,
    close_contract,
    got_e8,
    liquidate,
    no_stop_exits,
    on_day,
    paid_e8,
    sell,
    with_stop_exit,
)  # fmt: skip
from engine.exits import stop_limit_ticks
from engine.limits import breaker_trips
from engine.margin import Funding, funding_e8, liquidation_e8
from engine.market import DAY_MS, IntArray
from engine.path import LOWER_TOUCHED, Touch
from engine.results import (
    LIQUIDATION,
    NO_EXIT,
    STOP_GAP,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
)  # fmt: skip
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
    """The open position as its entry made it: its side (0: none is open), what it can sell (in steps), its target in
    ticks (0 = none), the fee of its entry. Of futures also what it was worth at its entry, what is left of its margin,
    the funding it has paid, and the price of its liquidation (0 or NO_LEVEL: none)."""

    side: int
    steps: int
    target: int
    fees_e8: int
    notional_e8: int
    margin_e8: int
    funding_e8: int
    liquidation_e8: int


class Guard(NamedTuple):
    """What moves with an open position: its stop (0 = none) and its best price as the trail counts it, in ticks, and
    the extremes of the price since its entry, in 1e-8."""

    stop: int
    stop_is_trailing: int
    best: int
    lowest_e8: int
    highest_e8: int


class Book(NamedTuple):
    """What changes with a trade. `positions` and `trades` are how many rows are written, `settled` how many settlements
    of funding are over."""

    account: Account
    held: Held
    day: Day
    stop_exits: StopExits
    last_exit_ms: int
    paused_ms: int
    positions: int
    trades: int
    settled: int


class Moment(NamedTuple):
    """An opening at which things happen."""

    at_ms: int
    price_e8: int


class Sale(NamedTuple):
    """How a position ends; `reason` NO_EXIT: it does not. A short buys back; of a liquidation the price is that of the
    market, not yet what the margin comes to."""

    at_ms: int
    price_e8: int
    reason: int
    is_maker: int


def beginning(terms: Terms) -> Book:
    """Flat, with the dust of earlier trades, which has cost a part of the capital."""
    capital, cost = terms.initial_capital_e8, terms.dust_cost_e8
    account = Account(capital - cost, capital, terms.dust_quantity_e8, cost)
    return Book(account, nothing_held(), Day(0, 0, 0), no_stop_exits(), 0, 0, 0, 0, 0)


def nothing_held() -> Held:
    return Held(0, 0, 0, 0, 0, 0, 0, 0)


def levels(held: Held, guard: Guard, tick_e8: int) -> tuple[int, int]:
    """The prices in 1e-8 at or beyond which something happens, below and above; out of reach where there is none (no
    price is 0). Of stop and liquidation the nearer."""
    if held.steps <= 0:
        return 0, NO_LEVEL
    stop_e8, target_e8 = guard.stop * tick_e8, held.target * tick_e8
    if held.side > 0:
        return max(stop_e8, held.liquidation_e8), target_e8 if target_e8 > 0 else NO_LEVEL
    return target_e8, min(stop_e8 if stop_e8 > 0 else NO_LEVEL, held.liquidation_e8)


def moved_to(guard: Guard, stop: int, stop_is_trailing: int, best: int) -> Guard:
    return Guard(stop, stop_is_trailing, best, guard.lowest_e8, guard.highest_e8)


def filled_e8(side: int, price_e8: int, terms: Terms) -> int:
    """What a market order that buys (1) or sells (-1) fills at: against us on either side."""
    slippage = terms.costs.slippage_e6
    return (
        paid_e8(price_e8, slippage, terms.tick_e8) if side > 0 else got_e8(price_e8, slippage, terms.tick_e8)
    )


def no_sale() -> Sale:
    return Sale(0, 0, NO_EXIT, 0)


def at_market(side: int, now: Moment, reason: int, terms: Terms) -> Sale:
    return Sale(now.at_ms, filled_e8(-side, now.price_e8, terms), reason, 0)


def refused(held: Held, guard: Guard, now: Moment, terms: Terms) -> Sale:
    """Stop and target as they are wanted now are placed; one that the price has passed is refused: that is an exit."""
    lower, upper = levels(held, guard, terms.tick_e8)
    if lower < now.price_e8 < upper:
        return no_sale()
    if _is_liquidated(held, now.price_e8):
        return Sale(now.at_ms, now.price_e8, LIQUIDATION, 0)
    is_stop = now.price_e8 <= lower if held.side > 0 else now.price_e8 >= upper
    return at_market(held.side, now, _stop_reason(guard) if is_stop else TAKE_PROFIT, terms)


def passed(held: Held, guard: Guard, now: Moment, terms: Terms) -> Sale:
    """Resting orders that this opening has passed: a stop sells at it, a spot target at its own price, a futures target
    at the opening. A stop whose limit the opening has jumped over is given up and sold at the opening too. What has
    passed the liquidation is that, whatever else it has passed."""
    lower, upper = levels(held, guard, terms.tick_e8)
    if lower < now.price_e8 < upper:
        return no_sale()
    if _is_liquidated(held, now.price_e8):
        return Sale(now.at_ms, now.price_e8, LIQUIDATION, 0)
    is_stop = now.price_e8 <= lower if held.side > 0 else now.price_e8 >= upper
    if not is_stop:
        return _on_target(held, now, terms)
    if now.price_e8 < _stop_limit_e8(guard, terms):
        return at_market(held.side, now, STOP_GAP, terms)
    return _stopped(held.side, guard, now, terms)


def touched(held: Held, guard: Guard, touch: Touch, open_ms: int, terms: Terms) -> Sale:
    """The lower or the upper level, whichever the path through a minute touched first."""
    at_ms, is_lower = open_ms + touch.offset_ms * terms.stretch, touch.what == LOWER_TOUCHED
    if is_lower != (held.side > 0):
        return _on_target(held, Moment(at_ms, held.target * terms.tick_e8), terms)
    stop_e8 = guard.stop * terms.tick_e8
    if _is_liquidated(held, stop_e8) or stop_e8 <= 0:
        return Sale(at_ms, held.liquidation_e8, LIQUIDATION, 0)
    return _stopped(held.side, guard, Moment(at_ms, stop_e8), terms)


def _is_liquidated(held: Held, price_e8: int) -> bool:
    return held.side * (price_e8 - held.liquidation_e8) <= 0


def _on_target(held: Held, now: Moment, terms: Terms) -> Sale:
    """On spot it rests in the book, at its own price; on futures it triggers a market order where the price is."""
    if terms.setup.leverage > 0:
        return at_market(held.side, now, TAKE_PROFIT, terms)
    return Sale(now.at_ms, held.target * terms.tick_e8, TAKE_PROFIT, 1)


def _stopped(side: int, guard: Guard, now: Moment, terms: Terms) -> Sale:
    """A triggered stop fills at this price less slippage, but never below its limit where it has one."""
    price = filled_e8(-side, now.price_e8, terms)
    return Sale(now.at_ms, max(price, _stop_limit_e8(guard, terms)), _stop_reason(guard), 0)


def _stop_limit_e8(guard: Guard, terms: Terms) -> int:
    """0 without one, as on futures."""
    if terms.limit_offset_e6 == AT_MARKET:
        return 0
    return stop_limit_ticks(guard.stop, terms.limit_offset_e6) * terms.tick_e8


def _stop_reason(guard: Guard) -> int:
    return TRAILING_STOP if guard.stop_is_trailing > 0 else STOP_LOSS


def settle(book: Book, funding: Funding, mark_e8: int, now_ms: int, terms: Terms) -> Book:
    """Funding of every settlement until now, on the position as it is held: out of its margin, so that the price of its
    liquidation moves."""
    setup, held, account, settled = terms.setup, book.held, book.account, book.settled
    paid = 0
    while settled < len(funding.at_ms) and funding.at_ms[settled] <= now_ms:
        worth = worth_e8(account.quantity_e8, mark_e8)
        paid += funding_e8(held.side, worth, funding.rate_e8[settled])
        settled += 1
    margin = held.margin_e8 - paid
    level = liquidation_e8(held.side, held.steps, held.notional_e8, margin, setup.scale, setup.brackets)
    after = Held(
        held.side,
        held.steps,
        held.target,
        held.fees_e8,
        held.notional_e8,
        margin,
        held.funding_e8 + paid,
        level,
    )
    return Book(
        after_funding(account, paid),
        after,
        book.day,
        book.stop_exits,
        book.last_exit_ms,
        book.paused_ms,
        book.positions,
        book.trades,
        settled,
    )


def close_position(
    book: Book, guard: Guard, sale: Sale, terms: Terms, positions: IntArray, trades: IntArray
) -> Book:
    """Everything that can be sold is, and the position is over: what is left is dust. Where nothing can be sold (at the
    end of the data) there is no trade."""
    account, held, result_e8, written = book.account, book.held, 0, book.trades
    row, fees_e8, price_e8, reason = positions[:, book.positions], held.fees_e8, sale.price_e8, sale.reason
    if held.steps > 0:
        deal, reason = _exit_deal(account, held, sale, terms)
        write_trade(
            trades[:, written], book.positions, deal, sale.at_ms, -held.side, reason, sale.is_maker, 0
        )
        account, fees_e8, result_e8 = deal.account, fees_e8 + deal.fee_e8, deal.result_e8
        written, row[5] = written + 1, deal.average_e8
        price_e8 = deal.average_e8 if reason == LIQUIDATION else price_e8
    row[1], row[7], row[8], row[9], row[10] = sale.at_ms, fees_e8, held.funding_e8, result_e8, reason
    row[11], row[12] = min(guard.lowest_e8, price_e8), max(guard.highest_e8, price_e8)
    stop_exits, paused_ms = _counted(book, sale.at_ms, reason)
    day = on_day(book.day, sale.at_ms // DAY_MS)
    after = Day(day.day, day.trades, day.pnl_e8 + result_e8)
    return Book(
        account, nothing_held(), after, stop_exits, sale.at_ms, paused_ms, book.positions + 1, written, book.settled
    )  # fmt: skip


def _exit_deal(account: Account, held: Held, sale: Sale, terms: Terms) -> tuple[Deal, int]:
    """And its reason: an order on futures that would leave nothing of the margin finds the position liquidated."""
    if terms.setup.leverage == 0:
        rate = terms.costs.maker_e6 if sale.is_maker else terms.costs.taker_e6
        return sell(account, held.steps * terms.step_e8, sale.price_e8, rate), sale.reason
    lost_e8 = held.side * (held.notional_e8 - worth_e8(account.quantity_e8, sale.price_e8))
    if sale.reason == LIQUIDATION or lost_e8 >= held.margin_e8:
        return liquidate(account, held.side, held.notional_e8, held.margin_e8), LIQUIDATION
    deal = close_contract(account, held.side, held.notional_e8, sale.price_e8, terms.costs.taker_e6)
    return deal, sale.reason


def _counted(book: Book, at_ms: int, reason: int) -> tuple[StopExits, int]:
    """The circuit breaker: three stop losses within ten minutes pause the bot, and are not counted again."""
    if reason != STOP_LOSS and reason != STOP_GAP:
        return book.stop_exits, book.paused_ms
    exits = with_stop_exit(book.stop_exits, at_ms)
    times = (exits.oldest_ms, exits.middle_ms, exits.newest_ms)
    if book.paused_ms == 0 and breaker_trips(times, at_ms):
        return no_stop_exits(), at_ms
    return exits, book.paused_ms


def write_trade(
    row: IntArray, position: int, deal: Deal, at_ms: int, side: int, reason: int, is_maker: int, fee_is_base: int
) -> None:  # fmt: skip
    row[0], row[1], row[2], row[3] = at_ms, position, side, reason
    row[4], row[5], row[6] = deal.average_e8, deal.quantity_e8, deal.quote_e8
    row[7], row[8], row[9] = deal.commission_e8, fee_is_base, is_maker
