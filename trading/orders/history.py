"""Rows of the user's trade history: one for every order that was filled, written when its end is known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum

from engine import positions
from engine.amounts import decimal_from_e8, e8_from_decimal
from engine.orders import Side
from trading.models import Fill, Order, Position, Trade


class LedgerConflict(Exception):
    """The exchange reports something our books exclude. Nothing is changed; somebody must look."""


def write_trade(order: Order, position: Position, numbers: positions.Position, fills: Sequence[Fill]) -> None:
    """One row of the user's history per filled order; `fills` are all of the order's, in the exchange's order."""
    assert order.exchange_order_id is not None  # set by the ledger before anything else
    assets = {fill.commission_asset for fill in fills}
    if len(assets) > 1:
        raise LedgerConflict(
            f"order {order.client_order_id} paid commission in more than one asset: {sorted(assets)}"
        )
    Trade.objects.create(
        user_id=order.bot_config.user_id,
        bot_config_id=order.bot_config_id,
        position=position,
        account_id=order.account_id,
        venue=order.venue,
        market=order.market,
        symbol=order.symbol,
        side=order.side,
        order_type=order.kind,
        price=_average_price(order),
        quantity_filled=order.executed_quantity,
        quote_quantity_filled=order.executed_quote,
        commission_amount=sum((fill.commission for fill in fills), start=decimal_from_e8(0)),
        commission_asset=assets.pop(),
        realized_pnl=_result_of(position, numbers) if order.side == Side.SELL else None,
        reason=order.reason,
        binance_order_id=order.exchange_order_id,
        client_order_id=order.client_order_id,
        timestamp=fills[-1].filled_at,
    )


def _result_of(position: Position, numbers: positions.Position) -> Decimal:
    """What this exit brought: the position's result so far, less what earlier exits of it have been given."""
    earlier = position.trades.aggregate(sum=Sum("realized_pnl"))["sum"] or Decimal(0)
    return decimal_from_e8(numbers.realized_pnl_e8) - earlier


def _average_price(order: Order) -> Decimal:
    quantity, quote = e8_from_decimal(order.executed_quantity), e8_from_decimal(order.executed_quote)
    return decimal_from_e8(quote * 10**8 // quantity)
