"""Binance's JSON as the port's dataclasses: exact integers of 1e-8, never through a float.

A field that is missing or no number raises (`LookupError`, `TypeError`, `ValueError`): the answer is unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.amounts import E8, e8_from_decimal
from engine.market import Candles
from engine.orders import Side
from exchange.port import (
    Balance,
    Book,
    DayTicker,
    FillReport,
    ListReport,
    OrderReport,
    Permissions,
    PublicTrade,
)

# In no book until they are triggered.
_WAITING_KINDS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


def e8(text: object) -> int:
    """Binance's decimal string to 1e-8, exactly; quick for the plain form every number of theirs has."""
    if not isinstance(text, str):
        raise TypeError(f"a decimal string was expected, not {type(text).__name__}")
    whole, _, places = text.partition(".")
    if whole.isdecimal() and len(places) <= 8 and (places.isdecimal() or not places):
        return int(whole + places.ljust(8, "0"))
    return e8_from_decimal(text)


def order_report(answer: Mapping[str, Any]) -> OrderReport:
    """From an order's FULL or RESULT answer, a query, a cancellation, or a row of openOrders."""
    executed_e8, quote_e8 = e8(answer["executedQty"]), e8(answer["cummulativeQuoteQty"])
    at_ms = answer.get("transactTime", answer.get("updateTime", answer.get("time")))
    fills = answer.get("fills")
    return OrderReport(
        symbol=str(answer["symbol"]),
        order_id=whole(answer["orderId"]),
        # A cancellation has an id of its own; ours is then the original one.
        client_order_id=str(answer.get("origClientOrderId", answer["clientOrderId"])),
        status=str(answer["status"]),
        side=Side(answer["side"]),
        executed_e8=executed_e8,
        executed_quote_e8=quote_e8,
        at_ms=whole(at_ms),
        fills=None if fills is None else _fills_in_answer(answer, executed_e8, quote_e8),
        kind=str(answer.get("type", "MARKET")),
        price_e8=e8(answer.get("price", "0")),
        stop_price_e8=e8(answer.get("stopPrice", "0")),
        original_e8=e8(answer.get("origQty", "0")),
        is_working=_is_working(answer),
        list_id=_list_id(answer),
    )


def _is_working(answer: Mapping[str, Any]) -> bool:
    """A query says it; an answer to placing says since when (-1: not yet), or nothing at all of a stop."""
    if "isWorking" in answer:
        return bool(answer["isWorking"])
    if "workingTime" in answer:
        return whole(answer["workingTime"]) != -1
    return answer.get("type") not in _WAITING_KINDS


def _list_id(answer: Mapping[str, Any]) -> int | None:
    list_id = whole(answer.get("orderListId", -1))
    return None if list_id == -1 else list_id


def list_report(answer: Mapping[str, Any]) -> ListReport:
    """From placing, querying or cancelling an order list."""
    return ListReport(
        list_id=whole(answer["orderListId"]),
        list_client_order_id=str(answer["listClientOrderId"]),
        status=str(answer["listOrderStatus"]),
        client_order_ids=tuple(str(order["clientOrderId"]) for order in answer["orders"]),
        orders=tuple(order_report(report) for report in answer.get("orderReports", ())),
    )


def placed_list(answer: Mapping[str, Any]) -> ListReport:
    """From placing: both orders are in the answer, or it is none."""
    report = list_report(answer)
    if len(report.orders) != 2:
        raise ValueError("a list that was placed has two orders")
    return report


def cancelled_order(answer: Mapping[str, Any], client_order_id: str) -> OrderReport:
    """From a cancellation by an order's id, which answers with the whole list where the order was part of one."""
    if "orderReports" not in answer:
        return order_report(answer)
    reports = {report.client_order_id: report for report in list_report(answer).orders}
    return reports[client_order_id]


def book(answer: Mapping[str, Any]) -> Book:
    return Book(bids=_levels(answer["bids"]), asks=_levels(answer["asks"]))


def _levels(rows: Sequence[Sequence[Any]]) -> tuple[tuple[int, int], ...]:
    return tuple((e8(row[0]), e8(row[1])) for row in rows)


def _fills_in_answer(
    answer: Mapping[str, Any], executed_e8: int, quote_e8: int
) -> tuple[FillReport, ...] | None:
    """The fills of a FULL answer, or None where they do not add up to the order and the trades must be asked."""
    fills = tuple(_fill_in_answer(row, answer) for row in answer["fills"])
    agrees = (
        sum(fill.quantity_e8 for fill in fills) == executed_e8
        and sum(fill.quote_e8 for fill in fills) == quote_e8
    )
    return fills if agrees else None


def _fill_in_answer(row: Mapping[str, Any], answer: Mapping[str, Any]) -> FillReport:
    price_e8, quantity_e8 = e8(row["price"]), e8(row["qty"])
    return FillReport(
        trade_id=whole(row["tradeId"]),
        order_id=whole(answer["orderId"]),
        price_e8=price_e8,
        quantity_e8=quantity_e8,
        quote_e8=price_e8 * quantity_e8 // E8,
        commission_e8=e8(row["commission"]),
        commission_asset=str(row["commissionAsset"]),
        is_maker=False,  # what fills in the answer to its own placing has taken
        at_ms=whole(answer["transactTime"]),
    )


def fill_report(row: Mapping[str, Any]) -> FillReport:
    """From a row of myTrades."""
    return FillReport(
        trade_id=whole(row["id"]),
        order_id=whole(row["orderId"]),
        price_e8=e8(row["price"]),
        quantity_e8=e8(row["qty"]),
        quote_e8=e8(row["quoteQty"]),
        commission_e8=e8(row["commission"]),
        commission_asset=str(row["commissionAsset"]),
        is_maker=bool(row["isMaker"]),
        at_ms=whole(row["time"]),
    )


def candles(rows: Sequence[Sequence[Any]]) -> Candles:
    """From klines rows [opening, open, high, low, close, volume, …], in the order served."""
    table = np.empty((6, len(rows)), dtype=np.int64)
    for number, row in enumerate(rows):
        table[:, number] = (whole(row[0]), e8(row[1]), e8(row[2]), e8(row[3]), e8(row[4]), e8(row[5]))
    if len(rows) > 1 and not bool(np.all(np.diff(table[0]) > 0)):
        raise ValueError("the candles are not in the order of time")
    return Candles(*table)


def day_ticker(row: Mapping[str, Any]) -> DayTicker:
    """From a row of ticker/24hr, FULL or MINI."""
    return DayTicker(
        symbol=str(row["symbol"]),
        price_e8=e8(row["lastPrice"]),
        open_e8=e8(row["openPrice"]),
        high_e8=e8(row["highPrice"]),
        low_e8=e8(row["lowPrice"]),
        volume_e8=e8(row["volume"]),
        quote_volume_e8=e8(row["quoteVolume"]),
        at_ms=whole(row["closeTime"]),
    )


def public_trade(row: Mapping[str, Any]) -> PublicTrade:
    """From a row of trades."""
    return PublicTrade(
        trade_id=whole(row["id"]),
        price_e8=e8(row["price"]),
        quantity_e8=e8(row["qty"]),
        at_ms=whole(row["time"]),
        is_buyer_maker=bool(row["isBuyerMaker"]),
    )


def balances(account: Mapping[str, Any]) -> dict[str, Balance]:
    return {
        str(row["asset"]): Balance(
            asset=str(row["asset"]), free_e8=e8(row["free"]), locked_e8=e8(row["locked"])
        )
        for row in account["balances"]
    }


def permissions(restrictions: Mapping[str, Any], account: Mapping[str, Any]) -> Permissions:
    """From apiRestrictions and the account: a key may trade where neither of them forbids it."""
    return Permissions(
        can_read=bool(restrictions["enableReading"]),
        can_trade_spot=bool(restrictions["enableSpotAndMarginTrading"]) and bool(account["canTrade"]),
        can_trade_futures=bool(restrictions["enableFutures"]),
        can_withdraw=bool(restrictions["enableWithdrawals"]),
    )


def whole(value: object) -> int:
    """An id or a time: Binance sends integers, and anything else is not one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"a whole number was expected, not {type(value).__name__}")
    return value
