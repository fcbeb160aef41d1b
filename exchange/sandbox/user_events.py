"""What happened to an account, in the events Binance sends its owner: execution reports, list statuses, balances.

Made from the venue's own events alone, each as it stood then: several fills in one walk show several balances.
"""

from collections.abc import Sequence
from typing import Any

from exchange.sandbox.shapes import ZERO, fixed
from exchange.sandbox.state import BalanceChanged, Order, OrderChanged, OrderList, State, Trade
from exchange.sandbox.venue import Event

Json = dict[str, Any]
Addressed = tuple[int, Json]  # uid, event


def user_events(state: State, events: Sequence[Event]) -> list[Addressed]:
    """In the order of what happened; `state` is already past all of it."""
    balances = _balances_before(state, events)
    trades = {(event.symbol, event.order_id): event for event in events if isinstance(event, Trade)}
    found: list[Addressed] = []
    for index, event in enumerate(events):
        match event:
            case Order():
                trade = trades.get((event.symbol, event.order_id))
                found += [(event.uid, report) for report in _placed(event, trade)]
            case OrderChanged():
                order = event.order
                trade = trades.get((order.symbol, order.order_id)) if event.execution == "TRADE" else None
                found.append((order.uid, _changed(event, trade)))
            case OrderList():
                found.append((event.uid, list_status(state, event)))
            case BalanceChanged():
                held = balances[event.uid, event.asset]
                held[0] += event.free
                held[1] += event.locked
                if not _goes_on(event, events[index + 1 :]):
                    found.append((event.uid, _position(events, index, balances)))
    return found


def _balances_before(state: State, events: Sequence[Event]) -> dict[tuple[int, str], list[int]]:
    """What every balance these events touch was before them."""
    balances: dict[tuple[int, str], list[int]] = {}
    for event in events:
        if isinstance(event, BalanceChanged):
            now = state.accounts[event.uid].balances[event.asset]
            held = balances.setdefault((event.uid, event.asset), list(now))
            held[0] -= event.free
            held[1] -= event.locked
    return balances


def _goes_on(event: BalanceChanged, later: Sequence[Event]) -> bool:
    """Whether the next event changes another balance of the same fill or lock."""
    return bool(later) and isinstance(later[0], BalanceChanged) and later[0].uid == event.uid


def _position(events: Sequence[Event], last: int, balances: dict[tuple[int, str], list[int]]) -> Json:
    """The balances changed in the run of changes that ends at `last`."""
    ending = events[last]
    assert isinstance(ending, BalanceChanged)
    assets: dict[str, None] = {}
    for event in reversed(events[: last + 1]):
        if not isinstance(event, BalanceChanged) or event.uid != ending.uid:
            break
        assets[event.asset] = None
    return {
        "e": "outboundAccountPosition",
        "E": ending.market_ms,
        "u": ending.market_ms,
        "B": [
            {
                "a": asset,
                "f": fixed(balances[ending.uid, asset][0]),
                "l": fixed(balances[ending.uid, asset][1]),
            }
            for asset in reversed(assets)
        ],
    }


def _placed(order: Order, trade: Trade | None) -> list[Json]:
    """Accepted, and what came of it at once."""
    at_ms = order.market_ms
    reports = [execution_report(order, "NEW", status="NEW", at_ms=at_ms)]
    if trade is not None:
        reports.append(execution_report(order, "TRADE", status=order.status, at_ms=at_ms, trade=trade))
    elif order.status != "NEW":
        reports.append(execution_report(order, order.status, status=order.status, at_ms=at_ms))
    return reports


def _changed(event: OrderChanged, trade: Trade | None) -> Json:
    """A triggered order is reported as new once more, now working."""
    order = event.order
    at_ms = order.market_ms if order.updated_ms is None else order.updated_ms
    execution = "NEW" if event.execution == "TRIGGERED" else event.execution
    return execution_report(order, execution, status=order.status, at_ms=at_ms, trade=trade)


def execution_report(
    order: Order, execution: str, *, status: str, at_ms: int, trade: Trade | None = None
) -> Json:
    """`execution` is Binance's `x`. After a cancel `c` is the cancel's id and `C` the order's own."""
    is_cancel = execution == "CANCELED" and order.cancel_client_order_id is not None
    report = {
        "e": "executionReport",
        "E": at_ms,
        "s": order.symbol,
        "c": order.cancel_client_order_id if is_cancel else order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": fixed(order.original_quantity),
        "p": fixed(order.price),
        "P": fixed(order.stop_price),
        "F": ZERO,
        "g": order.list_id,
        "C": order.client_order_id if is_cancel else "",
        "x": execution,
        "X": status,
        "r": "NONE",
        "i": order.order_id,
        **_filled(order, trade),
        "T": at_ms,
        "t": -1 if trade is None else trade.trade_id,
        "I": order.seq,
        "w": order.is_working and status in ("NEW", "PARTIALLY_FILLED"),
        "m": trade is not None and trade.is_maker,
        "M": False,
        "O": order.market_ms,
        "Q": fixed(order.original_quote),
        "V": order.prevention_mode,
    }
    extras = {
        "W": order.waits_since_ms if order.is_working else None,
        "j": order.strategy_id,
        "J": order.strategy_type,
        "eR": order.expiry_reason,
    }
    return report | {name: value for name, value in extras.items() if value is not None}


def _filled(order: Order, trade: Trade | None) -> Json:
    """Orders fill whole or not at all: before its trade an order has nothing."""
    if trade is None:
        return {"l": ZERO, "z": ZERO, "L": ZERO, "n": "0", "N": None, "Z": ZERO, "Y": ZERO}
    return {
        "l": fixed(trade.quantity),
        "z": fixed(order.executed_quantity),
        "L": fixed(trade.price),
        "n": fixed(trade.commission),
        "N": trade.commission_asset,
        "Z": fixed(order.executed_quote),
        "Y": fixed(trade.quote),
    }


def list_status(state: State, order_list: OrderList) -> Json:
    return {
        "e": "listStatus",
        "E": order_list.updated_ms,
        "s": order_list.symbol,
        "g": order_list.list_id,
        "c": order_list.contingency_type,
        "l": order_list.status_type,
        "L": order_list.order_status,
        "r": "NONE",
        "C": order_list.client_order_id,
        "T": order_list.updated_ms,
        "O": [
            {"s": leg.symbol, "i": leg.order_id, "c": leg.client_order_id}
            for leg in state.legs_of(order_list)
        ],
    }
