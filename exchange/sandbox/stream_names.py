"""Names of market streams, as Binance spells them: `btcusdt@kline_1m`, `!miniTicker@arr`. What a name means is decided
here once; a name that means nothing here is None.
"""

import re
from collections.abc import Container
from dataclasses import dataclass

from exchange.sandbox.klines import INTERVAL_MS

KLINE, MINI_TICKER, ALL_MINI_TICKERS, DAY_TICKER = "kline", "miniTicker", "miniTickers", "ticker"
BOOK_TICKER, BOOK, BOOK_CHANGES, TRADES, AGGREGATE_TRADES = "bookTicker", "book", "depth", "trade", "aggTrade"
ALL_SYMBOLS_NAMES = ("!miniTicker@arr", "!miniTicker@arr@1000ms")
_SECOND_US = 1_000_000
BY_NAME = {  # How often each is looked at, in µs of wall time.
    MINI_TICKER: _SECOND_US,
    DAY_TICKER: _SECOND_US,
    BOOK_TICKER: _SECOND_US // 10,
    TRADES: _SECOND_US // 10,
    AGGREGATE_TRADES: _SECOND_US // 10,
}
KLINE_EVERY_US = 2 * _SECOND_US
_DEPTH = re.compile(r"depth(?P<levels>5|10|20)?(?P<fast>@100ms|@1000ms)?")


@dataclass(frozen=True)
class Stream:
    """What one name asks for. `symbol` is empty for streams of all symbols, `levels` 0 for changes of the book."""

    name: str
    kind: str
    every_us: int
    symbol: str = ""
    interval: str = ""
    levels: int = 0


def stream_of(name: str, symbols: Container[str]) -> Stream | None:
    """The stream `name` stands for on a venue that trades `symbols`; names are case-sensitive, as on Binance."""
    if name in ALL_SYMBOLS_NAMES:
        return Stream(name, ALL_MINI_TICKERS, _SECOND_US)
    lower, _, what = name.partition("@")
    symbol = lower.upper()
    if lower != lower.lower() or symbol not in symbols:
        return None
    if what in BY_NAME:
        return Stream(name, what, BY_NAME[what], symbol)
    if what.startswith("kline_"):
        interval = what.removeprefix("kline_")
        known = interval in INTERVAL_MS
        return Stream(name, KLINE, KLINE_EVERY_US, symbol, interval) if known else None
    depth = _DEPTH.fullmatch(what)
    if depth is None:
        return None
    every_us = _SECOND_US // 10 if depth["fast"] == "@100ms" else _SECOND_US
    levels = int(depth["levels"] or 0)
    return Stream(name, BOOK if levels else BOOK_CHANGES, every_us, symbol, levels=levels)
