"""A new order's parameters as Binance checks them: each alone, then against the order's type."""

from typing import Any

from exchange.sandbox import errors
from exchange.sandbox.filters import SymbolFilters
from exchange.sandbox.reading import (
    CLIENT_ID,
    Field,
    choice_field,
    decimal_field,
    integer_field,
    symbol_field,
)
from exchange.sandbox.venue import ACCEPTED_TYPES, PlaceOrder

PREVENTION_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
RESPONSE_TYPES = ("ACK", "RESULT", "FULL")
LEAST_STRATEGY_TYPE = 1_000_000
NOT_FOR_MARKET = ("timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty")

ORDER_FIELDS: tuple[Field, ...] = (
    symbol_field(required=True),
    choice_field("side", ("BUY", "SELL"), errors.invalid_side, required=True),
    # What other types mean comes with resting orders; until then they are refused by name.
    choice_field("type", ACCEPTED_TYPES, errors.invalid_order_type, required=True),
    choice_field("timeInForce", ("GTC", "IOC", "FOK"), errors.invalid_time_in_force),
    decimal_field("quantity"),
    decimal_field("quoteOrderQty"),
    decimal_field("price"),
    Field("newClientOrderId", CLIENT_ID),
    integer_field("strategyId"),
    integer_field("strategyType"),
    decimal_field("stopPrice"),
    integer_field("trailingDelta"),
    decimal_field("icebergQty"),
    choice_field("newOrderRespType", RESPONSE_TYPES),
    choice_field("selfTradePreventionMode", PREVENTION_MODES),
)


def check_market_parameters(values: dict[str, Any]) -> None:
    """Exactly one of quantity and quoteOrderQty, and nothing that belongs to a price."""
    for name in NOT_FOR_MARKET:
        if name in values:
            raise errors.not_required(name)
    given = [name for name in errors.QUANTITY_OR_QUOTE if name in values]
    if not given:
        raise errors.missing_both(errors.QUANTITY_OR_QUOTE)
    if len(given) > 1:
        raise errors.invalid_combination()
    if values[given[0]] == 0:
        raise errors.invalid_quantity()
    if values.get("strategyType", LEAST_STRATEGY_TYPE) < LEAST_STRATEGY_TYPE:
        raise errors.invalid_data("strategyType")


def order_command(
    values: dict[str, Any], filters: SymbolFilters, *, uid: int, client_order_id: str
) -> PlaceOrder:
    """The command those parameters mean; raises what is wrong with their combination."""
    check_market_parameters(values)
    prevention_mode = values.get("selfTradePreventionMode", filters.default_prevention_mode)
    if prevention_mode not in filters.prevention_modes:
        raise errors.prevention_mode_not_allowed()
    return PlaceOrder(
        uid=uid,
        symbol=values["symbol"],
        side=values["side"],
        type=values["type"],
        quantity=values.get("quantity"),
        quote=values.get("quoteOrderQty"),
        client_order_id=client_order_id,
        prevention_mode=prevention_mode,
        strategy_id=values.get("strategyId"),
        strategy_type=values.get("strategyType"),
    )
