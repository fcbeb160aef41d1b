"""How many more stops an account may have at the exchange on one symbol (Binance's MAX_NUM_ALGO_ORDERS)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from bots.models import BotConfig
from engine.orders import OrderType, Purpose
from engine.rules import SymbolRules
from trading.models import Order, Position

# The kinds the exchange counts: those that wait for a trigger.
TRIGGERED = (
    OrderType.STOP_LOSS,
    OrderType.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
)
WANTS_A_STOP = Q(bot_config__stop_loss_perc__isnull=False) | Q(bot_config__trailing_stop_perc__isnull=False)


def wants_a_stop(bot: BotConfig) -> bool:
    """As `WANTS_A_STOP` says of rows."""
    return bot.stop_loss_perc is not None or bot.trailing_stop_perc is not None


def free_stop_slots(account: Any, symbol: str, rules: SymbolRules) -> int:
    """What the symbol allows, less what is taken. Never negative."""
    return max(rules.max_algo_orders - taken_stop_slots(account, symbol), 0)


def taken_stop_slots(account: Any, symbol: str) -> int:
    """Our positions that want a stop (it may be on its way, or being replaced), the stops of others that are not final
    yet, and the entries in flight that will want one."""
    held = Position.objects.open().filter(
        bot_config__account=account, bot_config__symbol=symbol, stop_price__isnull=False
    )
    ours = Order.objects.unsettled().filter(account=account, symbol=symbol)
    wanting = Q(kind__in=TRIGGERED) | (WANTS_A_STOP & Q(purpose=Purpose.ENTRY))
    beside = ours.filter(wanting).exclude(position__in=held)
    return int(held.count() + beside.count())
