"""The port every venue is reached through: one Protocol, its messages, and the tree of what can go wrong.

Amounts are integers of 1e-8 of their asset, prices 1e-8 quote; times are UTC milliseconds. An error says which of
two ends a request had: `Rejected`/`RateLimited`/`Unavailable` did not execute, `OutcomeUnknown` may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from engine.market import Candles
from engine.orders import OrderType, Side

# With its clock and ours further apart than this nothing is entered (SPEC §4.3).
MOST_OFFSET_MS: Final = 500
ORDER_REFUSED: Final = -2010
_PRICE_PASSED: Final = frozenset(
    {
        "Order would trigger immediately",
        "Order would immediately match and take",
        "The relationship of the prices for the orders is not correct",
        "Stop price would trigger immediately",
    }
)
_CLOSED: Final = "Market is closed"


class ExchangeError(Exception):
    """The root. The text is for users and logs: it never holds a key, a secret, a signature or a request body."""


class Rejected(ExchangeError):
    """A definite no from the exchange: nothing was executed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message

    @property
    def says_price_passed(self) -> bool:
        """The market has already passed a price of the order: a stop would trigger at once, a maker would take."""
        return self.code == ORDER_REFUSED and self.message.rstrip(".") in _PRICE_PASSED

    @property
    def says_closed(self) -> bool:
        """The symbol is halted or in a break; nothing is wrong with the order."""
        return self.code == ORDER_REFUSED and self.message.rstrip(".") == _CLOSED


class CredentialsRefused(Rejected):
    """The key, its signature or its permissions were refused (-2014, -2015, -1022)."""


class RateLimited(ExchangeError):
    """429 or 418: not executed; nothing may be sent for `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"The exchange asks us to wait {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class Unavailable(ExchangeError):
    """No connection could be made, or a read was not answered: nothing was executed."""


class OutcomeUnknown(ExchangeError):
    """An order request left us and its end is not known: time-out, dropped connection, 408, 5xx, unreadable answer."""


class DuplicateOrder(OutcomeUnknown):
    """The exchange knows an order of this client id already: it exists, and a query tells what became of it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key and its secret, opened by the vault for one client. `repr` shows neither."""

    api_key: str
    secret_key: str

    def __repr__(self) -> str:
        return "Credentials(****)"


@dataclass(frozen=True, slots=True)
class Stamp:
    """The timestamp (server time, ms) and window (ms) a request is signed with, exactly as stored with the order."""

    timestamp_ms: int
    recv_window_ms: int


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """A MARKET order: either `quantity_e8` (base) or `quote_quantity_e8` (quote) is given, never both."""

    symbol: str
    side: Side
    client_order_id: str
    quantity_e8: int | None = None
    quote_quantity_e8: int | None = None
    # Entries EXPIRE_TAKER, exits and protection EXPIRE_MAKER (SPEC §4.4).
    self_trade_prevention: str = "EXPIRE_TAKER"


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order that waits at the exchange: LIMIT and LIMIT_MAKER have a price, STOP_LOSS and TAKE_PROFIT a stop price,
    STOP_LOSS_LIMIT and TAKE_PROFIT_LIMIT both. Always good till cancelled."""

    symbol: str
    side: Side
    kind: OrderType
    client_order_id: str
    quantity_e8: int
    price_e8: int | None = None
    stop_price_e8: int | None = None
    self_trade_prevention: str = "EXPIRE_MAKER"


@dataclass(frozen=True, slots=True)
class ProtectiveList:
    """A target and a stop for the same coins (OCO): where one is filled or triggered, the other ends."""

    list_client_order_id: str
    target: RestingOrder
    stop: RestingOrder


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution: the exchange's trade id, price, quantities, commission and its asset, and when (market time)."""

    trade_id: int
    order_id: int
    price_e8: int
    quantity_e8: int
    quote_e8: int
    commission_e8: int
    commission_asset: str
    is_maker: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange knows it. `status` is Binance's word (NEW, FILLED, EXPIRED …)."""

    symbol: str
    order_id: int
    client_order_id: str
    status: str
    side: Side
    executed_e8: int
    executed_quote_e8: int
    at_ms: int
    # The fills of a FULL answer; None where the answer carries none and `fills_of_order` must be asked.
    fills: tuple[FillReport, ...] | None = None
    kind: str = "MARKET"
    price_e8: int = 0
    stop_price_e8: int = 0
    original_e8: int = 0
    # False while a stop has not been triggered: it is in no book yet.
    is_working: bool = True
    list_id: int | None = None


@dataclass(frozen=True, slots=True)
class ListReport:
    """An order list as the exchange knows it. `status` is Binance's listOrderStatus: EXECUTING, ALL_DONE, REJECT.
    `orders` carries reports where the answer does (placing, cancelling), else only ids are known."""

    list_id: int
    list_client_order_id: str
    status: str
    client_order_ids: tuple[str, ...]
    orders: tuple[OrderReport, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceReport:
    """What became of a cancel-replace (stop on failure): either half may have come to nothing. `cancelled` is None when
    the old order was not cancelled, `placed` None when the new one was not accepted; `refusal` says why."""

    cancelled: OrderReport | None
    placed: OrderReport | None
    refusal: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The order book, best first: (price_e8, quantity_e8) pairs."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class DayTicker:
    """A symbol's running 24 hours; `at_ms` is their end, the venue's market time."""

    symbol: str
    price_e8: int
    open_e8: int
    high_e8: int
    low_e8: int
    volume_e8: int
    quote_volume_e8: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """Somebody's trade. `is_buyer_maker`: the buyer had waited, so it was a sell that took."""

    trade_id: int
    price_e8: int
    quantity_e8: int
    at_ms: int
    is_buyer_maker: bool


@dataclass(frozen=True, slots=True)
class Balance:
    asset: str
    free_e8: int
    locked_e8: int


@dataclass(frozen=True, slots=True)
class Permissions:
    can_read: bool
    can_trade_spot: bool
    can_trade_futures: bool
    can_withdraw: bool


class MarketData(Protocol):
    """What needs no key."""

    def server_time_ms(self) -> int:
        """The exchange's clock: timestamps, windows."""
        ...

    def clock_offset_ms(self) -> int:
        """By how much this computer's clock is behind the exchange's; a request only when it is not known."""
        ...

    def market_time_ms(self, symbol: str) -> int:
        """The venue's market time now: candles, freshness, days (SPEC §5a). On Binance it equals server time."""
        ...

    def symbol_infos(self) -> list[dict[str, object]]:
        """Binance's exchangeInfo entries of every symbol."""
        ...

    def candles(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> Candles:
        """Closed and running candles, oldest first; `start_ms`/`end_ms` inclusive on opening time. One request, at
        most 1000 of them."""
        ...

    def price_e8(self, symbol: str) -> int: ...

    def book(self, symbol: str, *, levels: int) -> Book:
        """The best `levels` (at most 100) of both sides."""
        ...

    def day_tickers(self) -> list[DayTicker]:
        """Of every symbol, in one dear request (weight 80 on Binance)."""
        ...

    def recent_trades(self, symbol: str, *, limit: int) -> list[PublicTrade]:
        """The newest `limit` (at most 1000) trades of everybody, newest first."""
        ...


class Exchange(MarketData, Protocol):
    """A client bound to one account's credentials."""

    def signing_time_ms(self) -> int:
        """Now, on the exchange's clock, from a local clock set by it; a request only when that is old or unset."""
        ...

    def permissions(self) -> Permissions: ...

    def account_id(self) -> str:
        """The exchange's own id of the account the key belongs to."""
        ...

    def balances(self) -> dict[str, Balance]: ...

    def place_market_order(self, order: MarketOrder, stamp: Stamp) -> OrderReport:
        """Send one order, signed with exactly `stamp`. Raises OutcomeUnknown unless the end is certain."""
        ...

    def place_resting_order(self, order: RestingOrder, stamp: Stamp) -> OrderReport:
        """Send one order that waits. Ends as `place_market_order` does; a stop that would trigger at once and a maker
        that would take are `Rejected` (-2010)."""
        ...

    def place_list(self, wanted: ProtectiveList, stamp: Stamp) -> ListReport:
        """Send a target and a stop as one list (OCO); both exist afterwards or neither. The report has both orders."""
        ...

    def find_list(self, list_client_order_id: str) -> ListReport | None:
        """The list with this id, or None when the exchange says it does not exist (not yet proof)."""
        ...

    def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Cancel by our id; in a list that cancels the list. None when the exchange knows no such open order: that says
        only that a query must tell. Raises OutcomeUnknown unless the end is certain."""
        ...

    def cancel_list(self, symbol: str, list_client_order_id: str) -> ListReport | None:
        """Cancel a whole list by our id; otherwise as `cancel_order`."""
        ...

    def replace_order(self, cancel_client_order_id: str, order: RestingOrder, stamp: Stamp) -> ReplaceReport:
        """Cancel one order and place another in its stead, only if the cancel succeeded (STOP_ON_FAILURE). Raises
        OutcomeUnknown unless both ends can be read from the answer."""
        ...

    def find_order(
        self, symbol: str, *, client_order_id: str | None = None, order_id: int | None = None
    ) -> OrderReport | None:
        """The order with this id (one of the two is given), or None when the exchange says it does not exist
        (which is not yet proof: SPEC §7.4)."""
        ...

    def open_orders(self, symbol: str | None) -> list[OrderReport]:
        """Of one symbol, or (many times dearer) of all."""
        ...

    def fills_of_order(self, symbol: str, order_id: int) -> list[FillReport]: ...

    def fills_after(self, symbol: str, trade_id: int) -> list[FillReport]:
        """Own trades with id > `trade_id`, oldest first, all pages."""
        ...

    def last_trade_id(self, symbol: str) -> int:
        """The id of our newest own trade on the symbol, 0 when there is none."""
        ...
