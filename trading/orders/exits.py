"""Exits that came to nothing are planned again with a new id, for as long as their position wants to be closed."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from bots.models import BotConfig, BotState
from engine.amounts import decimal_from_e8, e8_from_decimal
from engine.orders import OrderState, Purpose
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.models import Order, Position
from trading.models.money import PositionAction
from trading.orders.planning import plan_exit_again
from trading.orders.settlement import ENDS_A_PASS

logger = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)


def plan_exits_again() -> int:
    """Positions that are being closed and have no order on its way get a new one. Returns how many."""
    on_its_way = Order.objects.unsettled().filter(bot_config_id=OuterRef("bot_config_id"))
    wanting = Position.objects.open().filter(~Exists(on_its_way), action=PositionAction.EXIT)
    return sum(_try_again(position_id) for position_id in wanting.order_by("pk").values_list("pk", flat=True))


def _try_again(position_id: int) -> bool:
    """One position that cannot be dealt with must not keep the others open."""
    try:
        return _plan_again(position_id)
    except ENDS_A_PASS:
        raise
    except Exception:
        logger.exception("exit_planning_broke", position_id=position_id)
        return False


def _plan_again(position_id: int) -> bool:
    position = Position.objects.select_related("bot_config__api_key").get(pk=position_id)
    bot = position.bot_config
    try:
        rules, version = rules_for(bot.api_key.venue, bot.position_type, bot.symbol)
    except (ExchangeError, UnknownSymbol) as error:
        logger.warning("exit_waits", bot_config_id=bot.pk, cause=str(error))
        return False
    now = timezone.now()
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        position.refresh_from_db()
        if (
            position.closed_at
            or Order.objects.unsettled().filter(bot_config=bot).exists()
            or _is_too_soon(bot, position, now)
        ):
            return False
        steps = e8_from_decimal(position.quantity) // rules.step_e8
        plan_exit_again(
            bot, position, quantity=decimal_from_e8(steps * rules.step_e8), rules_version=version, at=now
        )
    logger.info("exit_planned_again", bot_config_id=bot.pk, position_id=position_id)
    return True


def _is_too_soon(bot: BotConfig, position: Position, now: datetime) -> bool:
    """Refusals in a row double the pause, so that a venue that says no is not asked without end."""
    attempts = Order.objects.filter(position=position, purpose=Purpose.EXIT).order_by("-id")
    refused = attempts.filter(state=OrderState.REJECTED).count()
    last = attempts.first()
    if last is None or last.settled_at is None:
        return False
    pause = min(FIRST_PAUSE * 2 ** min(refused, 10), LONGEST_PAUSE)
    return now < last.settled_at + pause
