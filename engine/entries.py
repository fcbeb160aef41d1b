"""What the exchange does to an entry of a backtest: bought or sold short at the opening, or refused (SPEC §5.4, §5.5).

Compiled, like `engine.fills`.
"""

from typing import Final

import numpy as np

from engine.booking import Day, Deal, buy, on_day, open_contract, paid_e8
from engine.exits import is_tighter, stop_ticks, target_ticks
from engine.fills import Book, Guard, Held, Moment, Terms, filled_e8, write_trade
from engine.margin import Funding, liquidation_e8, most_notional_e8, needed_e8
from engine.market import DAY_MS, IntArray
from engine.results import NO_EXIT
from engine.slippage import has_moved
from engine.step import Outcome

CALLED_SELDOM: Final = True  # see engine.fills


def enter(
    book: Book, wanted: Outcome, close_e8: int, now: Moment, terms: Terms, funding: Funding, positions: IntArray,
    trades: IntArray,
) -> tuple[Book, Guard]:  # fmt: skip
    """A market order at the opening, unless that lies too far from the close or the exchange would refuse it."""
    if has_moved(now.price_e8, close_e8, terms.max_slippage_e6):
        return book, nothing_guarded()
    if terms.setup.leverage > 0:
        return _enter_futures(book, wanted, now, terms, funding, positions, trades)
    return _enter_spot(book, wanted.quote_e8, now, terms, positions, trades)


def _enter_spot(
    book: Book, quote_e8: int, now: Moment, terms: Terms, positions: IntArray, trades: IntArray
) -> tuple[Book, Guard]:
    """For an amount; the fee is taken in coins."""
    limits = terms.setup.limits
    if quote_e8 > limits.max_notional_e8:
        return book, nothing_guarded()
    price = paid_e8(now.price_e8, terms.costs.slippage_e6, terms.tick_e8)
    deal = buy(book.account, quote_e8, price, terms.step_e8, terms.costs)
    steps = deal.quantity_e8 // terms.step_e8
    if steps < limits.min_quantity or steps > limits.max_quantity:
        return book, nothing_guarded()
    row = positions[:, book.positions]
    row[3], row[6] = deal.quantity_e8 - deal.commission_e8, deal.quote_e8
    write_trade(trades[:, book.trades], book.positions, deal, now.at_ms, 1, NO_EXIT, 0, 1)
    target = target_ticks(1, deal.average_e8, terms.target_percent_e6, terms.tick_e8)
    held = Held(1, deal.account.quantity_e8 // terms.step_e8, target, deal.fee_e8, 0, 0, 0, 0)
    return _entered(book, deal, held, now, terms, row, 0)


def _enter_futures(
    book: Book, wanted: Outcome, now: Moment, terms: Terms, funding: Funding, positions: IntArray, trades: IntArray
) -> tuple[Book, Guard]:  # fmt: skip
    """For a quantity; refused where at this opening the wallet does not hold its margin and fee, where the leverage
    does not allow so much, or where it is worth too little."""
    setup, account, side = terms.setup, book.account, wanted.side
    price = filled_e8(side, now.price_e8, terms)
    deal = open_contract(account, wanted.quantity * terms.step_e8, price, terms.costs.taker_e6)
    notional = deal.quote_e8
    if (
        needed_e8(notional, setup.leverage, terms.costs.taker_e6) > account.money_e8
        or notional > most_notional_e8(setup.leverage, setup.brackets)
        or notional < setup.limits.min_notional_e8
    ):
        return book, nothing_guarded()
    row = positions[:, book.positions]
    row[3], row[6] = deal.quantity_e8, notional + deal.fee_e8
    write_trade(trades[:, book.trades], book.positions, deal, now.at_ms, side, NO_EXIT, 0, 0)
    margin = notional // setup.leverage
    target = target_ticks(side, deal.average_e8, terms.target_percent_e6, terms.tick_e8)
    level = liquidation_e8(side, wanted.quantity, notional, margin, setup.scale, setup.brackets)
    held = Held(side, wanted.quantity, target, deal.fee_e8, notional, margin, 0, level)
    # What is settled at this very instant was settled before the entry.
    settled = int(np.searchsorted(funding.at_ms, now.at_ms, side="right"))
    return _entered(book, deal, held, now, terms, row, settled)


def _entered(
    book: Book, deal: Deal, held: Held, now: Moment, terms: Terms, row: IntArray, settled: int
) -> tuple[Book, Guard]:
    row[0], row[1], row[2], row[4], row[5] = now.at_ms, 0, held.side, deal.average_e8, 0
    day = on_day(book.day, now.at_ms // DAY_MS)
    after = Book(
        deal.account,
        held,
        Day(day.day, day.trades + 1, day.pnl_e8),
        book.stop_exits,
        book.last_exit_ms,
        book.paused_ms,
        book.positions,
        book.trades + 1,
        settled,
    )
    return after, _guard(held.side, deal.average_e8, now.price_e8, terms)


def _guard(side: int, entry_price_e8: int, price_e8: int, terms: Terms) -> Guard:
    """The tighter of stop loss and trail; equal ones are the stop loss."""
    tick_e8 = terms.tick_e8
    stop = stop_ticks(side, entry_price_e8, terms.stop_percent_e6, tick_e8)
    trail = stop_ticks(side, entry_price_e8, terms.setup.trailing_percent_e6, tick_e8)
    trails = is_tighter(side, trail, stop)
    return Guard(trail if trails else stop, int(trails), entry_price_e8 // tick_e8, price_e8, price_e8)


def nothing_guarded() -> Guard:
    return Guard(0, 0, 0, 0, 0)
