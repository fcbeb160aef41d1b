"""A symbol's trading rules as the exchange states them: tick, step, minimums; rounding and checks.

Parsed from one `symbols[]` entry of Binance's exchangeInfo. Prices become whole ticks, quantities whole
steps. The check that the step function compiles and the check that raises are the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm
from typing import Any, Final, NamedTuple

from engine.amounts import E8, InexactAmount, decimal_from_e8, e8_from_decimal, plain_e8

__all__ = [
    "E8", "InexactAmount", "MarketLimits", "RuleViolation", "SymbolRules", "ceil_to_tick",
    "check_market_order", "decimal_from_e8", "e8_from_decimal", "fault_in_words", "floor_to_step",
    "floor_to_tick", "market_fault", "notional_e8", "rules_from_symbol_info", "steps_for",
]  # fmt: skip

UNLIMITED: Final = 2**63 - 1

NO_FAULT: Final = 0
BELOW_MIN_QUANTITY: Final = 1
ABOVE_MAX_QUANTITY: Final = 2
BELOW_MIN_NOTIONAL: Final = 3
ABOVE_MAX_NOTIONAL: Final = 4


class RuleViolation(ValueError):
    """An order would break a rule of its symbol; `filter_name` is Binance's name of it."""

    def __init__(self, filter_name: str, message: str) -> None:
        super().__init__(message)
        self.filter_name = filter_name
        self.message = message


class MarketLimits(NamedTuple):
    """What the compiled step needs of the rules: plain integers.

    One step bought at one tick is worth cell_over / cell_under e8 of quote (lowest terms), so that
    price × quantity needs no product beyond 64 bits.
    """

    min_quantity: int
    max_quantity: int
    min_notional_e8: int
    max_notional_e8: int
    cell_over: int
    cell_under: int
    quote_unit_e8: int


def notional_e8(price_ticks: int, quantity_steps: int, limits: MarketLimits) -> int:
    """floor(price × quantity) in e8 of quote."""
    return price_ticks * quantity_steps * limits.cell_over // limits.cell_under


def steps_for(quote_e8: int, price_ticks: int, limits: MarketLimits) -> int:
    """floor(quote / price) to the step: what a market order by quote amount buys at this price."""
    return quote_e8 * limits.cell_under // (price_ticks * limits.cell_over)


def market_fault(price_ticks: int, quantity_steps: int, limits: MarketLimits) -> int:
    """The first rule that a market order of this quantity breaks at this price, else NO_FAULT."""
    if quantity_steps < limits.min_quantity:
        return BELOW_MIN_QUANTITY
    if quantity_steps > limits.max_quantity:
        return ABOVE_MAX_QUANTITY
    value = notional_e8(price_ticks, quantity_steps, limits)
    if value < limits.min_notional_e8:
        return BELOW_MIN_NOTIONAL
    if value > limits.max_notional_e8:
        return ABOVE_MAX_NOTIONAL
    return NO_FAULT


@dataclass(frozen=True, kw_only=True)
class SymbolRules:
    """Quantities (`min_quantity` …) in steps, prices in ticks, money in e8 of the quote asset."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_precision: int
    quote_precision: int
    tick_e8: int
    step_e8: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    market_min_quantity: int
    market_max_quantity: int
    min_notional_e8: int
    max_notional_e8: int
    apply_min_to_market: bool
    apply_max_to_market: bool
    order_types: tuple[str, ...]
    quote_order_allowed: bool
    # How many stops and targets of a trigger kind an account may have open on this symbol.
    max_algo_orders: int = UNLIMITED
    # A resting sell's price lies within these multiples (1e-8) of the average price; 0 and UNLIMITED: no bound.
    sell_price_down_e8: int = 0
    sell_price_up_e8: int = UNLIMITED

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING"

    @cached_property
    def market_limits(self) -> MarketLimits:
        """The rules of a MARKET order: LOT_SIZE and MARKET_LOT_SIZE both hold, the tighter decides."""
        cell = self.tick_e8 * self.step_e8
        common = gcd(cell, E8)
        return MarketLimits(
            min_quantity=max(self.min_quantity, self.market_min_quantity, 1),
            max_quantity=min(self.max_quantity, self.market_max_quantity),
            min_notional_e8=self.min_notional_e8 if self.apply_min_to_market else 0,
            max_notional_e8=self.max_notional_e8 if self.apply_max_to_market else UNLIMITED,
            cell_over=cell // common,
            cell_under=E8 // common,
            quote_unit_e8=10 ** max(0, 8 - self.quote_precision),
        )

    def ticks(self, price_e8: int) -> int:
        """Whole ticks of a price; raises `RuleViolation` when it lies between two ticks."""
        ticks, rest = divmod(price_e8, self.tick_e8)
        if rest:
            raise RuleViolation(
                "PRICE_FILTER", f"{plain_e8(price_e8)} is no multiple of {plain_e8(self.tick_e8)}"
            )
        return ticks

    def price_e8(self, ticks: int) -> int:
        return ticks * self.tick_e8

    def steps(self, quantity_e8: int) -> int:
        """Whole steps that a quantity holds, rounded down."""
        return quantity_e8 // self.step_e8

    def quantity_e8(self, steps: int) -> int:
        return steps * self.step_e8


def floor_to_step(quantity_e8: int, rules: SymbolRules) -> int:
    """The largest multiple of the step that is not more, in e8."""
    return quantity_e8 // rules.step_e8 * rules.step_e8


def floor_to_tick(price_e8: int, rules: SymbolRules) -> int:
    return price_e8 // rules.tick_e8 * rules.tick_e8


def ceil_to_tick(price_e8: int, rules: SymbolRules) -> int:
    return -(-price_e8 // rules.tick_e8) * rules.tick_e8


def check_market_order(rules: SymbolRules, *, quantity_e8: int, price_e8: int) -> None:
    """Raises `RuleViolation` if a market order of this quantity breaks a rule at this price.

    For an order by quote amount, ask with the quantity that `steps_for` says it buys.
    """
    if not rules.is_trading:
        raise RuleViolation("STATUS", f"{rules.symbol} is not trading ({rules.status})")
    if "MARKET" not in rules.order_types:
        raise RuleViolation("ORDER_TYPE", f"{rules.symbol} takes no market orders")
    if quantity_e8 % rules.step_e8:
        step, quantity = plain_e8(rules.step_e8), plain_e8(quantity_e8)
        raise RuleViolation("LOT_SIZE", f"quantity {quantity} is no multiple of {step} {rules.base_asset}")
    limits, ticks, steps = rules.market_limits, price_e8 // rules.tick_e8, rules.steps(quantity_e8)
    fault = market_fault(ticks, steps, limits)
    if fault != NO_FAULT:
        raise RuleViolation(*fault_in_words(fault, rules, price_ticks=ticks, quantity_steps=steps))


def fault_in_words(
    fault: int, rules: SymbolRules, *, price_ticks: int, quantity_steps: int
) -> tuple[str, str]:
    """Binance's filter name and a plain sentence with the numbers, for a code of `market_fault`."""
    limits = rules.market_limits
    quantity = f"{plain_e8(rules.quantity_e8(quantity_steps))} {rules.base_asset}"
    worth = plain_e8(notional_e8(price_ticks, quantity_steps, limits))
    value = f"{quantity} is worth {worth} {rules.quote_asset}"
    if fault == BELOW_MIN_QUANTITY:
        least = plain_e8(rules.quantity_e8(limits.min_quantity))
        name = "LOT_SIZE" if quantity_steps < max(rules.min_quantity, 1) else "MARKET_LOT_SIZE"
        return name, f"{quantity} is below the minimum quantity {least} {rules.base_asset}"
    if fault == ABOVE_MAX_QUANTITY:
        most = plain_e8(rules.quantity_e8(limits.max_quantity))
        name = "LOT_SIZE" if quantity_steps > rules.max_quantity else "MARKET_LOT_SIZE"
        return name, f"{quantity} is above the maximum quantity {most} {rules.base_asset}"
    if fault == BELOW_MIN_NOTIONAL:
        return (
            "NOTIONAL",
            f"{value}, below the minimum of {plain_e8(limits.min_notional_e8)} {rules.quote_asset}",
        )
    if fault == ABOVE_MAX_NOTIONAL:
        return (
            "NOTIONAL",
            f"{value}, above the maximum of {plain_e8(limits.max_notional_e8)} {rules.quote_asset}",
        )
    raise ValueError(f"{fault} is no fault of a market order")


def _lot(entry: Mapping[str, Any], step_e8: int) -> tuple[int, int]:
    """(minimum, maximum) of a lot filter in steps; Binance's 0 turns a bound off."""
    least, most = e8_from_decimal(entry["minQty"]), e8_from_decimal(entry["maxQty"])
    return -(-least // step_e8), most // step_e8 if most else UNLIMITED


def _market_lot(filters: Mapping[str, Mapping[str, Any]], step_e8: int) -> tuple[int, int]:
    entry = filters.get("MARKET_LOT_SIZE")
    return _lot(entry, step_e8) if entry else (0, UNLIMITED)


def _step_e8(filters: Mapping[str, Mapping[str, Any]]) -> int:
    """A market order must fit both lot filters; where the second has a step of its own, the common one."""
    lot = e8_from_decimal(filters["LOT_SIZE"]["stepSize"])
    market = e8_from_decimal(filters.get("MARKET_LOT_SIZE", {}).get("stepSize", "0"))
    return lcm(lot, market) if lot and market else lot or market or 1


class _Notional(NamedTuple):
    least: int
    most: int
    least_to_market: bool
    most_to_market: bool


def _notional(filters: Mapping[str, Mapping[str, Any]]) -> _Notional:
    if "NOTIONAL" in filters:
        entry = filters["NOTIONAL"]
        most = e8_from_decimal(entry.get("maxNotional", "0")) or UNLIMITED
        least = e8_from_decimal(entry["minNotional"])
        return _Notional(
            least, most, bool(entry["applyMinToMarket"]), bool(entry.get("applyMaxToMarket", False))
        )
    if "MIN_NOTIONAL" in filters:
        entry = filters["MIN_NOTIONAL"]
        if "notional" in entry:
            # Futures: of every order that opens something.
            return _Notional(e8_from_decimal(entry["notional"]), UNLIMITED, True, False)
        least = e8_from_decimal(entry["minNotional"])
        return _Notional(least, UNLIMITED, bool(entry["applyToMarket"]), False)
    return _Notional(0, UNLIMITED, False, False)


def _sell_price_bounds(filters: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    if "PERCENT_PRICE_BY_SIDE" in filters:
        entry = filters["PERCENT_PRICE_BY_SIDE"]
        return e8_from_decimal(entry["askMultiplierDown"]), e8_from_decimal(entry["askMultiplierUp"])
    # On futures it bounds limit orders; stops and targets there are market orders, which it leaves alone.
    entry = filters.get("PERCENT_PRICE", {})
    if "avgPriceMins" in entry:
        return e8_from_decimal(entry["multiplierDown"]), e8_from_decimal(entry["multiplierUp"])
    return 0, UNLIMITED


def rules_from_symbol_info(info: Mapping[str, Any]) -> SymbolRules:
    """One entry of exchangeInfo's `symbols`. Raises KeyError or `InexactAmount` when it is not one."""
    filters = {entry["filterType"]: entry for entry in info["filters"]}
    step_e8, price = _step_e8(filters), filters["PRICE_FILTER"]
    tick_e8 = e8_from_decimal(price["tickSize"]) or 1
    lot, market_lot, notional = (
        _lot(filters["LOT_SIZE"], step_e8),
        _market_lot(filters, step_e8),
        _notional(filters),
    )
    sell_down_e8, sell_up_e8 = _sell_price_bounds(filters)
    return SymbolRules(
        symbol=info["symbol"],
        status=info["status"],
        base_asset=info["baseAsset"],
        quote_asset=info["quoteAsset"],
        base_precision=int(info["baseAssetPrecision"]),
        quote_precision=int(info.get("quoteAssetPrecision", info["quotePrecision"])),
        tick_e8=tick_e8,
        step_e8=step_e8,
        min_price=-(-e8_from_decimal(price["minPrice"]) // tick_e8),
        max_price=e8_from_decimal(price["maxPrice"]) // tick_e8 or UNLIMITED,
        min_quantity=lot[0],
        max_quantity=lot[1],
        market_min_quantity=market_lot[0],
        market_max_quantity=market_lot[1],
        min_notional_e8=notional.least,
        max_notional_e8=notional.most,
        apply_min_to_market=notional.least_to_market,
        apply_max_to_market=notional.most_to_market,
        order_types=tuple(info["orderTypes"]),
        quote_order_allowed=bool(info.get("quoteOrderQtyMarketAllowed", False)),
        max_algo_orders=int(filters.get("MAX_NUM_ALGO_ORDERS", {}).get("maxNumAlgoOrders", UNLIMITED)),
        sell_price_down_e8=sell_down_e8,
        sell_price_up_e8=sell_up_e8,
    )
