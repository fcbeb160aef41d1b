"""What a chunk of bots sees of the market: a series read once, signals computed once per strategy and parameters.

No lock is held here. Trouble with one series or one strategy stays with the bots it belongs to; the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

import structlog
from django.db.models import TextField
from django.db.models.functions import Cast

from bots.models import BotConfig
from engine.decide import Bar
from engine.indicators import computing_once
from engine.market import last_closed_opening
from engine.rules import SymbolRules
from engine.strategies import Strategy, parse_params, strategy
from exchange.instants import instant_of
from exchange.port import ExchangeError, Rejected
from trading.broken_runs import PASSES
from trading.chunk_rows import among
from trading.due import market_time_ms
from trading.market_view import SeriesView, look_at_series

logger = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """A bot as it was before anything was locked: where it looks, and with which eyes."""

    pk: int
    venue: str
    market: str
    symbol: str
    timeframe: str
    strategy: str
    params: str
    version: int
    seen_ms: int | None

    @property
    def series(self) -> tuple[str, str, str, str]:
        return self.venue, self.market, self.symbol, self.timeframe

    def is_behind(self, newest_open_ms: int) -> bool:
        return self.seen_ms is None or self.seen_ms < newest_open_ms


@dataclass(frozen=True)
class Glance:
    """The last closed candle with a strategy's word on it, as one version of a bot sees it."""

    version: int
    bar: Bar
    close_e8: int
    rules: SymbolRules
    rules_version: int
    # The UTC day of the opening acted at.
    acts_on: date


@dataclass
class Sight:
    """`blind` bots found no closed candle they had not seen; `away` says of which bots the exchange did not answer;
    `odd` ones met another trouble, which a run of their own shows them."""

    glances: dict[int, Glance] = field(default_factory=dict)
    blind: list[int] = field(default_factory=list)
    away: list[tuple[list[int], ExchangeError]] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)


def wanted_bots(bot_ids: Iterable[int]) -> list[Wanted]:
    """Those that still exist, sorted so that who shares a series and a strategy stands together."""
    rows = BotConfig.objects.filter(among("bots_botconfig.id", bot_ids), archived_at__isnull=True).values_list(
        "pk", "api_key__venue", "position_type", "symbol", "timeframe", "strategy",
        # As PostgreSQL spells it: the same parameters, the same text.
        Cast("strategy_params", TextField()), "version", "state__last_candle_open_ms",
    )  # fmt: skip
    return sorted(map(Wanted._make, rows), key=lambda bot: bot[1:7])


def look_for_all(wanted: list[Wanted]) -> Sight:
    """`wanted` as `wanted_bots` sorts it. Raises what concerns everybody: the database away, no time left."""
    sight = Sight()
    for venue, bots in _together(wanted, lambda bot: bot.venue):
        with _Trouble(sight, bots):
            now_ms = market_time_ms(venue, {bot.symbol for bot in bots})
            for of, same_series in _together(bots, lambda bot: bot.series):
                newest = last_closed_opening(now_ms, of[3])
                behind = [bot for bot in same_series if bot.is_behind(newest)]
                sight.blind += [bot.pk for bot in same_series if not bot.is_behind(newest)]
                _look_at(of, behind, now_ms, sight)
    return sight


class _Eyes(NamedTuple):
    """A strategy with its parameters, the candles it asks for, and the bots that see by it."""

    chosen: Strategy
    params: Any
    needed: int
    bots: list[Wanted]


def _look_at(of: tuple[str, str, str, str], bots: list[Wanted], now_ms: int, sight: Sight) -> None:
    """One series, for every strategy that looks at it."""
    eyes = list(_all_eyes(bots, sight))
    everyone = [bot for same_eyes in eyes for bot in same_eyes.bots]
    if not everyone:
        return
    with _Trouble(sight, everyone), computing_once():
        seen = look_at_series(*of, now_ms=now_ms, count=max(same_eyes.needed for same_eyes in eyes))
        if seen is None:
            sight.blind += [bot.pk for bot in everyone]
            return
        parts = {same_eyes.needed: seen.newest(same_eyes.needed) for same_eyes in eyes}
        for chosen, params, needed, same_eyes in eyes:
            with _Trouble(sight, same_eyes):
                _glance(parts[needed], chosen.signals(parts[needed].candles, params), same_eyes, sight)


def _all_eyes(bots: list[Wanted], sight: Sight) -> Iterator[_Eyes]:
    for (name, text), same_eyes in _together(bots, lambda bot: (bot.strategy, bot.params)):
        with _Trouble(sight, same_eyes):
            chosen, params = strategy(name), parse_params(name, json.loads(text))
            # One candle more than a window, as a bot reads it that has missed none.
            yield _Eyes(chosen, params, chosen.window(params) + 1, same_eyes)


def _glance(part: SeriesView, signals: Any, bots: list[Wanted], sight: Sight) -> None:
    last = len(part.candles) - 1
    bar, close_e8 = part.bar(signals, last), int(part.candles.close[last])
    day = instant_of(bar.acts_at_ms).date()
    of = (part.rules, part.rules_version, day)
    by_version = {bot.version: Glance(bot.version, bar, close_e8, *of) for bot in bots}
    sight.glances |= {bot.pk: by_version[bot.version] for bot in bots}


def _together[K](bots: list[Wanted], key: Callable[[Wanted], K]) -> Iterator[tuple[K, list[Wanted]]]:
    for value, group in groupby(bots, key):
        yield value, list(group)


class _Trouble:
    """Keeps what goes wrong inside with these bots, except what concerns everybody: no database, no time left."""

    def __init__(self, sight: Sight, bots: list[Wanted]) -> None:
        self.sight, self.bots = sight, bots

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        bot_ids = [bot.pk for bot in self.bots]
        if isinstance(error, ExchangeError) and not isinstance(error, Rejected):
            self.sight.away.append((bot_ids, error))
            return True
        if isinstance(error, Rejected) or (isinstance(error, Exception) and not isinstance(error, PASSES)):
            logger.warning("chunk_trouble", bot_config_ids=bot_ids, cause=f"{type(error).__name__}: {error}")
            self.sight.odd += bot_ids
            return True
        return False
