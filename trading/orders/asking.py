"""Asks the exchange what became of an order, and believes it (SPEC §7.4): "exists" at once, "does not exist" only after
three negative answers, well after the request could still have been accepted, and only if everything else agrees.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import structlog
from django.db.models import F, Q, Sum
from django.utils import timezone

from accounts.keys import client_of
from bots.models import BotState
from engine.amounts import decimal_from_e8
from engine.orders import PROTECTION, OrderState, Purpose, Side
from exchange.port import Exchange, FillReport, OrderReport, Unavailable
from trading.models import Order
from trading.orders import ledger
from trading.orders.cancelling import cancel_group
from trading.orders.execution import load
from trading.orders.placing import book_report

logger = structlog.get_logger(__name__)

IN_DOUBT = (OrderState.UNKNOWN, OrderState.OPEN, OrderState.PARTIALLY_FILLED)
NEGATIVES_NEEDED = 3
QUIET_MS = 10_000
NEGATIVES_SPAN_MS = 5_000
LATE = timedelta(seconds=10)


def settle(order_id: int) -> Order:
    """Ask the exchange about one order and book what it says. Raises ExchangeError when it does not answer."""
    order = load(order_id)
    if order.state not in (*IN_DOUBT, OrderState.SENDING):
        return order
    exchange = client_of(order.bot_config.api_key)
    asked_at = timezone.now()
    report = _persistently(order, lambda: _find(order, exchange))
    if report is not None:
        is_news = not _stands_as_known(order, report)
        if is_news:
            book_report(order, report, exchange)
        Order.objects.filter(pk=order.pk).update(
            asked_at=asked_at, negative_answers=0, first_negative_ms=None
        )
        if not is_news:
            return order
    elif order.state == OrderState.SENDING:
        # It may be on its way: only "exists" is believed of it.
        logger.debug("order_not_there_yet", order=order.client_order_id)
    elif order.state != OrderState.UNKNOWN:
        logger.error("order_vanished", order=order.client_order_id, state=order.state)
        if order.state == OrderState.OPEN:
            _count_negative(order, exchange)
    # A cancel goes to the matching engine: it finds what a query may not show yet.
    elif order.purpose not in PROTECTION or not cancel_group(_request_of(order), exchange):
        _count_negative(order, exchange)
    return load(order_id)


def _stands_as_known(order: Order, report: OrderReport) -> bool:
    """A stop or target that waits as our books say it does: at every close each position asks about its own."""
    return (
        order.purpose in PROTECTION
        and (order.state, report.status, report.executed_e8) == (OrderState.OPEN, "NEW", 0)
        and (order.exchange_order_id, order.exchange_list_id) == (report.order_id, report.list_id)
        and not (order.purpose == Purpose.STOP and report.is_working)
    )


def _persistently[Answer](order: Order, ask: Callable[[], Answer]) -> Answer:
    """Questions may be repeated, and what has been unknown for long is not left so for one of them that failed."""
    try:
        return ask()
    except Unavailable:
        is_late = order.unknown_at is not None and order.unknown_at < timezone.now() - LATE
        if not is_late:
            raise
    return ask()


def _find(order: Order, exchange: Exchange) -> OrderReport | None:
    """By the exchange's own id where we know it: a cancelled order's client id may have changed."""
    if order.exchange_order_id is not None:
        return exchange.find_order(order.symbol, order_id=order.exchange_order_id)
    return exchange.find_order(order.symbol, client_order_id=order.client_order_id)


def _request_of(order: Order) -> list[Order]:
    """Every order that went out in the same request."""
    if not order.list_client_order_id:
        return [order]
    return list(Order.objects.filter(list_client_order_id=order.list_client_order_id).order_by("pk"))


def _count_negative(order: Order, exchange: Exchange) -> None:
    """One more "does not exist", if it came late enough to count; the order is dropped when it is believed."""
    assert order.request_timestamp_ms is not None
    assert order.recv_window_ms is not None
    server_ms = exchange.server_time_ms()
    if server_ms < order.request_timestamp_ms + order.recv_window_ms + QUIET_MS:
        return
    first_ms = order.first_negative_ms or server_ms
    answers = order.negative_answers + 1
    counted = Order.objects.filter(
        pk=order.pk, state=order.state, negative_answers=order.negative_answers
    ).update(
        negative_answers=F("negative_answers") + 1,
        first_negative_ms=first_ms,
        last_negative_ms=server_ms,
        updated_at=timezone.now(),
    )
    if not counted or answers < NEGATIVES_NEEDED or server_ms - first_ms < NEGATIVES_SPAN_MS:
        return
    if not _persistently(order, lambda: _everything_agrees(order, exchange)):
        logger.error("order_contradiction", order=order.client_order_id)
        return
    if order.state == OrderState.OPEN:
        # It stood and is there no more: waited for any longer, it would leave its position bare without end.
        gone_now = "The exchange no longer has this order: asked until that was certain."
        ledger.close_without_fill(order.pk, OrderState.CANCELED, only_from=OrderState.OPEN, message=gone_now)
        return
    # A list exists whole or not at all: the other leg is asked for once more, and not waited for.
    for gone in _request_of(order):
        if gone.pk == order.pk or _find(gone, exchange) is None:
            ledger.close_without_fill(
                gone.pk,
                OrderState.DROPPED,
                only_from=OrderState.UNKNOWN,
                message="The exchange never had this order: asked until that was certain.",
            )


def _everything_agrees(order: Order, exchange: Exchange) -> bool:
    """Lists, open orders, our own trades since the claim, and the balance must not speak for an execution either."""
    if order.list_client_order_id and exchange.find_list(order.list_client_order_id) is not None:
        return False
    if any(
        open_order.client_order_id == order.client_order_id
        for open_order in exchange.open_orders(order.symbol)
    ):
        return False
    for order_id in _strangers(order, exchange.fills_after(order.symbol, order.last_trade_id_at_claim or 0)):
        stranger = exchange.find_order(order.symbol, order_id=order_id)
        if stranger is None or stranger.client_order_id == order.client_order_id:
            return False
    return order.side != Side.SELL or _coins_are_there(order, exchange)


def _strangers(order: Order, fills: list[FillReport]) -> set[int]:
    """Ids of executed orders on this account and symbol that we have not booked."""
    executed = {fill.order_id for fill in fills}
    known = Order.objects.filter(
        account_id=order.account_id, market=order.market, symbol=order.symbol, exchange_order_id__in=executed
    ).values_list("exchange_order_id", flat=True)
    return executed - set(known)


def _coins_are_there(order: Order, exchange: Exchange) -> bool:
    """A sell that never happened leaves at least what our bots hold."""
    asset = order.bot_config.base_asset
    held = BotState.objects.filter(
        bot_config__account_id=order.account_id, bot_config__base_asset=asset
    ).aggregate(
        coins=Sum("current_position_size_coins"), dust=Sum("dust_quantity", filter=Q(dust_quantity__gt=0))
    )
    balance = exchange.balances().get(asset)
    total = decimal_from_e8(balance.free_e8 + balance.locked_e8) if balance else Decimal(0)
    return total >= (held["coins"] or Decimal(0)) + (held["dust"] or Decimal(0))
