"""Which candle somebody asks about, and what the bot concluded on it: the row of that time, or what the same pure
function says of the stored candle now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

from bots.models import BotConfig
from engine.amounts import decimal_from_e8
from engine.market import interval_ms
from engine.strategies import InvalidParams, UnknownStrategy
from exchange.candles import read, source_of
from exchange.instants import instant_of
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models import Decision
from trading.why import why

logger = structlog.get_logger(__name__)

# Milliseconds until the year 5138; Python refuses to read thousands of digits.
LONGEST: Final = 14


def opening_named(asked: Mapping[str, str], timeframe: str) -> int | None:
    """The opening (ms) of the candle that `candle` (ms) or `at` (2026-11-20T12:05, UTC) lies in; None where neither
    can be read."""
    at_ms = _instant(asked.get("candle", ""), asked.get("at", ""))
    length = interval_ms(timeframe)
    return None if at_ms is None else at_ms // length * length


def _instant(candle: str, at: str) -> int | None:
    if candle:
        return int(candle) if candle.isdecimal() and len(candle) <= LONGEST else None
    try:
        return int(datetime.fromisoformat(at[:19]).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def explanation_of(bot: BotConfig, open_ms: int) -> Decision | None:
    """As it was decided then, or recomputed (a Decision without a row); None where the bot did not look."""
    row = Decision.objects.filter(bot_config=bot, candle_open_ms=open_ms).order_by("-pk").first()
    return row or _recomputed(bot, open_ms)


def _recomputed(bot: BotConfig, open_ms: int) -> Decision | None:
    try:
        decided = why(bot, open_ms)
    except (ExchangeError, UnknownSymbol, UnknownStrategy, InvalidParams) as error:
        logger.warning("candle_not_explained", bot_config_id=bot.pk, cause=type(error).__name__)
        return None
    if decided is None:
        return None
    place = (source_of(bot.account.venue), bot.position_type, bot.symbol, bot.timeframe)
    # It is stored: without it there would be nothing to recompute from.
    close_e8 = int(read(*place, count=1, until_open_ms=open_ms).close[-1])
    return Decision(
        bot_config=bot,
        candle_open_ms=open_ms,
        acts_at=instant_of(decided.acts_at_ms),
        action=decided.action,
        reason=decided.reason,
        text=decided.text,
        close_price=decimal_from_e8(close_e8),
    )
