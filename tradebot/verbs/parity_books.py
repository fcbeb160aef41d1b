"""What the real stack did during `./run parity`: trades and decisions from the database, and from the market's own
records how often stop and target lay inside one candle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from engine.amounts import e8_from_decimal
from engine.market import INTERVAL_MS, day_of
from engine.parity import BUY, SELL, Deal, Said
from exchange.sandbox.tape import MINUTE_MS
from tradebot.verbs.parity_backtest import Recording
from tradebot.verbs.parity_bots import ParityBot
from tradebot.verbs.parity_steps import DAILY_PAUSES

TRADES: Final = """
    SELECT bot_config_id, (extract(epoch FROM timestamp) * 1000)::bigint, side, reason, price, quantity_filled,
        commission_amount, symbol = commission_asset || 'USDT'
    FROM trading_trade WHERE bot_config_id = ANY(%s) ORDER BY timestamp, id
"""
DECISIONS: Final = """
    SELECT bot_config_id, candle_open_ms, action, reason FROM trading_decision WHERE bot_config_id = ANY(%s)
    ORDER BY candle_open_ms, id
"""


@dataclass(frozen=True)
class Books:
    """By bot: its trades before `end_ms` and all that it said."""

    deals: Mapping[int, list[Deal]]
    said: Mapping[int, list[Said]]
    end_ms: int


def read_books(database: psycopg.Connection[Any], bots: Iterable[int], *, end_ms: int) -> Books:
    """Trades at the last opening are left out: the recording's next candle belongs to nobody yet."""
    deals: dict[int, list[Deal]] = defaultdict(list)
    said: dict[int, list[Said]] = defaultdict(list)
    wanted = [list(bots)]
    for bot, at_ms, side, reason, price, quantity, commission, is_base in database.execute(TRADES, wanted):
        if at_ms < end_ms:
            deals[bot].append(
                Deal(
                    at_ms=at_ms,
                    side=BUY if side == "BUY" else SELL,
                    reason=reason,
                    price_e8=e8_from_decimal(price),
                    quantity_e8=e8_from_decimal(quantity),
                    commission_e8=e8_from_decimal(commission),
                    commission_is_base=is_base,
                )
            )
    for bot, open_ms, action, reason in database.execute(DECISIONS, wanted):
        said[bot].append(Said(open_ms, action, reason))
    return Books(deals, said, end_ms)


def count_exits(books: Books) -> Counter[str]:
    return Counter(deal.reason for deals in books.deals.values() for deal in deals if deal.side == SELL)


def count_days_sat_out(books: Books, bots: Mapping[int, ParityBot]) -> int:
    """How often a daily limit paused a bot until the day was over, and the bot was at work again after midnight."""
    count = 0
    for bot_id, said in books.said.items():
        length = INTERVAL_MS[bots[bot_id].timeframe]
        paused_on = {day_of(row.open_ms + length) for row in said if row.reason in DAILY_PAUSES}
        worked_on = {day_of(row.open_ms + length) for row in said if row.reason not in DAILY_PAUSES}
        count += sum(any(later > day for later in worked_on) for day in paused_on)
    return count


def count_ties(orders: Iterable[Mapping[str, Any]], recording: Recording, *, end_ms: int) -> int:
    """Minutes in which both legs of a list that stood lay inside the candle: the path alone decided between them."""
    lists: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for order in orders:
        if order["orderListId"] > 0:
            lists[order["orderListId"]].append(order)
    return sum(_ties_of(legs, recording, end_ms=end_ms) for legs in lists.values())


def _ties_of(legs: list[Mapping[str, Any]], recording: Recording, *, end_ms: int) -> int:
    stop_e8 = next(e8_from_decimal(leg["stopPrice"]) for leg in legs if leg["type"] != "LIMIT_MAKER")
    target_e8 = next(e8_from_decimal(leg["price"]) for leg in legs if leg["type"] == "LIMIT_MAKER")
    placed_ms = legs[0]["market_ms"]
    ended_ms = min(leg["ended_market_ms"] or end_ms for leg in legs)
    last_ms = (min(ended_ms, end_ms) - 1) // MINUTE_MS * MINUTE_MS
    minutes = recording.minutes(
        legs[0]["symbol"], placed_ms // MINUTE_MS * MINUTE_MS, max(last_ms + MINUTE_MS, placed_ms)
    )
    return int(((minutes.low <= stop_e8) & (minutes.high >= target_e8)).sum())
