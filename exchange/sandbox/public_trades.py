"""The public tape: one trade for every second of market time, at the path price, sharing out the minute's volume.

Made up from the recording alone (it holds no trades): the same ids, prices and quantities for whoever asks, and over a
whole minute exactly its recorded volume. Orders of this venue's accounts do not appear in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.sandbox.market import Market
from exchange.sandbox.path import price_inside
from exchange.sandbox.tape import E8, MINUTE_MS

SECOND_MS = 1_000
PER_MINUTE = MINUTE_MS // SECOND_MS


@dataclass(frozen=True)
class PublicTrade:
    """Numbers in 1e-8; `is_buyer_maker` when the price fell to it."""

    trade_id: int
    price: int
    quantity: int
    market_ms: int
    is_buyer_maker: bool

    @property
    def quote(self) -> int:
        return self.price * self.quantity // E8


def trades_between(market: Market, symbol: str, first_id: int, last_id: int) -> Iterator[PublicTrade]:
    """In order; seconds in which nothing was traded have none."""
    tape = market.tapes[symbol]
    for trade_id in range(max(1, first_id), min(last_id, len(tape) * PER_MINUTE) + 1):
        index, second = divmod(trade_id - 1, PER_MINUTE)
        open_, high, low, close, volume = tape.minute(index)
        offset_ms = (second + 1) * SECOND_MS - 1
        quantity = volume * (second + 1) // PER_MINUTE - volume * second // PER_MINUTE
        if quantity:
            path = (open_, high, low, close)
            price = price_inside(path, offset_ms)
            yield PublicTrade(
                trade_id=trade_id,
                price=price * tape.tick_e8,
                quantity=quantity,
                market_ms=market.first_open_ms(symbol) + index * MINUTE_MS + offset_ms,
                is_buyer_maker=price < price_inside(path, offset_ms - SECOND_MS + 1),
            )


def last_trade_id(market: Market, symbol: str, market_ms: int) -> int:
    """Of the second that was last complete at `market_ms`; 0 before the first."""
    elapsed_ms = market_ms + 1 - market.first_open_ms(symbol)
    return max(0, min(elapsed_ms // SECOND_MS, len(market.tapes[symbol]) * PER_MINUTE))


def recent_trades(market: Market, symbol: str, market_ms: int, limit: int) -> list[PublicTrade]:
    """The last `limit` up to `market_ms`, oldest first."""
    last = last_trade_id(market, symbol, market_ms)
    found: list[PublicTrade] = []
    while len(found) < limit and last > 0:
        first = max(1, last - 2 * limit + 1)
        found = [*trades_between(market, symbol, first, last), *found]
        last = first - 1
    return found[-limit:]
