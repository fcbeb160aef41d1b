"""Which exits a position wants, and for how long it stood without the stop it wants.

The prices are set when the entry's fills are known and moved by the trail or by hand; whether they stand at the
exchange is for `protection` to see to. The caller holds the bot's state row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from bots.models import BotConfig, BotState
from engine.amounts import decimal_from_e8, e6_from_percent, e8_from_decimal
from engine.exits import Protection, protective_ticks
from engine.orders import OrderState, Purpose
from trading.models import Order, Position
from trading.models.money import PositionAction

STOP_LOSS: Final = "stop_loss"
TRAILING_STOP: Final = "trailing_stop"
# A stop in one of these is known to stand at the exchange.
STANDS: Final = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)


def want_exits(position: Position, state: BotState, bot: BotConfig, *, tick_e8: int) -> None:
    """Stop, target and trail as configured, from the average price of the entry's fills so far."""
    if position.entry_price is None:
        return
    wanted: Protection = protective_ticks(
        e8_from_decimal(position.entry_price),
        stop_percent_e6=_e6(bot.stop_loss_perc),
        target_percent_e6=_e6(bot.take_profit_perc),
        trailing_percent_e6=None,
        tick_e8=tick_e8,
    )
    trail = protective_ticks(
        e8_from_decimal(position.entry_price),
        stop_percent_e6=None,
        target_percent_e6=None,
        trailing_percent_e6=_e6(bot.trailing_stop_perc),
        tick_e8=tick_e8,
    )
    position.trailing_stop_perc = bot.trailing_stop_perc
    state.stop_loss_price = _price(wanted.stop_ticks, tick_e8)
    state.take_profit_price = _price(wanted.target_ticks, tick_e8)
    state.trailing_stop_price = _price(trail.stop_ticks, tick_e8)
    state.max_price_since_entry = position.entry_price
    tighten(position, state)


def tighten(position: Position, state: BotState) -> None:
    """The one stop that is wanted is the tighter of stop loss and trail; equal ones are the stop loss."""
    loss, trail = state.stop_loss_price, state.trailing_stop_price
    is_trailing = trail is not None and (loss is None or trail > loss)
    position.stop_price = trail if is_trailing else loss
    position.stop_reason = (
        "" if position.stop_price is None else (TRAILING_STOP if is_trailing else STOP_LOSS)
    )
    position.target_price = state.take_profit_price


def forget_exits(state: BotState) -> None:
    """Of a closed position nothing is left to show."""
    state.stop_loss_price = state.take_profit_price = state.trailing_stop_price = None
    state.max_price_since_entry = None


def note_cover(
    position: Position,
    *,
    at: datetime,
    bare_since: datetime | None = None,
    just_booked: Iterable[Order] = (),
    is_new: bool = False,
) -> None:
    """Begin or end the time without protection, by what is known to stand now. `bare_since`: from when it is counted
    if it begins (the sending of what brought or ended it), so that nothing is left out. `just_booked`: orders of the
    position that the caller holds locked, as their rows are now; a position that `is_new` has no others."""
    wants = position.closed_at is None and position.stop_price is not None and position.quantity > 0
    is_covered = wants and (any(map(_covers, just_booked)) or (not is_new and _is_covered(position)))
    if is_covered and position.action in (PositionAction.PROTECT, PositionAction.REPLACE):
        position.action = PositionAction.NONE
    if wants and not is_covered:
        position.unprotected_since = position.unprotected_since or bare_since or at
    elif position.unprotected_since is not None:
        bare = max((at - position.unprotected_since).total_seconds(), 0.0)
        position.unprotected_seconds += Decimal(str(round(bare, 3)))
        position.unprotected_since = None


def _covers(order: Order) -> bool:
    return order.purpose == Purpose.STOP and order.state in STANDS and order.triggered_at is None


def _is_covered(position: Position) -> bool:
    stops = Order.objects.filter(position=position, purpose=Purpose.STOP, state__in=STANDS)
    return stops.filter(triggered_at__isnull=True).exists()


def _e6(percent: Decimal | None) -> int | None:
    return None if percent is None else e6_from_percent(percent)


def _price(ticks: int, tick_e8: int) -> Decimal | None:
    return decimal_from_e8(ticks * tick_e8) if ticks else None
