"""What is known of a bot at the moment it decides: its position, its money, and what forbids an entry or an exit now.

Read under the lock of the bot's state row, so that a stop or a fill committed before it is seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from bots.halts import halting_reason
from bots.models import BotConfig, BotStatus
from bots.ranges import DEFAULT_STOP_LIMIT_OFFSET_PERC
from engine import exits
from engine.amounts import e6_from_percent, e8_from_decimal, share_e6
from engine.decide import Snapshot
from engine.orders import OrderState, OrderType
from engine.reasons import Reason
from engine.rules import SymbolRules
from exchange.instants import ms_of
from trading.market_view import View
from trading.models import Order, Position, Wallet
from trading.models.money import PositionAction


def take_snapshot(bot: BotConfig, view: View) -> Snapshot:
    position = Position.objects.open().filter(bot_config=bot).first()
    unsettled = Order.objects.unsettled().filter(bot_config=bot).order_by("pk").first()
    block = _entry_block(bot, unsettled, is_clock_right=view.is_clock_right)
    flat = flat_snapshot(bot, bot.state, view.rules, entry_block=block, last_exit_ms=_last_exit_ms(bot))
    flat = replace(
        flat, available_e8=e8_from_decimal(_available(bot)), worst_sale_e6=worst_sale_e6(bot, view.rules)
    )
    if position is None:
        return flat
    return replace(
        flat,
        in_position=True,
        quantity_steps=e8_from_decimal(position.quantity) // view.rules.step_e8,
        exit_block=Reason.ORDER_IN_FLIGHT if position.action == PositionAction.EXIT else None,
        exits_follow_signal=bot.state.status != BotStatus.STOPPED,
        stop_ticks=_ticks(position.stop_price, view.rules),
        best_ticks=_ticks(bot.state.max_price_since_entry, view.rules),
        trailing_percent_e6=_percent_e6(position.trailing_stop_perc),
    )


def flat_snapshot(
    bot: Any, state: Any, rules: SymbolRules, *, entry_block: str | None, last_exit_ms: int | None
) -> Snapshot:
    """A bot without a position, and without a look at its wallet. `bot` and `state` are the rows, or anything with
    their fields: a chunk of bots reads them as plain values."""
    assert state.counters_date is not None  # the day was rolled a moment ago
    return Snapshot(
        rules=rules,
        in_position=False,
        quantity_steps=0,
        capital_e8=e8_from_decimal(bot.initial_capital + state.realized_pnl),
        available_e8=0,
        counters_day=(state.counters_date - date(1970, 1, 1)).days,
        size_percent_e6=_percent_e6(bot.position_size_perc),
        size_fixed_e8=None if bot.position_size_fixed is None else e8_from_decimal(bot.position_size_fixed),
        daily_trades=state.daily_trades_count,
        daily_pnl_e8=e8_from_decimal(state.daily_pnl),
        entry_block=entry_block,
        max_daily_trades=bot.max_daily_trades,
        max_daily_loss_e8=_share_of_capital(bot, bot.max_daily_loss_perc),
        daily_target_e8=_share_of_capital(bot, bot.daily_target_perc),
        cooldown_candles=bot.cooldown_candles,
        last_exit_ms=last_exit_ms,
    )


def worst_sale_e6(bot: BotConfig, rules: SymbolRules) -> int:
    """Where the bot's first stop may sell, in the kind the symbol allows (SPEC §5.5)."""
    has_limit = OrderType.STOP_LOSS not in rules.order_types
    offset = e6_from_percent(bot.stop_limit_offset_perc or DEFAULT_STOP_LIMIT_OFFSET_PERC)
    return exits.worst_sale_e6(
        _percent_e6(bot.stop_loss_perc), _percent_e6(bot.trailing_stop_perc), offset if has_limit else 0
    )


def _ticks(price: Decimal | None, rules: SymbolRules) -> int:
    return 0 if price is None else e8_from_decimal(price) // rules.tick_e8


def _share_of_capital(bot: Any, percent: Decimal | None) -> int | None:
    """Daily percentages are of the initial capital (SPEC §4.1)."""
    if percent is None:
        return None
    return share_e6(e8_from_decimal(bot.initial_capital), e6_from_percent(percent))


def _last_exit_ms(bot: BotConfig) -> int | None:
    """Market time at which the bot's last position closed; only a cooldown asks."""
    if not bot.cooldown_candles:
        return None
    closed = Position.objects.filter(bot_config=bot, closed_at__isnull=False).order_by("-closed_at")
    at = closed.values_list("closed_at", flat=True).first()
    return None if at is None else ms_of(at)


def _available(bot: BotConfig) -> Decimal:
    wallet = Wallet.objects.filter(
        account_id=bot.account_id, market=bot.position_type, asset=bot.quote_asset
    ).first()
    return wallet.available if wallet else Decimal(0)


def _percent_e6(percent: Decimal | None) -> int | None:
    return None if percent is None else e6_from_percent(percent)


def _entry_block(bot: BotConfig, unsettled: Order | None, *, is_clock_right: bool) -> str | None:
    """What forbids a new entry now, if anything does (SPEC §4.3)."""
    standing = standing_block(bot, bot.state, is_key_valid=bot.api_key.is_valid)
    if standing is not None:
        return standing
    if halting_reason(bot):
        return Reason.HALTED
    return block_of(unsettled) or (None if is_clock_right else Reason.CLOCK_OFF)


def standing_block(bot: Any, state: Any, *, is_key_valid: bool) -> str | None:
    """What the bot's own rows say against an entry; rows or anything with their fields."""
    if state.status == BotStatus.PAUSED:
        return str(state.status_text)
    if not bot.is_active:
        return Reason.STOPPED
    if state.status == BotStatus.ERROR:
        return Reason.ERROR
    return None if is_key_valid else Reason.KEY_INVALID


def block_of(unsettled: Order | None) -> str | None:
    if unsettled is None:
        return None
    return Reason.UNKNOWN_ORDER if unsettled.state == OrderState.UNKNOWN else Reason.ORDER_IN_FLIGHT
