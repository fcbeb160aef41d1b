"""The table of Binance paths this venue serves: what each reads, who may ask, what it weighs, who answers."""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.sandbox import spot_account, spot_book, spot_market, spot_orders, spot_replacing
from exchange.sandbox.call import Call, Json
from exchange.sandbox.order_parameters import LIST_FIELDS, ORDER_FIELDS
from exchange.sandbox.reading import (
    CLIENT_ID,
    DECIMAL,
    INTEGER,
    Field,
    boolean_field,
    choice_field,
    integer_field,
    limit_field,
    symbol_field,
    symbols_field,
)

SIGNATURE_FIELDS = (Field("timestamp", INTEGER), Field("recvWindow", DECIMAL), Field("signature"))


@dataclass(frozen=True)
class Endpoint:
    """`weight` is charged for every answer; where `is_free`, for refusals only. Answers to
    `is_order` say how many orders the account has placed."""

    method: str
    path: str
    answer: Callable[[Call], Json]
    fields: tuple[Field, ...] = ()
    signed: bool = False
    weight: Callable[[dict[str, str]], int] = lambda values: 1
    takes_nothing: bool = False
    is_free: bool = False
    is_order: bool = False

    def all_fields(self) -> tuple[Field, ...]:
        return self.fields + SIGNATURE_FIELDS if self.signed else self.fields


def fixed_weight(weight: int) -> Callable[[dict[str, str]], int]:
    return lambda values: weight


def per_symbol(one: int, many: int) -> Callable[[dict[str, str]], int]:
    """Cheap for one named symbol, dearer without."""
    return lambda values: one if "symbol" in values else many


SOME_SYMBOLS = (symbol_field(), symbols_field())
ORDER_IDS = (symbol_field(required=True), integer_field("orderId"), Field("origClientOrderId", CLIENT_ID))
NEW_CLIENT_ID = Field("newClientOrderId", CLIENT_ID)
TIME_RANGE = (integer_field("startTime"), integer_field("endTime"))

ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", spot_market.ping, takes_nothing=True),
    Endpoint("GET", "/api/v3/time", spot_market.time, takes_nothing=True),
    Endpoint("GET", "/api/v3/exchangeInfo", spot_market.exchange_info, SOME_SYMBOLS, weight=fixed_weight(20)),
    Endpoint("GET", "/dapi/v1/exchangeInfo", spot_market.other_exchange_info),
    Endpoint("GET", "/sapi/v1/margin/allPairs", spot_market.margin_pairs),
    Endpoint(
        "GET",
        "/api/v3/klines",
        spot_market.klines,
        (symbol_field(required=True), spot_market.INTERVAL_FIELD, *TIME_RANGE, limit_field(1000)),
        weight=fixed_weight(2),
    ),
    Endpoint(
        "GET",
        "/api/v3/uiKlines",
        spot_market.klines,
        (symbol_field(required=True), spot_market.INTERVAL_FIELD, *TIME_RANGE, limit_field(1000)),
        weight=fixed_weight(2),
    ),
    Endpoint("GET", "/api/v3/depth", spot_book.depth, spot_book.DEPTH_FIELDS, weight=spot_book.depth_weight),
    Endpoint("GET", "/api/v3/trades", spot_book.trades, spot_book.TRADES_FIELDS, weight=fixed_weight(25)),
    Endpoint(
        "GET",
        "/api/v3/historicalTrades",
        spot_book.older_trades,
        spot_book.OLDER_FIELDS,
        weight=fixed_weight(25),
    ),
    Endpoint(
        "GET", "/api/v3/aggTrades", spot_book.aggregates, spot_book.AGGREGATES_FIELDS, weight=fixed_weight(4)
    ),
    Endpoint(
        "GET",
        "/api/v3/avgPrice",
        spot_book.average_price,
        (symbol_field(required=True),),
        weight=fixed_weight(2),
    ),
    Endpoint(
        "GET",
        "/api/v3/ticker",
        spot_market.rolling_tickers,
        (*SOME_SYMBOLS, spot_market.WINDOW_FIELD, choice_field("type", ("FULL", "MINI"))),
        weight=lambda values: 4 * max(1, values.get("symbols", "").count(",") + 1),
    ),
    Endpoint("GET", "/api/v3/ticker/price", spot_market.price_tickers, SOME_SYMBOLS, weight=per_symbol(2, 4)),
    Endpoint(
        "GET", "/api/v3/ticker/bookTicker", spot_market.book_tickers, SOME_SYMBOLS, weight=per_symbol(2, 4)
    ),
    Endpoint(
        "GET",
        "/api/v3/ticker/24hr",
        spot_market.day_tickers,
        (*SOME_SYMBOLS, choice_field("type", ("FULL", "MINI"))),
        weight=per_symbol(2, 80),
    ),
    Endpoint(
        "GET",
        "/api/v3/account",
        spot_account.account,
        (boolean_field("omitZeroBalances"),),
        signed=True,
        weight=fixed_weight(20),
    ),
    Endpoint(
        "GET",
        "/api/v3/account/commission",
        spot_account.commission,
        (symbol_field(required=True),),
        signed=True,
        weight=fixed_weight(20),
    ),
    Endpoint("GET", "/sapi/v1/asset/tradeFee", spot_account.trade_fees, (symbol_field(),), signed=True),
    Endpoint(
        "GET",
        "/api/v3/myPreventedMatches",
        spot_account.prevented_matches,
        (
            symbol_field(required=True),
            integer_field("preventedMatchId"),
            integer_field("orderId"),
            integer_field("fromPreventedMatchId"),
            limit_field(1000),
        ),
        signed=True,
        weight=lambda values: 20 if "orderId" in values else 2,
    ),
    Endpoint(
        "GET", "/api/v3/rateLimit/order", spot_account.order_counts, signed=True, weight=fixed_weight(40)
    ),
    Endpoint("GET", "/sapi/v1/account/apiRestrictions", spot_account.api_restrictions, signed=True),
    Endpoint(
        "POST", "/api/v3/order", spot_orders.new_order, ORDER_FIELDS, signed=True, is_free=True, is_order=True
    ),
    Endpoint(
        "POST",
        "/api/v3/order/test",
        spot_orders.test_order,
        (*ORDER_FIELDS, boolean_field("computeCommissionRates")),
        signed=True,
        weight=lambda values: 20 if values.get("computeCommissionRates", "").lower() == "true" else 1,
    ),
    Endpoint(
        "POST",
        "/api/v3/order/cancelReplace",
        spot_replacing.cancel_replace,
        spot_replacing.REPLACE_FIELDS,
        signed=True,
        is_free=True,
        is_order=True,
    ),
    Endpoint(
        "DELETE",
        "/api/v3/order",
        spot_orders.cancel_order,
        (*ORDER_IDS, NEW_CLIENT_ID, spot_orders.RESTRICTION_FIELD),
        signed=True,
        is_free=True,
    ),
    Endpoint(
        "DELETE",
        "/api/v3/openOrders",
        spot_orders.cancel_open_orders,
        (symbol_field(required=True),),
        signed=True,
        is_free=True,
    ),
    Endpoint(
        "POST",
        "/api/v3/orderList/oco",
        spot_orders.new_list,
        LIST_FIELDS,
        signed=True,
        is_free=True,
        is_order=True,
    ),
    Endpoint(
        "DELETE",
        "/api/v3/orderList",
        spot_orders.cancel_list,
        (
            symbol_field(required=True),
            integer_field("orderListId"),
            Field("listClientOrderId", CLIENT_ID),
            NEW_CLIENT_ID,
        ),
        signed=True,
        is_free=True,
    ),
    Endpoint(
        "GET",
        "/api/v3/orderList",
        spot_account.query_list,
        (integer_field("orderListId"), Field("origClientOrderId", CLIENT_ID)),
        signed=True,
        weight=fixed_weight(4),
    ),
    Endpoint(
        "GET",
        "/api/v3/allOrderList",
        spot_account.all_lists,
        (integer_field("fromId"), *TIME_RANGE, limit_field(1000)),
        signed=True,
        weight=fixed_weight(20),
    ),
    Endpoint("GET", "/api/v3/openOrderList", spot_account.open_lists, signed=True, weight=fixed_weight(6)),
    Endpoint(
        "GET",
        "/api/v3/allOrders",
        spot_account.all_orders,
        (symbol_field(required=True), integer_field("orderId"), *TIME_RANGE, limit_field(1000)),
        signed=True,
        weight=fixed_weight(20),
    ),
    Endpoint(
        "GET", "/api/v3/order", spot_account.query_order, ORDER_IDS, signed=True, weight=fixed_weight(4)
    ),
    Endpoint(
        "GET",
        "/api/v3/openOrders",
        spot_account.open_orders,
        (symbol_field(),),
        signed=True,
        weight=per_symbol(6, 80),
    ),
    Endpoint(
        "GET",
        "/api/v3/myTrades",
        spot_account.my_trades,
        (
            symbol_field(required=True),
            integer_field("orderId"),
            *TIME_RANGE,
            integer_field("fromId"),
            limit_field(1000),
        ),
        signed=True,
        weight=lambda values: 5 if "orderId" in values else 20,
    ),
)
BY_PATH = {(entry.method, entry.path): entry for entry in ENDPOINTS}
