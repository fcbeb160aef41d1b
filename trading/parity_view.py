"""The parity of a bot as its page shows it: a score, and each difference with its cause in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bots.models import BotConfig
from engine.parity import Cause
from exchange.instants import instant_of
from trading.models import ParityCheck

SHOWN: Final = 20
# What a cause means to the owner of the bot.
MEANINGS: Final[dict[str, Any]] = {
    Cause.LOGIC: _("live trading and the backtest decided differently; this should never happen"),
    Cause.LATENCY: _("the same order, sent or filled later"),
    Cause.SLIPPAGE: _("the same order, filled at another price"),
    Cause.MISSED: _("a trade that the bot was kept from making"),
    Cause.FUNDING: _("another funding payment"),
    Cause.BY_HAND: _("a position that was closed by hand"),
}
CAUSES: Final[dict[str, Any]] = {
    Cause.LOGIC: _("logic"),
    Cause.LATENCY: _("latency"),
    Cause.SLIPPAGE: _("slippage"),
    Cause.MISSED: _("missed"),
    Cause.FUNDING: _("funding"),
    Cause.BY_HAND: _("by hand"),
}
FIELDS: Final[dict[str, Any]] = {
    "reason": _("reason"),
    "at": _("time"),
    "price": _("price"),
    "funding": _("funding"),
    "quantity": _("quantity"),
    "commission": _("fee"),
    "commission_is_base": _("fee"),
}


@dataclass(frozen=True)
class DifferenceLine:
    """One difference; a side that made no such trade is None."""

    at: datetime
    cause: Any
    meaning: Any
    fields: list[Any]
    live: dict[str, Any] | None
    backtest: dict[str, Any] | None


@dataclass(frozen=True)
class CauseLine:
    name: Any
    meaning: Any
    count: int


@dataclass(frozen=True)
class ParityPanel:
    """The last comparison; `more` differences are not listed."""

    check: ParityCheck
    lines: list[DifferenceLine]
    causes: list[CauseLine]
    more: int
    signals_at: list[datetime]


def parity_of(bot: BotConfig) -> ParityPanel:
    """Before the first comparison, an empty one."""
    check = ParityCheck.objects.filter(bot_config=bot).first() or ParityCheck(bot_config=bot)
    lines = [_line(row) for row in check.differences[:SHOWN]]
    causes = [
        CauseLine(CAUSES[cause], MEANINGS[cause], check.causes[cause])
        for cause in Cause
        if cause in check.causes
    ]
    more = sum(check.causes.values()) - len(lines)
    return ParityPanel(check, lines, causes, more, [instant_of(at) for at in check.signals_apart[:SHOWN]])


def _line(row: dict[str, Any]) -> DifferenceLine:
    return DifferenceLine(
        at=instant_of(row["at_ms"]),
        cause=CAUSES[row["cause"]],
        meaning=MEANINGS[row["cause"]],
        fields=[FIELDS[name] for name in row["fields"]],
        live=row["live"],
        backtest=row["backtest"],
    )
