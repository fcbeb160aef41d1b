"""Orders as the parameters of Binance's requests: every number plain text, every id one it signs as we do.

What the exchange could only misread is refused here, before anything is sent.
"""

from __future__ import annotations

import re
from typing import Any, Final

from engine.amounts import plain_e8
from engine.orders import OrderType, Side
from exchange.binance.venue_client import STAMP
from exchange.port import MarketOrder, ProtectiveList, Rejected, RestingOrder, Stamp

_CLIENT_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
_PRICED: Final = frozenset(
    {OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
)
_TRIGGERED: Final = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
)
# These take a time in force; a LIMIT_MAKER and a market order after a trigger do not.
_LASTING: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_STOPS: Final = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})
_TARGETS: Final = frozenset({OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


def market_order(order: MarketOrder, stamp: Stamp) -> dict[str, Any]:
    amounts = [amount for amount in (order.quantity_e8, order.quote_quantity_e8) if amount is not None]
    if len(amounts) != 1 or amounts[0] <= 0:
        raise Rejected(-1102, "A market order has either a quantity or a quote quantity, above zero.")
    check_id(order.client_order_id)
    wanted = {
        "symbol": order.symbol,
        "side": str(order.side),
        "type": "MARKET",
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": order.self_trade_prevention,
        STAMP: stamp,
    }
    if order.quantity_e8 is not None:
        wanted["quantity"] = plain_e8(order.quantity_e8)
    if order.quote_quantity_e8 is not None:
        wanted["quoteOrderQty"] = plain_e8(order.quote_quantity_e8)
    return wanted


def resting_order(order: RestingOrder, stamp: Stamp) -> dict[str, Any]:
    check_resting(order)
    return {
        "symbol": order.symbol,
        "side": str(order.side),
        "type": str(order.kind),
        "quantity": plain_e8(order.quantity_e8),
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": order.self_trade_prevention,
        STAMP: stamp,
        **_prices(order, names=("price", "stopPrice", "timeInForce")),
    }


def protective_list(wanted: ProtectiveList, stamp: Stamp) -> dict[str, Any]:
    """For orderList/oco: of a sale the target lies above the price and the stop below, of a purchase the reverse."""
    check_list(wanted)
    target, stop = wanted.target, wanted.stop
    above, below = (target, stop) if target.side == Side.SELL else (stop, target)
    return {
        "symbol": target.symbol,
        "side": str(target.side),
        "quantity": plain_e8(target.quantity_e8),
        "listClientOrderId": wanted.list_client_order_id,
        "newOrderRespType": "FULL",
        "selfTradePreventionMode": target.self_trade_prevention,
        STAMP: stamp,
        **_leg("above", above),
        **_leg("below", below),
    }


def replacement(cancel_client_order_id: str, order: RestingOrder, stamp: Stamp) -> dict[str, Any]:
    check_id(cancel_client_order_id)
    return {
        **resting_order(order, stamp),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrigClientOrderId": cancel_client_order_id,
    }


def check_resting(order: RestingOrder) -> None:
    """A quantity, a price where the kind works at one, a stop price where it waits for one, and nothing else."""
    check_id(order.client_order_id)
    given = {"price": order.price_e8, "stop price": order.stop_price_e8}
    needed = {"price": order.kind in _PRICED, "stop price": order.kind in _TRIGGERED}
    if order.kind == OrderType.MARKET or order.quantity_e8 <= 0:
        raise Rejected(-1102, "An order that rests has a kind that can wait and a quantity above zero.")
    for name, amount in given.items():
        if needed[name] != (amount is not None) or (amount is not None and amount <= 0):
            raise Rejected(-1102, f"A {order.kind} order has {'a' if needed[name] else 'no'} {name}.")


def check_list(wanted: ProtectiveList) -> None:
    """One target and one stop for the same coins."""
    target, stop = wanted.target, wanted.stop
    check_id(wanted.list_client_order_id)
    for leg in (target, stop):
        check_resting(leg)
    if target.kind not in _TARGETS or stop.kind not in _STOPS:
        raise Rejected(-1014, "A list has a target (LIMIT_MAKER, TAKE_PROFIT) and a stop (STOP_LOSS).")
    shared = [(leg.symbol, leg.side, leg.quantity_e8, leg.self_trade_prevention) for leg in (target, stop)]
    if shared[0] != shared[1]:
        raise Rejected(
            -1014, "Both orders of a list have one symbol, side, quantity and self-trade prevention."
        )


def check_id(client_order_id: str) -> None:
    if not _CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise Rejected(-1100, "A client order id has 1 to 36 characters out of A-Z a-z 0-9 _ -.")


def _leg(position: str, leg: RestingOrder) -> dict[str, str]:
    names = (f"{position}Price", f"{position}StopPrice", f"{position}TimeInForce")
    return {
        f"{position}Type": str(leg.kind),
        f"{position}ClientOrderId": leg.client_order_id,
        **_prices(leg, names=names),
    }


def _prices(order: RestingOrder, *, names: tuple[str, str, str]) -> dict[str, str]:
    price, stop_price, time_in_force = names
    found = {}
    if order.price_e8 is not None:
        found[price] = plain_e8(order.price_e8)
    if order.stop_price_e8 is not None:
        found[stop_price] = plain_e8(order.stop_price_e8)
    if order.kind in _LASTING:
        found[time_in_force] = "GTC"
    return found
