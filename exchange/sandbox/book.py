"""The public order book: a ladder without end on both sides of the path price, as liquidity here is unlimited.

Bids stand at the price and every tick below it, asks at the price and every tick above it. `lastUpdateId` is market
time, so that the book at an instant is the same for whoever looks.
"""

from typing import Any

from exchange.sandbox.market import Market
from exchange.sandbox.path import KNOTS_MS
from exchange.sandbox.shapes import ZERO, fixed
from exchange.sandbox.tape import E8, MINUTE_MS

LEVEL_QUANTITY = fixed(1_000 * E8)
MOST_CHANGES = 5_000  # levels of one side in one event, Binance's deepest book

Level = list[str]


def depth(market: Market, symbol: str, market_ms: int, levels: int) -> dict[str, Any]:
    """GET /api/v3/depth and the partial book streams; the best first."""
    price, tick = market.price_e8(symbol, market_ms), market.tapes[symbol].tick_e8
    down = min(levels, price // tick)
    return {
        "lastUpdateId": market_ms,
        "bids": [[fixed(price - step * tick), LEVEL_QUANTITY] for step in range(down)],
        "asks": [[fixed(price + step * tick), LEVEL_QUANTITY] for step in range(levels)],
    }


def changed_levels(
    market: Market, symbol: str, *, since_ms: int, market_ms: int
) -> tuple[list[Level], list[Level]]:
    """(bids, asks): every level the price passed since `since_ms`, as it is now; a quantity of zero takes it away.
    Right for a book taken at any instant between; none where the price stood still."""
    price, tick = market.price_e8(symbol, market_ms), market.tapes[symbol].tick_e8
    lowest, highest = range_between(market, symbol, since_ms, market_ms)
    if lowest == highest:
        return [], []
    below = range(price - tick, max(lowest, price - MOST_CHANGES * tick) - tick, -tick)
    above = range(price + tick, min(highest, price + MOST_CHANGES * tick) + tick, tick)
    here = [fixed(price), LEVEL_QUANTITY]
    bids = [here, *([fixed(at), LEVEL_QUANTITY] for at in below), *([fixed(at), ZERO] for at in above)]
    asks = [here, *([fixed(at), LEVEL_QUANTITY] for at in above), *([fixed(at), ZERO] for at in below)]
    return bids, asks


def range_between(market: Market, symbol: str, since_ms: int, market_ms: int) -> tuple[int, int]:
    """(lowest, highest) price from one instant to a later one: of both ends, of turns and of whole minutes between."""
    first_minute, last_minute = since_ms // MINUTE_MS * MINUTE_MS, market_ms // MINUTE_MS * MINUTE_MS
    instants = {since_ms, market_ms}
    for opening_ms in (first_minute, last_minute):
        turns = (opening_ms + knot for knot in (0, *KNOTS_MS, MINUTE_MS - 1))
        instants.update(turn for turn in turns if since_ms <= turn <= market_ms)
    prices = [market.price_e8(symbol, instant) for instant in instants]
    whole = market.minutes(
        symbol, start_ms=first_minute + MINUTE_MS, end_ms=last_minute - 1, market_ms=market_ms
    )
    if len(whole):
        tick = market.tapes[symbol].tick_e8
        prices += [int(whole.low.min()) * tick, int(whole.high.max()) * tick]
    return min(prices), max(prices)
