"""What a stream says at an instant of market time, from the same tape and by the same functions as the REST answers.

Event times (`E`) are market time: the opening of the next candle for a close, the instant itself for all else.
"""

from typing import Any

from exchange.sandbox.book import changed_levels
from exchange.sandbox.klines import INTERVAL_MS, Window
from exchange.sandbox.market import Market
from exchange.sandbox.public_trades import PublicTrade
from exchange.sandbox.shapes import aggregate_trade, fixed
from exchange.sandbox.tickers import book_ticker, day_ticker, kline_rows

Json = dict[str, Any]


def kline_event(market: Market, symbol: str, interval: str, *, open_ms: int, market_ms: int) -> Json:
    """The candle opening at `open_ms` as it stands at `market_ms`; closed once that is past its end."""
    window = Window(interval, 1, end_ms=open_ms)
    row = kline_rows(market, symbol, window, market_ms)[-1]
    count = row[8]
    return {
        "e": "kline",
        "E": market_ms,
        "s": symbol,
        "k": {
            "t": row[0],
            "T": row[6],
            "s": symbol,
            "i": interval,
            "f": 1 if count else -1,
            "L": count if count else -1,
            "o": row[1],
            "c": row[4],
            "h": row[2],
            "l": row[3],
            "v": row[5],
            "n": count,
            "x": market_ms >= row[0] + INTERVAL_MS[interval],
            "q": row[7],
            "V": row[9],
            "Q": row[10],
            "B": "0",
        },
    }


def mini_ticker_event(market: Market, symbol: str, market_ms: int) -> Json:
    day = day_ticker(market, symbol, market_ms, mini=True)
    return {
        "e": "24hrMiniTicker",
        "E": market_ms,
        "s": symbol,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }


def day_ticker_event(market: Market, symbol: str, market_ms: int) -> Json:
    day = day_ticker(market, symbol, market_ms, mini=False)
    return {
        "e": "24hrTicker",
        "E": market_ms,
        "s": symbol,
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "c": day["lastPrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def book_ticker_event(market: Market, symbol: str, market_ms: int) -> Json:
    """Spot's has neither type nor time; `u` counts with market time."""
    book = book_ticker(market, symbol, market_ms)
    return {
        "u": market_ms,
        "s": symbol,
        "b": book["bidPrice"],
        "B": book["bidQty"],
        "a": book["askPrice"],
        "A": book["askQty"],
    }


def book_changes_event(market: Market, symbol: str, *, since_ms: int, market_ms: int) -> Json | None:
    """Follows the event, or the book, of `since_ms` without a gap; None where the price stood still."""
    bids, asks = changed_levels(market, symbol, since_ms=since_ms, market_ms=market_ms)
    if not bids:
        return None
    return {
        "e": "depthUpdate",
        "E": market_ms,
        "s": symbol,
        "U": since_ms + 1,
        "u": market_ms,
        "b": bids,
        "a": asks,
    }


def trade_event(symbol: str, trade: PublicTrade, market_ms: int) -> Json:
    return {
        "e": "trade",
        "E": market_ms,
        "s": symbol,
        "t": trade.trade_id,
        "p": fixed(trade.price),
        "q": fixed(trade.quantity),
        "T": trade.market_ms,
        "m": trade.is_buyer_maker,
        "M": True,
    }


def aggregate_trade_event(symbol: str, trade: PublicTrade, market_ms: int) -> Json:
    return {"e": "aggTrade", "E": market_ms, "s": symbol, **aggregate_trade(trade)}
