"""A position's numbers are always the replay of its fills: booking the same fills again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine import positions
from engine.amounts import decimal_from_e8, e8_from_decimal
from engine.orders import Side
from engine.positions import Dust
from trading.models import Fill, Position


def replay(position: Position) -> positions.Position:
    """The engine's position after every booked fill of its orders, in the exchange's order."""
    booked = Fill.objects.filter(order__position=position).select_related("order").order_by("trade_id")
    return after_fills(position, [(fill.order.side, fill) for fill in booked])


def after_fills(position: Position, fills: Sequence[tuple[str, Fill]]) -> positions.Position:
    bot = position.bot_config
    dust = Dust(
        quantity_e8=e8_from_decimal(position.opening_dust_quantity),
        cost_e8=e8_from_decimal(position.opening_dust_cost),
    )
    numbers = positions.Position.opened(bot.base_asset, bot.quote_asset, dust)
    for side, fill in fills:
        numbers = positions.after_fill(
            numbers,
            positions.Fill(
                side=Side(side),
                quantity_e8=e8_from_decimal(fill.quantity),
                quote_e8=e8_from_decimal(fill.quote_quantity),
                commission_e8=e8_from_decimal(fill.commission),
                commission_asset=fill.commission_asset,
            ),
        )
    return numbers


def write_numbers(position: Position, numbers: positions.Position) -> None:
    position.quantity = decimal_from_e8(numbers.quantity_e8)
    position.cost = decimal_from_e8(numbers.cost_e8)
    position.fees = decimal_from_e8(numbers.fees_e8)
    position.realized_pnl = decimal_from_e8(numbers.realized_pnl_e8)
    position.entry_price = _price(numbers.entry_price_e8)
    position.exit_price = _price(numbers.exit_price_e8)


def _price(price_e8: int | None) -> Decimal | None:
    return None if price_e8 is None else decimal_from_e8(price_e8)
