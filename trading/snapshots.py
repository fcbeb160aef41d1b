"""What is known of a bot at the moment it decides: its position, its money, and what forbids an entry or an exit now.

Read under the lock of the bot's state row, so that a stop or a fill committed before it is seen.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bots.halts import halting_reason
from bots.models import BotConfig, BotStatus
from engine.amounts import e6_from_percent, e8_from_decimal
from engine.decide import Snapshot
from engine.orders import OrderState
from engine.reasons import Reason
from trading.market_view import View
from trading.models import Order, Position, Wallet


def take_snapshot(bot: BotConfig, view: View, unsettled: Order | None) -> Snapshot:
    state = bot.state
    position = Position.objects.open().filter(bot_config=bot).first()
    held_e8 = e8_from_decimal(position.quantity) if position else 0
    assert state.counters_date is not None  # the day was rolled a moment ago
    return Snapshot(
        rules=view.rules,
        in_position=position is not None,
        quantity_steps=held_e8 // view.rules.step_e8,
        capital_e8=e8_from_decimal(bot.initial_capital + state.realized_pnl),
        available_e8=e8_from_decimal(_available(bot)),
        counters_day=(state.counters_date - date(1970, 1, 1)).days,
        size_percent_e6=_percent_e6(bot),
        size_fixed_e8=None if bot.position_size_fixed is None else e8_from_decimal(bot.position_size_fixed),
        daily_trades=state.daily_trades_count,
        daily_pnl_e8=e8_from_decimal(state.daily_pnl),
        entry_block=_entry_block(bot, unsettled, is_clock_right=view.is_clock_right),
        exit_block=_exit_block(position, unsettled),
        exits_follow_signal=state.status != BotStatus.STOPPED,
    )


def _available(bot: BotConfig) -> Decimal:
    wallet = Wallet.objects.filter(
        account_id=bot.account_id, market=bot.position_type, asset=bot.quote_asset
    ).first()
    return wallet.available if wallet else Decimal(0)


def _percent_e6(bot: BotConfig) -> int | None:
    return None if bot.position_size_perc is None else e6_from_percent(bot.position_size_perc)


def _entry_block(bot: BotConfig, unsettled: Order | None, *, is_clock_right: bool) -> str | None:
    """What forbids a new entry now, if anything does (SPEC §4.3)."""
    state = bot.state
    if state.status == BotStatus.PAUSED:
        return state.status_text
    if not bot.is_active:
        return Reason.STOPPED
    if state.status == BotStatus.ERROR:
        return Reason.ERROR
    if not bot.api_key.is_valid:
        return Reason.KEY_INVALID
    if halting_reason(bot):
        return Reason.HALTED
    return block_of(unsettled) or (None if is_clock_right else Reason.CLOCK_OFF)


def _exit_block(position: Position | None, unsettled: Order | None) -> str | None:
    if position is not None and position.action:
        return Reason.ORDER_IN_FLIGHT
    return block_of(unsettled)


def block_of(unsettled: Order | None) -> str | None:
    if unsettled is None:
        return None
    return Reason.UNKNOWN_ORDER if unsettled.state == OrderState.UNKNOWN else Reason.ORDER_IN_FLIGHT
