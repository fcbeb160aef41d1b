"""Which candle somebody asks about, and what the bot concluded on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bots.models import BotConfig
from engine.market import interval_ms
from trading.models import Decision

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
    """As it was decided then."""
    return Decision.objects.filter(bot_config=bot, candle_open_ms=open_ms).order_by("-pk").first()
