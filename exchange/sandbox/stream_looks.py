"""What the looks at one stream say: nothing where nothing changed, for streams that tell changes only."""

from collections.abc import Callable

from exchange.sandbox import stream_names as names
from exchange.sandbox.book import depth
from exchange.sandbox.desk import Desk
from exchange.sandbox.klines import opening_of
from exchange.sandbox.public_trades import last_trade_id, trades_between
from exchange.sandbox.stream_events import (
    Json,
    aggregate_trade_event,
    book_changes_event,
    book_ticker_event,
    day_ticker_event,
    kline_event,
    mini_ticker_event,
    trade_event,
)
from exchange.sandbox.stream_names import Stream

Payload = Json | list[Json]
MOST_TRADES = 1_000  # of one look; a market that leapt further tells its last ones


class Look:
    """The looks of all listeners at one stream; remembers what the last one saw."""

    def __init__(self, desk: Desk, stream: Stream):
        self._market = desk.market
        self._stream = stream
        self._seen_price = 0
        self._seen_ms = desk.now().market_ms
        looks: dict[str, Callable[[int], list[Payload]]] = {
            names.KLINE: self._candle,
            names.MINI_TICKER: self._mini_ticker,
            names.ALL_MINI_TICKERS: self._mini_tickers,
            names.DAY_TICKER: self._day_ticker,
            names.BOOK_TICKER: self._book_ticker,
            names.BOOK: self._book,
            names.BOOK_CHANGES: self._book_changes,
            names.TRADES: self._trades,
            names.AGGREGATE_TRADES: self._trades,
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
        if price == self._seen_price:
            return []
        self._seen_price = price
        return [book_ticker_event(self._market, self._stream.symbol, market_ms)]

    def _book(self, market_ms: int) -> list[Payload]:
        """The partial book, exactly as REST answers it."""
        return [depth(self._market, self._stream.symbol, market_ms, self._stream.levels)]

    def _book_changes(self, market_ms: int) -> list[Payload]:
        event = book_changes_event(
            self._market, self._stream.symbol, since_ms=self._seen_ms, market_ms=market_ms
        )
        if event is None:
            return []  # The next event begins where the last one ended.
        self._seen_ms = market_ms
        return [event]

    def _trades(self, market_ms: int) -> list[Payload]:
        market, symbol = self._market, self._stream.symbol
        since_ms, self._seen_ms = self._seen_ms, market_ms
        last = last_trade_id(market, symbol, market_ms)
        first = max(last_trade_id(market, symbol, since_ms), last - MOST_TRADES) + 1
        shape = trade_event if self._stream.kind == names.TRADES else aggregate_trade_event
        return [shape(symbol, trade, market_ms) for trade in trades_between(market, symbol, first, last)]
