"""Sends what protects a position: a lone stop or target, both as one list, or a stop in the place of another.

As with every order the rows are claimed, with the request's own timestamp, before a byte leaves; all orders of one
request are claimed together or not at all, and an end that is not certain makes all of them `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.keys import client_of
from engine.amounts import e8_from_decimal
from engine.orders import OrderState, OrderType, Purpose, Side
from exchange.port import (
    CredentialsRefused,
    Exchange,
    ExchangeError,
    FillReport,
    ListReport,
    OrderReport,
    OutcomeUnknown,
    ProtectiveList,
    RateLimited,
    Rejected,
    ReplaceReport,
    RestingOrder,
    Stamp,
    Unavailable,
)
from trading.models import Order
from trading.orders import ledger
from trading.orders.execution import (
    FILTER_FAILURE,
    ask_about_the_key,
    last_known_trade_id,
    load_all,
    mark_unknown,
    read_rules_again,
)

logger = structlog.get_logger(__name__)

# Protection that arrives late protects nothing: the exchange refuses it after this, and we ask sooner (SPEC §7.2).
RECV_WINDOW_MS = 2_000


def place(order_ids: Sequence[int]) -> Rejected | None:
    """Take the planned orders of one request to an end, or to `unknown`. Returns the exchange's no, if that was it.
    Safe to call any number of times, from anywhere."""
    return place_loaded(load_all(order_ids))


def place_loaded(orders: Sequence[Order]) -> Rejected | None:
    """`place` for orders as `load_all` reads them; whether they may still be sent is asked of their rows."""
    if any(order.state != OrderState.PLANNED for order in orders):
        return None
    try:
        exchange = client_of(orders[0].bot_config.api_key)
        stamp = Stamp(exchange.signing_time_ms(), RECV_WINDOW_MS)
    except ExchangeError as error:
        # Nothing left us: they stay planned and are sent by the next pass.
        logger.warning("protection_not_sent", order=orders[0].client_order_id, cause=str(error))
        return None
    if not _claim(orders, stamp, at=timezone.now()):
        return None
    return _transmit(orders, exchange, stamp)


def _claim(orders: Sequence[Order], stamp: Stamp, *, at: datetime) -> bool:
    """planned → sending for all of them and for exactly one caller; none whose cancel is already wanted."""
    with transaction.atomic():
        claimed = Order.objects.filter(
            pk__in=[order.pk for order in orders], state=OrderState.PLANNED, cancel_wanted_at__isnull=True
        ).update(
            state=OrderState.SENDING,
            claimed_at=at,
            asked_at=at,
            request_timestamp_ms=stamp.timestamp_ms,
            recv_window_ms=stamp.recv_window_ms,
            last_trade_id_at_claim=last_known_trade_id(orders[0]),
            updated_at=at,
        )
        if claimed != len(orders):
            transaction.set_rollback(True)
    return claimed == len(orders)


def _transmit(orders: Sequence[Order], exchange: Exchange, stamp: Stamp) -> Rejected | None:
    """Send the claimed orders and record one of three ends: known, refused, unknown (SPEC §7.3). What fails after the
    exchange has answered is no end: the orders are asked about."""
    sent_at = timezone.now()
    try:
        answer = _send(orders, exchange, stamp)
    except OutcomeUnknown as error:
        for order in orders:
            mark_unknown(order.pk, message=str(error))
        return None
    except Rejected as error:
        return _refuse(orders, error)
    except (RateLimited, Unavailable) as error:
        for order in orders:
            ledger.close_without_fill(order.pk, OrderState.REJECTED, message=f"Not sent: {error}")
        return None
    if isinstance(answer, ListReport):
        book_list(orders, answer, exchange)
    elif isinstance(answer, OrderReport):
        book_report(orders[0], answer, exchange)
    else:
        return _book_replacement(orders[0], answer, exchange, sent_at=sent_at)
    return None


def _send(
    orders: Sequence[Order], exchange: Exchange, stamp: Stamp
) -> ListReport | OrderReport | ReplaceReport:
    if len(orders) > 1:
        return exchange.place_list(_list_of(orders), stamp)
    (order,) = orders
    if order.replaces is None:
        return exchange.place_resting_order(resting(order), stamp)
    return exchange.replace_order(order.replaces.client_order_id, resting(order), stamp)


def _book_replacement(
    new: Order, answer: ReplaceReport, exchange: Exchange, *, sent_at: datetime
) -> Rejected | None:
    """Both halves as the answer tells them. An old order that could not be cancelled is asked about by the next pass,
    for its cancel is still wanted."""
    old = new.replaces
    assert old is not None
    refusal = answer.refusal or Rejected(0, "The exchange did not place the new stop.")
    if answer.placed is not None:
        book_report(new, answer.placed, exchange)
    elif answer.cancelled is not None:
        _refuse([new], refusal)
    else:
        # The old one was not there to be cancelled: filled, most likely. That is no word against the new one.
        ledger.close_without_fill(new.pk, OrderState.REJECTED, code=refusal.code, message=refusal.message)
    if answer.cancelled is not None:
        Order.objects.filter(pk=old.pk).update(asked_at=sent_at)
        book_report(old, answer.cancelled, exchange)
    return refusal if answer.placed is None and answer.cancelled is not None else None


def _refuse(orders: Sequence[Order], error: Rejected) -> Rejected:
    for order in orders:
        ledger.close_without_fill(order.pk, OrderState.REJECTED, code=error.code, message=error.message)
    if isinstance(error, CredentialsRefused):
        ask_about_the_key(orders[0])
    if error.code == FILTER_FAILURE:
        read_rules_again(orders[0])
    return error


def book_list(orders: Sequence[Order], report: ListReport, exchange: Exchange) -> None:
    """Book every order of a list that the answer carries a report of."""
    by_id = {order.client_order_id: order for order in orders}
    heard = [
        (by_id[found.client_order_id], found, fills_in(found, exchange))
        for found in report.orders
        if found.client_order_id in by_id
    ]
    if heard:
        ledger.book_together(heard)


def book_report(order: Order, report: OrderReport, exchange: Exchange) -> None:
    """Book one order with the fills it speaks of."""
    ledger.book_together([(order, report, fills_in(report, exchange))])


def fills_in(report: OrderReport, exchange: Exchange) -> tuple[FillReport, ...]:
    """The fills a report speaks of, asked for where it does not carry them."""
    if report.fills is not None:
        return report.fills
    return tuple(exchange.fills_of_order(report.symbol, report.order_id)) if report.executed_e8 else ()


def resting(order: Order) -> RestingOrder:
    assert order.quantity is not None  # only entries are by amount of quote
    return RestingOrder(
        symbol=order.symbol,
        side=Side(order.side),
        kind=OrderType(order.kind),
        client_order_id=order.client_order_id,
        quantity_e8=e8_from_decimal(order.quantity),
        price_e8=None if order.price is None else e8_from_decimal(order.price),
        stop_price_e8=None if order.stop_price is None else e8_from_decimal(order.stop_price),
    )


def _list_of(orders: Sequence[Order]) -> ProtectiveList:
    by_purpose = {order.purpose: order for order in orders}
    return ProtectiveList(
        list_client_order_id=orders[0].list_client_order_id,
        target=resting(by_purpose[Purpose.TARGET]),
        stop=resting(by_purpose[Purpose.STOP]),
    )
