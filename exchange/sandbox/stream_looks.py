"""What the looks at one stream say: nothing where nothing changed, for streams that tell changes only."""

from collections.abc import Callable

from exchange.sandbox import stream_names as names
from exchange.sandbox.desk import Desk
from exchange.sandbox.klines import opening_of
from exchange.sandbox.stream_events import (
    Json,
    book_ticker_event,
    day_ticker_event,
    kline_event,
    mini_ticker_event,
)
from exchange.sandbox.stream_names import Stream

Payload = Json | list[Json]


class Look:
    """The looks of all listeners at one stream; remembers what the last one saw."""

    def __init__(self, desk: Desk, stream: Stream):
        self._market = desk.market
        self._stream = stream
        self._seen: object = None
        looks: dict[str, Callable[[int], list[Payload]]] = {
            names.KLINE: self._candle,
            names.MINI_TICKER: self._mini_ticker,
            names.ALL_MINI_TICKERS: self._mini_tickers,
            names.DAY_TICKER: self._day_ticker,
            names.BOOK_TICKER: self._book_ticker,
        }
        self.at = looks[stream.kind]

    def _candle(self, market_ms: int) -> list[Payload]:
        """The running candle; none once the recording is over."""
        symbol, interval = self._stream.symbol, self._stream.interval
        if market_ms >= self._market.end_ms(symbol):
            return []
        open_ms = opening_of(market_ms, interval)
        return [kline_event(self._market, symbol, interval, open_ms=open_ms, market_ms=market_ms)]

    def _mini_ticker(self, market_ms: int) -> list[Payload]:
        return [mini_ticker_event(self._market, self._stream.symbol, market_ms)]

    def _mini_tickers(self, market_ms: int) -> list[Payload]:
        return [[mini_ticker_event(self._market, symbol, market_ms) for symbol in self._market.tapes]]

    def _day_ticker(self, market_ms: int) -> list[Payload]:
        return [day_ticker_event(self._market, self._stream.symbol, market_ms)]

    def _book_ticker(self, market_ms: int) -> list[Payload]:
        price = self._market.price_e8(self._stream.symbol, market_ms)
        if price == self._seen:
            return []
        self._seen = price
        return [book_ticker_event(self._market, self._stream.symbol, market_ms)]
