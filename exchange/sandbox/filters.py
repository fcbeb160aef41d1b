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
    tick: int
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


def filters_of(info: dict[str, Any]) -> SymbolFilters:
    """From one symbol entry of exchangeInfo."""
    by_type = {entry["filterType"]: entry for entry in info["filters"]}
    lot, market, notional = by_type["LOT_SIZE"], by_type["MARKET_LOT_SIZE"], by_type["NOTIONAL"]
    return SymbolFilters(
        symbol=info["symbol"],
        base=info["baseAsset"],
        quote=info["quoteAsset"],
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
    )


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


def _misfits(quantity: int, minimum: int, maximum: int, step: int) -> bool:
    """A step or maximum of 0 switches that part of the filter off."""
    too_large = maximum > 0 and quantity > maximum
    return quantity < minimum or too_large or (step > 0 and (quantity - minimum) % step != 0)
