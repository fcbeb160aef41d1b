"""Carries out wished cancels: repeated by the order's own id until a query shows a final state (SPEC §7.6).

"No such order" is no answer but a question: the order may have been filled, or may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.keys import client_of
from engine.orders import OrderState
from exchange.port import Exchange, OutcomeUnknown
from trading.models import Order
from trading.orders import ledger
from trading.orders.execution import load
from trading.orders.placing import book_list, book_report

# Wishes are repeated no faster than this.
PAUSE = timedelta(seconds=1)
CANCELLABLE = (OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.UNKNOWN)


def want_cancel(order_ids: Iterable[int], *, at: datetime) -> None:
    """Write the wish down, in the caller's transaction. Those that were never sent end here."""
    with transaction.atomic():
        Order.objects.unsettled().filter(pk__in=order_ids, cancel_wanted_at__isnull=True).update(
            cancel_wanted_at=at, updated_at=at
        )
        for order_id in Order.objects.filter(pk__in=order_ids, state=OrderState.PLANNED).values_list(
            "pk", flat=True
        ):
            ledger.close_without_fill(
                order_id, OrderState.DROPPED, only_from=OrderState.PLANNED, message="No longer wanted."
            )


def cancel_wanted(position_id: int) -> bool:
    """Ask the exchange to cancel every order of the position whose cancel is wanted. False when none was due.
    Raises ExchangeError when the exchange does not answer."""
    now = timezone.now()
    due = Order.objects.filter(position_id=position_id, state__in=CANCELLABLE, cancel_wanted_at__isnull=False)
    # One that is being replaced is cancelled by the request that replaces it: cancelled before, nothing would stand.
    leaving = Order.objects.filter(
        replaces=OuterRef("pk"), state__in=(OrderState.PLANNED, OrderState.SENDING)
    )
    due = due.exclude(Exists(leaving)).filter(
        Q(asked_at__isnull=True) | Q(asked_at__lt=now - PAUSE) | Q(asked_at__lt=F("cancel_wanted_at"))
    )
    orders = [load(order_id) for order_id in due.order_by("pk").values_list("pk", flat=True)]
    for group in _by_request(orders):
        Order.objects.filter(pk__in=[order.pk for order in group]).update(asked_at=now)
        cancel_group(group, client_of(group[0].bot_config.api_key))
    return bool(orders)


def cancel_group(orders: Sequence[Order], exchange: Exchange) -> bool:
    """Cancel the orders of one request by their own id; what the exchange reports is booked. False: it knows no such
    open order, and a query must tell."""
    first = orders[0]
    try:
        if first.list_client_order_id:
            ended = exchange.cancel_list(first.symbol, first.list_client_order_id)
            if ended is not None:
                book_list(orders, ended, exchange)
            return ended is not None
        report = exchange.cancel_order(first.symbol, first.client_order_id)
        if report is not None:
            book_report(first, report, exchange)
        return report is not None
    except OutcomeUnknown:
        return False


def _by_request(orders: Sequence[Order]) -> list[list[Order]]:
    """Orders of one list together, every other alone."""
    groups: dict[str, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.list_client_order_id or order.client_order_id, []).append(order)
    return list(groups.values())
