"""The port over python-binance: spot market data without a key, and one account's orders with one.

Every request that only asks may be repeated; the one that acts says honestly how it ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from requests.adapters import HTTPAdapter

from engine.market import Candles
from exchange.binance import parameters, translate
from exchange.binance.clock import ServerClock
from exchange.binance.errors import (
    NO_SUCH_LIST,
    NO_SUCH_ORDER,
    TIMESTAMP_REFUSED,
    act,
    ask,
    is_unknown_order,
)
from exchange.binance.replacing import replace
from exchange.binance.venue_client import Patience, VenueClient
from exchange.pacing import Pace
from exchange.port import (
    Balance,
    Book,
    Credentials,
    DayTicker,
    FillReport,
    ListReport,
    MarketOrder,
    OrderReport,
    Permissions,
    ProtectiveList,
    PublicTrade,
    Rejected,
    ReplaceReport,
    RestingOrder,
    Stamp,
)

PAGE: Final = 1000
DEEPEST: Final = 100


class BinanceMarketData:
    """What needs no key. One per thread; `adapter` (connections), `clock` and `pace` are shared by a process."""

    def __init__(
        self,
        base_url: str,
        adapter: HTTPAdapter,
        clock: ServerClock,
        *,
        credentials: Credentials | None = None,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        pace: Pace | None = None,
    ) -> None:
        self._clock = clock
        self._client = VenueClient(
            base_url,
            adapter,
            now_ms=self.signing_time_ms,
            credentials=credentials,
            patience=patience,
            pace=pace,
        )

    def server_time_ms(self) -> int:
        return ask(lambda: translate.whole(self._client.get_server_time()["serverTime"]))

    def signing_time_ms(self) -> int:
        return self._clock.now_ms(self.server_time_ms)

    def clock_offset_ms(self) -> int:
        """By how much this computer's clock is behind the exchange's."""
        return self._clock.offset_ms(self.server_time_ms)

    def market_time_ms(self, symbol: str) -> int:
        """The end of the running 24 hours: on Binance now, on the sandbox the market's now."""
        return ask(lambda: translate.whole(self._client.get_ticker(symbol=symbol)["closeTime"]))

    def symbol_infos(self) -> list[dict[str, object]]:
        return ask(lambda: [dict(info) for info in self._client.get_exchange_info()["symbols"]])

    def candles(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> Candles:
        wanted = {"symbol": symbol, "interval": interval, "limit": min(limit, PAGE)}
        wanted |= {"startTime": start_ms} if start_ms is not None else {}
        wanted |= {"endTime": end_ms} if end_ms is not None else {}
        return ask(lambda: translate.candles(self._client.get_klines(**wanted)))

    def price_e8(self, symbol: str) -> int:
        return ask(lambda: translate.e8(self._client.get_symbol_ticker(symbol=symbol)["price"]))

    def book(self, symbol: str, *, levels: int) -> Book:
        wanted = {"symbol": symbol, "limit": min(levels, DEEPEST)}
        return ask(lambda: translate.book(self._client.get_order_book(**wanted)))

    def day_tickers(self) -> list[DayTicker]:
        return ask(lambda: [translate.day_ticker(row) for row in self._client.get_ticker(type="MINI")])

    def recent_trades(self, symbol: str, *, limit: int) -> list[PublicTrade]:
        wanted = {"symbol": symbol, "limit": min(limit, PAGE)}
        rows = ask(lambda: [translate.public_trade(row) for row in self._client.get_recent_trades(**wanted)])
        return sorted(rows, key=lambda trade: trade.trade_id, reverse=True)


class BinanceExchange(BinanceMarketData):
    """A client bound to one account's credentials."""

    def __init__(
        self,
        base_url: str,
        adapter: HTTPAdapter,
        clock: ServerClock,
        *,
        credentials: Credentials,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        pace: Pace | None = None,
    ) -> None:
        super().__init__(base_url, adapter, clock, credentials=credentials, patience=patience, pace=pace)

    def permissions(self) -> Permissions:
        restrictions = self._asked(lambda: dict(self._client.get_account_api_permissions()))
        return self._asked(lambda: translate.permissions(restrictions, self._client.get_account()))

    def account_id(self) -> str:
        return self._asked(lambda: str(translate.whole(self._client.get_account()["uid"])))

    def balances(self) -> dict[str, Balance]:
        return self._asked(lambda: translate.balances(self._client.get_account()))

    def place_market_order(self, order: MarketOrder, stamp: Stamp) -> OrderReport:
        wanted = parameters.market_order(order, stamp)
        return self._act(lambda: translate.order_report(self._client.create_order(**wanted)))

    def place_resting_order(self, order: RestingOrder, stamp: Stamp) -> OrderReport:
        wanted = parameters.resting_order(order, stamp)
        return self._act(lambda: translate.order_report(self._client.create_order(**wanted)))

    def place_list(self, wanted: ProtectiveList, stamp: Stamp) -> ListReport:
        sent = parameters.protective_list(wanted, stamp)
        return self._act(lambda: translate.placed_list(self._client.create_oco_order(**sent)))

    def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        parameters.check_id(client_order_id)
        which = {"symbol": symbol, "origClientOrderId": client_order_id}
        return self._cancel(
            lambda: translate.cancelled_order(self._client.cancel_order(**which), client_order_id)
        )

    def cancel_list(self, symbol: str, list_client_order_id: str) -> ListReport | None:
        parameters.check_id(list_client_order_id)
        which = {"symbol": symbol, "listClientOrderId": list_client_order_id}
        return self._cancel(lambda: translate.list_report(self._client.v3_delete_order_list(**which)))

    def replace_order(self, cancel_client_order_id: str, order: RestingOrder, stamp: Stamp) -> ReplaceReport:
        wanted = parameters.replacement(cancel_client_order_id, order, stamp)
        return self._act(lambda: replace(lambda: self._client.cancel_replace_order(**wanted)))

    def find_list(self, list_client_order_id: str) -> ListReport | None:
        which = {"origClientOrderId": list_client_order_id}
        return self._found(lambda: translate.list_report(self._client.v3_get_order_list(**which)))

    def find_order(
        self, symbol: str, *, client_order_id: str | None = None, order_id: int | None = None
    ) -> OrderReport | None:
        which: dict[str, object] = {"symbol": symbol}
        which |= {"origClientOrderId": client_order_id} if client_order_id is not None else {}
        which |= {"orderId": order_id} if order_id is not None else {}
        return self._found(lambda: translate.order_report(self._client.get_order(**which)))

    def open_orders(self, symbol: str | None) -> list[OrderReport]:
        which = {} if symbol is None else {"symbol": symbol}
        return self._asked(
            lambda: [translate.order_report(row) for row in self._client.get_open_orders(**which)]
        )

    def fills_of_order(self, symbol: str, order_id: int) -> list[FillReport]:
        return self._fills(symbol, from_id=None, orderId=order_id)

    def fills_after(self, symbol: str, trade_id: int) -> list[FillReport]:
        return self._fills(symbol, from_id=trade_id + 1)

    def last_trade_id(self, symbol: str) -> int:
        newest = self._trades(symbol=symbol, limit=1)
        return newest[-1].trade_id if newest else 0

    def _fills(self, symbol: str, *, from_id: int | None, **which: int) -> list[FillReport]:
        """All pages, oldest first. Without `from_id` the first page starts at the order's first fill."""
        found: list[FillReport] = []
        while True:
            start = {"fromId": from_id} if from_id is not None else {}
            page = self._trades(symbol=symbol, limit=PAGE, **which, **start)
            found.extend(page)
            if len(page) < PAGE:
                return found
            from_id = page[-1].trade_id + 1

    def _trades(self, **wanted: Any) -> list[FillReport]:
        rows = self._asked(
            lambda: [translate.fill_report(row) for row in self._client.get_my_trades(**wanted)]
        )
        return sorted(rows, key=lambda fill: fill.trade_id)

    def _act[Answer](self, request: Callable[[], Answer]) -> Answer:
        """A request that may execute something, sent once."""
        try:
            return act(request)
        except Rejected as refused:
            if refused.code == TIMESTAMP_REFUSED:
                self._clock.forget()
            raise

    def _cancel[Answer](self, request: Callable[[], Answer]) -> Answer | None:
        """None where the exchange knows no such open order."""
        try:
            return self._act(request)
        except Rejected as refused:
            if is_unknown_order(refused):
                return None
            raise

    def _found[Answer](self, request: Callable[[], Answer]) -> Answer | None:
        try:
            return self._asked(request)
        except Rejected as refused:
            if refused.code in (NO_SUCH_ORDER, NO_SUCH_LIST):
                return None
            raise

    def _asked[Answer](self, request: Callable[[], Answer]) -> Answer:
        """A signed question; asked once more with the clock set anew when the timestamp was refused."""
        try:
            return ask(request)
        except Rejected as refused:
            if refused.code != TIMESTAMP_REFUSED:
                raise
        self._clock.forget()
        return ask(request)
