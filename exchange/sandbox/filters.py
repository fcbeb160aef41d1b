"""A symbol's real filters as integers, and the checks Binance makes with them, in its order."""

from dataclasses import dataclass
from typing import Any

from exchange.sandbox.errors import filter_failure, invalid_quantity
from exchange.sandbox.tape import E8


def to_e8(text: str) -> int:
    """A plain decimal with at most 8 meaningful places, in 1e-8; ValueError when there are more."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > 8:
        raise ValueError(f"{text} has more than 8 places")
    return int(whole) * E8 + int(fraction.ljust(8, "0"))


@dataclass(frozen=True)
class SymbolFilters:
    """Quantities, prices and money in 1e-8."""

    symbol: str
    base: str
    quote: str
    order_types: tuple[str, ...]
    tick: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    step: int
    market_min_quantity: int
    market_max_quantity: int
    market_step: int
    min_notional: int
    max_notional: int
    min_applies_to_market: bool
    max_applies_to_market: bool
    prevention_modes: tuple[str, ...]
    default_prevention_mode: str
    percent_price: dict[str, tuple[int, int]]  # side → (down, up) multipliers of the average price, in 1e-8
    max_orders: int | None
    max_algo_orders: int | None
    max_order_lists: int | None


def filters_of(info: dict[str, Any]) -> SymbolFilters:
    """From one symbol entry of exchangeInfo."""
    by_type = {entry["filterType"]: entry for entry in info["filters"]}
    lot, market, notional = by_type["LOT_SIZE"], by_type["MARKET_LOT_SIZE"], by_type["NOTIONAL"]
    return SymbolFilters(
        symbol=info["symbol"],
        base=info["baseAsset"],
        quote=info["quoteAsset"],
        order_types=tuple(info["orderTypes"]),
        min_price=to_e8(by_type["PRICE_FILTER"]["minPrice"]),
        max_price=to_e8(by_type["PRICE_FILTER"]["maxPrice"]),
        tick=to_e8(by_type["PRICE_FILTER"]["tickSize"]),
        min_quantity=to_e8(lot["minQty"]),
        max_quantity=to_e8(lot["maxQty"]),
        step=to_e8(lot["stepSize"]),
        market_min_quantity=to_e8(market["minQty"]),
        market_max_quantity=to_e8(market["maxQty"]),
        market_step=to_e8(market["stepSize"]),
        min_notional=to_e8(notional["minNotional"]),
        max_notional=to_e8(notional["maxNotional"]),
        min_applies_to_market=notional["applyMinToMarket"],
        max_applies_to_market=notional["applyMaxToMarket"],
        prevention_modes=tuple(info["allowedSelfTradePreventionModes"]),
        default_prevention_mode=info["defaultSelfTradePreventionMode"],
        percent_price=_percent_price(by_type.get("PERCENT_PRICE_BY_SIDE")),
        max_orders=by_type.get("MAX_NUM_ORDERS", {}).get("maxNumOrders"),
        max_algo_orders=by_type.get("MAX_NUM_ALGO_ORDERS", {}).get("maxNumAlgoOrders"),
        max_order_lists=by_type.get("MAX_NUM_ORDER_LISTS", {}).get("maxNumOrderLists"),
    )


def _percent_price(entry: dict[str, Any] | None) -> dict[str, tuple[int, int]]:
    if entry is None:
        return {}
    return {
        "BUY": (to_e8(entry["bidMultiplierDown"]), to_e8(entry["bidMultiplierUp"])),
        "SELL": (to_e8(entry["askMultiplierDown"]), to_e8(entry["askMultiplierUp"])),
    }


def quantity_for_quote(quote_e8: int, price_e8: int, filters: SymbolFilters) -> int:
    """floor(quote / price) to the step, in 1e-8 of the base asset."""
    return quote_e8 * E8 // price_e8 // filters.step * filters.step


def check_market_order(filters: SymbolFilters, *, quantity_e8: int, notional_e8: int) -> None:
    """Raises the first filter a MARKET order of this size fails: LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL."""
    if quantity_e8 <= 0:
        raise invalid_quantity()
    if _misfits(quantity_e8, filters.min_quantity, filters.max_quantity, filters.step):
        raise filter_failure("LOT_SIZE")
    if _misfits(quantity_e8, filters.market_min_quantity, filters.market_max_quantity, filters.market_step):
        raise filter_failure("MARKET_LOT_SIZE")
    if filters.min_applies_to_market and notional_e8 < filters.min_notional:
        raise filter_failure("NOTIONAL")
    if filters.max_applies_to_market and notional_e8 > filters.max_notional:
        raise filter_failure("NOTIONAL")


@dataclass(frozen=True)
class Priced:
    """What filters ask of an order with a price, a stop price (0: none) or both; `is_market`: a price only triggers."""

    side: str
    quantity: int
    price: int
    stop_price: int
    is_market: bool


def check_priced_order(filters: SymbolFilters, order: Priced, *, average_e8: int) -> None:
    """Raises the first filter a resting order fails: PRICE_FILTER, PERCENT_PRICE_BY_SIDE, LOT_SIZE, NOTIONAL."""
    for price in (order.price, order.stop_price):
        if price and _misfits(price, filters.min_price, filters.max_price, filters.tick):
            raise filter_failure("PRICE_FILTER")
    down, up = filters.percent_price.get(order.side, (0, 0))
    if order.price and up and not down * average_e8 <= order.price * E8 <= up * average_e8:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")
    if order.quantity <= 0:
        raise invalid_quantity()
    if _misfits(order.quantity, filters.min_quantity, filters.max_quantity, filters.step):
        raise filter_failure("LOT_SIZE")
    notional = order.quantity * (order.price or order.stop_price) // E8
    too_small = notional < filters.min_notional and (filters.min_applies_to_market or not order.is_market)
    too_large = notional > filters.max_notional and (filters.max_applies_to_market or not order.is_market)
    if too_small or too_large:
        raise filter_failure("NOTIONAL")


@dataclass(frozen=True)
class OpenCounts:
    """How much of one symbol an account has open: orders, conditional ones among them, lists."""

    orders: int
    algo_orders: int
    lists: int


def check_counts(filters: SymbolFilters, counts: OpenCounts) -> None:
    """Raises the first limit that `counts`, new orders included, are beyond; a limit not recorded does not exist."""
    for name, count, most in (
        ("MAX_NUM_ORDERS", counts.orders, filters.max_orders),
        ("MAX_NUM_ALGO_ORDERS", counts.algo_orders, filters.max_algo_orders),
        ("MAX_NUM_ORDER_LISTS", counts.lists, filters.max_order_lists),
    ):
        if most is not None and count > most:
            raise filter_failure(name)


def _misfits(quantity: int, minimum: int, maximum: int, step: int) -> bool:
    """A step or maximum of 0 switches that part of the filter off."""
    too_large = maximum > 0 and quantity > maximum
    return quantity < minimum or too_large or (step > 0 and (quantity - minimum) % step != 0)
