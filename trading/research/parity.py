"""A bot's life beside its backtest: the same candles, the same configuration, trade by trade, as a score.

What is found is kept on one row a bot, and may be computed again any number of times.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import live
from bots.models import BotConfig
from engine.amounts import plain_e8
from engine.fold import UnservedSetting
from engine.parity import BUY, Deal, Difference
from engine.strategies import InvalidParams, UnknownStrategy
from exchange.candles import source_of
from exchange.connect import VenueNotAvailable
from exchange.instants import instant_of
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models import ParityCheck, Trade
from trading.research.parity_comparing import CannotCompare, compared
from trading.research.parity_life import stretch_of
from trading.waking import queue

logger = structlog.get_logger(__name__)

TASK: Final = "trading.check_parity"
NEXT_TASK: Final = "trading.check_parity_of_all"
MOST_KEPT: Final = 100
TWO_DAYS: Final = timedelta(days=2)
EXPECTED: Final = (
    ExchangeError,
    VenueNotAvailable,
    UnknownSymbol,
    UnknownStrategy,
    InvalidParams,
    UnservedSetting,
)


def request_parity(bot: BotConfig) -> ParityCheck:
    """Ask for a comparison; asking twice makes one."""
    check, _made = ParityCheck.objects.get_or_create(bot_config=bot)
    if not check.is_awaited:
        check.wanted_at = timezone.now()
        check.save(update_fields=["wanted_at", "updated_at"])
    transaction.on_commit(partial(queue, TASK, bot.pk))
    return check


def check_next(after_id: int) -> str:
    """Of the bots that work or have traded lately, compare the next one, and then ask for the one after it: however
    many there are, they are no queue that other research would have to wait behind."""
    lately = Trade.objects.filter(created_at__gt=timezone.now() - TWO_DAYS).values("bot_config_id")
    bots = BotConfig.objects.filter(archived_at__isnull=True, pk__gt=after_id)
    wanted = bots.filter(is_active=True) | bots.filter(pk__in=lately)
    bot_id = wanted.order_by("pk").values_list("pk", flat=True).first()
    if bot_id is None:
        return "all compared"
    try:
        return f"{bot_id}: {check_parity(bot_id)}"
    finally:
        queue(NEXT_TASK, bot_id)


def check_parity(bot_id: int) -> str:
    """Compare and keep what was found. One line that says it."""
    bot = BotConfig.objects.select_related("state", "api_key").filter(pk=bot_id, archived_at=None).first()
    if bot is None or bot.api_key is None:
        return "gone"
    began = timezone.now()
    try:
        found = _found(bot)
    except DatabaseError:
        # Nothing can be written down: the night asks again.
        raise
    except Exception as error:
        found = {**_NOTHING, "message": _in_words(error, bot)[:300]}
    with transaction.atomic():
        ParityCheck.objects.update_or_create(bot_config=bot, defaults={**found, "checked_at": began})
        transaction.on_commit(partial(live.publish, bot.user_id, f"bot-parity-{bot.pk}"))
    score = found["score"]
    logger.info("parity_checked", bot_config_id=bot.pk, score=str(score), causes=found["causes"])
    return "nothing to compare" if score is None else f"{score} %"


def _in_words(error: Exception, bot: BotConfig) -> str:
    if isinstance(error, CannotCompare):
        return str(error)
    if isinstance(error, EXPECTED):
        logger.warning("parity_not_checked", bot_config_id=bot.pk, cause=str(error))
        return _("The comparison could not be made: %(why)s") % {"why": error}
    logger.error("parity_failed", bot_config_id=bot.pk, exc_info=error)
    return _("Something went wrong on our side. It was logged.")


_NOTHING: Final[dict[str, Any]] = {
    "start_at": None,
    "end_at": None,
    "score": None,
    "trades": 0,
    "backtest_trades": 0,
    "agreeing": 0,
    "signals": 0,
    "signals_apart": [],
    "causes": {},
    "differences": [],
}


def _found(bot: BotConfig) -> dict[str, Any]:
    stretch = stretch_of(bot)
    if stretch is None:
        raise CannotCompare(_("Nothing to compare yet: it begins with the first candle the bot looks at."))
    told, source = compared(bot, stretch), source_of(bot.api_key.venue)
    score = told.comparison.score
    return {
        "start_at": instant_of(stretch.start_ms),
        "end_at": instant_of(stretch.end_ms),
        "config_version": bot.version,
        "source": source,
        "score": None if score is None else Decimal(score).quantize(Decimal("0.001")),
        "trades": len(told.live),
        "backtest_trades": len(told.backtest),
        "agreeing": told.comparison.agreeing,
        "signals": told.signals,
        "signals_apart": told.apart[:MOST_KEPT],
        "causes": Counter(str(difference.cause) for difference in told.comparison.differences),
        "differences": [_as_json(difference) for difference in told.comparison.differences[:MOST_KEPT]],
        "message": told.message,
    }


def _as_json(difference: Difference) -> dict[str, Any]:
    return {
        "cause": str(difference.cause),
        "at_ms": difference.at_ms,
        "fields": [name.removesuffix("_e8").removesuffix("_ms") for name in difference.fields],
        "live": _deal_as_json(difference.live),
        "backtest": _deal_as_json(difference.backtest),
    }


def _deal_as_json(deal: Deal | None) -> dict[str, Any] | None:
    if deal is None:
        return None
    return {
        "at": instant_of(deal.at_ms).isoformat(),
        "side": "BUY" if deal.side == BUY else "SELL",
        "reason": deal.reason,
        "price": plain_e8(deal.price_e8),
        "quantity": plain_e8(deal.quantity_e8),
        "commission": plain_e8(deal.commission_e8),
    }
