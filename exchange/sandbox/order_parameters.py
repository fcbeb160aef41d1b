"""A new order's or list's parameters as Binance checks them: each alone, then against the order's type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exchange.sandbox import errors
from exchange.sandbox.commands import PlaceList, PlaceOrder
from exchange.sandbox.filters import SymbolFilters
from exchange.sandbox.reading import (
    CLIENT_ID,
    Field,
    choice_field,
    decimal_field,
    integer_field,
    symbol_field,
)
from exchange.sandbox.waiting import STOPS

PREVENTION_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
RESPONSE_TYPES = ("ACK", "RESULT", "FULL")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
LEAST_STRATEGY_TYPE = 1_000_000
# Which of the parameters below a type must have; the others are -1106 for it. MARKET has rules of its own.
NEEDED = {
    "MARKET": (),
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "STOP_LOSS": ("quantity", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
TYPES = tuple(NEEDED)
LEG_TYPES = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
BY_TYPE = ("timeInForce", "price", "stopPrice", "quoteOrderQty")
FULL_BY_DEFAULT = ("MARKET", "LIMIT")

PREVENTION_FIELD = choice_field("selfTradePreventionMode", PREVENTION_MODES)
RESPONSE_FIELD = choice_field("newOrderRespType", RESPONSE_TYPES)


def order_fields(new_id_name: str = "newClientOrderId") -> tuple[Field, ...]:
    return (
        symbol_field(required=True),
        choice_field("side", ("BUY", "SELL"), errors.invalid_side, required=True),
        choice_field("type", TYPES, errors.invalid_order_type, required=True),
        choice_field("timeInForce", TIMES_IN_FORCE, errors.invalid_time_in_force),
        decimal_field("quantity"),
        decimal_field("quoteOrderQty"),
        decimal_field("price"),
        Field(new_id_name, CLIENT_ID),
        integer_field("strategyId"),
        integer_field("strategyType"),
        decimal_field("stopPrice"),
        integer_field("trailingDelta"),
        decimal_field("icebergQty"),
        RESPONSE_FIELD,
        PREVENTION_FIELD,
    )


ORDER_FIELDS = order_fields()


def _leg_fields(side: str) -> tuple[Field, ...]:
    return (
        choice_field(f"{side}Type", LEG_TYPES, errors.invalid_order_type, required=True),
        Field(f"{side}ClientOrderId", CLIENT_ID),
        decimal_field(f"{side}IcebergQty"),
        decimal_field(f"{side}Price"),
        decimal_field(f"{side}StopPrice"),
        integer_field(f"{side}TrailingDelta"),
        choice_field(f"{side}TimeInForce", TIMES_IN_FORCE, errors.invalid_time_in_force),
        integer_field(f"{side}StrategyId"),
        integer_field(f"{side}StrategyType"),
    )


LIST_FIELDS: tuple[Field, ...] = (
    symbol_field(required=True),
    Field("listClientOrderId", CLIENT_ID),
    choice_field("side", ("BUY", "SELL"), errors.invalid_side, required=True),
    Field("quantity", decimal_field("quantity").legal, decimal_field("quantity").parse, required=True),
    *_leg_fields("above"),
    *_leg_fields("below"),
    RESPONSE_FIELD,
    PREVENTION_FIELD,
)


@dataclass(frozen=True)
class Named:
    """Values under Binance's plain names, and what each was called in the request."""

    values: dict[str, Any]
    called: Callable[[str], str] = str


def check_parameters(given: Named) -> None:
    """What the type needs and nothing that belongs to another; no zero where a number counts."""
    values, called = given.values, given.called
    kind = values["type"]
    if values.get("trailingDelta") is not None:
        raise errors.trailing_not_supported()
    missing = [name for name in NEEDED[kind] if name not in values]
    if missing == ["stopPrice"]:  # A trailing delta would do on Binance.
        raise errors.missing_both((called("stopPrice"), called("trailingDelta")))
    if missing:
        raise errors.missing(called(missing[0]))
    if kind == "MARKET":
        _check_market(values)
    for name in BY_TYPE:
        if name in values and name not in (NEEDED[kind] or ("quoteOrderQty",)):
            raise errors.not_required(called(name))
    if values.get("icebergQty"):
        raise errors.iceberg_not_supported()
    for name in ("price", "stopPrice"):
        if values.get(name) == 0:
            raise errors.invalid_price(name)
    if values.get("quantity") == 0:
        raise errors.invalid_quantity()
    if values.get("strategyType", LEAST_STRATEGY_TYPE) < LEAST_STRATEGY_TYPE:
        raise errors.invalid_data(called("strategyType"))


def _check_market(values: dict[str, Any]) -> None:
    """Exactly one of quantity and quoteOrderQty, and nothing that belongs to a price."""
    for name in ("timeInForce", "price", "stopPrice", "icebergQty"):
        if name in values:
            raise errors.not_required(name)
    given = [name for name in errors.QUANTITY_OR_QUOTE if name in values]
    if not given:
        raise errors.missing_both(errors.QUANTITY_OR_QUOTE)
    if len(given) > 1:
        raise errors.invalid_combination()
    if values[given[0]] == 0:
        raise errors.invalid_quantity()


def order_command(
    values: dict[str, Any], filters: SymbolFilters, *, uid: int, client_order_id: str
) -> PlaceOrder:
    """The command those parameters mean; raises what is wrong with their combination."""
    check_parameters(Named(values))
    return _command(values, filters, uid=uid, client_order_id=client_order_id)


def _command(values: dict[str, Any], filters: SymbolFilters, *, uid: int, client_order_id: str) -> PlaceOrder:
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
        price=values.get("price", 0),
        stop_price=values.get("stopPrice", 0),
        time_in_force=values.get("timeInForce", "GTC"),
    )


def list_command(
    values: dict[str, Any], filters: SymbolFilters, *, uid: int, new_id: Callable[[], str]
) -> PlaceList:
    """One leg stops a loss and the other does not, else the combination is unsupported (-1014)."""
    if (values["aboveType"] in STOPS) == (values["belowType"] in STOPS):
        raise errors.unsupported_combination()
    above, below = (_leg(values, side) for side in ("above", "below"))
    for leg in (above, below):
        check_parameters(leg)
    legs = (
        _command(leg.values, filters, uid=uid, client_order_id=leg.values.get("newClientOrderId") or new_id())
        for leg in (above, below)
    )
    return PlaceList(
        uid=uid,
        symbol=values["symbol"],
        list_client_order_id=values.get("listClientOrderId") or new_id(),
        legs=(next(legs), next(legs)),
    )


def _leg(values: dict[str, Any], side: str) -> Named:
    """One side's parameters under their plain names, with what both sides share."""

    def called(name: str) -> str:
        return name if name == "quantity" else side + name[0].upper() + name[1:]

    shared = ("symbol", "side", "quantity", "selfTradePreventionMode")
    own = {
        name: values[called(name)]
        for name in (
            "type", "price", "stopPrice", "timeInForce", "icebergQty", "trailingDelta", "strategyId", "strategyType",
        )
        if called(name) in values
    }  # fmt: skip
    client_id = values.get(f"{side}ClientOrderId")
    named = {} if client_id is None else {"newClientOrderId": client_id}
    return Named({name: values[name] for name in shared if name in values} | own | named, called)
