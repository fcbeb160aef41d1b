"""A receipt of going flat, read: what was sold and at what price, what is left, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from engine.orders import OrderState, Purpose, Side
from trading.models import FlatLine, FlatReceipt, Order, Position, Trade

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One position. `price` is the average of what was sold since it was asked for; `why` is empty when nothing is
    left."""

    bot: Any
    quantity: Decimal
    sold: Decimal
    price: Decimal | None
    proceeds: Decimal
    realized_pnl: Decimal
    left: Decimal
    why: str


def lines_of(receipt: FlatReceipt, reader: Any) -> list[ReceiptLine]:
    """What became of every position, as far as `reader` may see it: owners see their own, operators all. Three
    queries."""
    lines = FlatLine.objects.filter(receipt=receipt).order_by("pk")
    lines = lines.select_related("position__bot_config__state")
    if not reader.is_staff:
        lines = lines.filter(position__bot_config__user_id=reader.pk)
    found = list(lines)
    ids = [line.position_id for line in found]
    sales: dict[int, list[Trade]] = defaultdict(list)
    for trade in Trade.objects.filter(position__in=ids, side=Side.SELL).order_by("pk"):
        sales[trade.position_id].append(trade)
    orders: dict[int | None, list[Order]] = defaultdict(list)
    for order in Order.objects.filter(position__in=ids).exclude(purpose=Purpose.ENTRY).order_by("-pk"):
        orders[order.position_id].append(order)
    return [_line(line, sales[line.position_id], orders[line.position_id]) for line in found]


def _line(line: FlatLine, sales: Iterable[Trade], orders: list[Order]) -> ReceiptLine:
    # What was sold before it was asked for is not this receipt's.
    counted = [trade for trade in sales if trade.created_at >= line.created_at]
    sold = sum((trade.quantity_filled for trade in counted), start=NOTHING)
    proceeds = sum((trade.quote_quantity_filled for trade in counted), start=NOTHING)
    return ReceiptLine(
        bot=line.position.bot_config,
        quantity=line.quantity,
        sold=sold,
        price=proceeds / sold if sold else None,
        proceeds=proceeds,
        realized_pnl=sum((trade.realized_pnl or NOTHING for trade in counted), start=NOTHING),
        left=line.position.quantity,
        why=_why_left(line.position, orders),
    )


def _why_left(position: Position, orders: list[Order]) -> str:
    if position.closed_at is not None:
        return ""
    newest = orders[0] if orders else None
    if newest is not None and newest.state == OrderState.UNKNOWN:
        return _("It is not known yet what became of an order.")
    if newest is not None and newest.state == OrderState.REJECTED:
        return _("The exchange refused: %(why)s It is asked again.") % {"why": f"{newest.error_message}."}
    if position.bot_config.state.last_error_message:
        return position.bot_config.state.last_error_message
    if any(order.cancel_wanted_at is not None and order.settled_at is None for order in orders):
        return _("Its stop and target are being cancelled first.")
    return _("Its sale is on the way.")
