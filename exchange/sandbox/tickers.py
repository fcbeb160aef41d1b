"""Klines and tickers in Binance's JSON, computed from the tape at an instant of market time.

Quote volume, trade counts and taker volume are not recorded: they are synthesised (README of the recordings).
"""

from typing import Any

from exchange.sandbox.klines import INTERVAL_MS, Window, bars
from exchange.sandbox.market import Market
from exchange.sandbox.shapes import fixed
from exchange.sandbox.tape import E8, MINUTE_MS

DAY_MS = 24 * 60 * MINUTE_MS
ROLLING = (
    "symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "openPrice", "highPrice", "lowPrice",
    "lastPrice", "volume", "quoteVolume", "openTime", "closeTime", "firstId", "lastId", "count",
)  # fmt: skip
QUOTE_PER_TRADE_E8 = 1_000 * E8
BOOK_QUANTITY = fixed(1_000 * E8)


def trade_count(quote_e8: int) -> int:
    """A made-up count: a trade for every thousand of quote volume."""
    return -(-quote_e8 // QUOTE_PER_TRADE_E8)


def kline_rows(market: Market, symbol: str, window: Window, market_ms: int) -> list[list[Any]]:
    found = bars(market, symbol, window, market_ms)
    step = INTERVAL_MS[window.interval]
    columns = (found.open_ms, found.open, found.high, found.low, found.close, found.volume, found.quote_e8)
    return [
        [
            open_ms,
            fixed(open_),
            fixed(high),
            fixed(low),
            fixed(close),
            fixed(volume),
            open_ms + step - 1,
            fixed(quote),
            trade_count(quote),
            fixed(volume // 2),
            fixed(quote // 2),
            "0",
        ]
        for open_ms, open_, high, low, close, volume, quote in zip(
            *(c.tolist() for c in columns), strict=True
        )
    ]


def price_ticker(market: Market, symbol: str, market_ms: int) -> dict[str, Any]:
    return {"symbol": symbol, "price": fixed(market.price_e8(symbol, market_ms))}


def book_ticker(market: Market, symbol: str, market_ms: int) -> dict[str, Any]:
    """Both sides stand at the path price: liquidity is unlimited there."""
    price = fixed(market.price_e8(symbol, market_ms))
    return {
        "symbol": symbol,
        "bidPrice": price,
        "bidQty": BOOK_QUANTITY,
        "askPrice": price,
        "askQty": BOOK_QUANTITY,
    }


def rolling_ticker(
    market: Market, symbol: str, market_ms: int, *, mini: bool, window_ms: int
) -> dict[str, Any]:
    """The minutes that opened within `window_ms`, in the rows of GET /api/v3/ticker."""
    ticker = day_ticker(market, symbol, market_ms, mini=mini, window_ms=window_ms)
    return {name: ticker[name] for name in ROLLING if name in ticker}


def day_ticker(
    market: Market, symbol: str, market_ms: int, *, mini: bool, window_ms: int = DAY_MS
) -> dict[str, Any]:
    """The last 24 hours; `closeTime` is the venue's market time now."""
    tape = market.tapes[symbol]
    start_ms = market_ms - window_ms + 1
    day = market.minutes(symbol, start_ms=start_ms, end_ms=market_ms, market_ms=market_ms)
    last = market.price_e8(symbol, market_ms)
    quiet = len(day) == 0  # The recording ended more than a day ago.
    opening = last if quiet else int(day.open[0]) * tape.tick_e8
    volume, quote = int(day.volume.sum()), int(day.quote_e8.sum())
    count = trade_count(quote)
    brief = {
        "openPrice": fixed(opening),
        "highPrice": fixed(last if quiet else int(day.high.max()) * tape.tick_e8),
        "lowPrice": fixed(last if quiet else int(day.low.min()) * tape.tick_e8),
        "lastPrice": fixed(last),
        "volume": fixed(volume),
        "quoteVolume": fixed(quote),
        "openTime": start_ms,
        "closeTime": market_ms,
        "firstId": 1 if count else -1,
        "lastId": count if count else -1,
        "count": count,
    }
    if mini:
        return {"symbol": symbol, **brief}
    change = last - opening
    return {
        "symbol": symbol,
        "priceChange": fixed(change),
        "priceChangePercent": f"{100 * change / opening:.3f}",
        "weightedAvgPrice": fixed(quote * E8 // volume if volume else last),
        "prevClosePrice": fixed(opening),
        "lastQty": fixed(0),
        **book_side(market, symbol, market_ms),
        **brief,
    }


def book_side(market: Market, symbol: str, market_ms: int) -> dict[str, Any]:
    book = book_ticker(market, symbol, market_ms)
    return {name: book[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")}
