"""What follows the close of a candle: it is stored, and the bots that wait for it are woken, in chunks, at once.

Only a hurry-up: a close heard twice wakes bots that have nothing new, one not heard is found by the schedule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import reduce
from itertools import batched
from operator import or_
from typing import Final

import structlog
from django.db.models import Q, QuerySet

from bots.models import BotConfig
from engine.market import last_closed_opening
from exchange import candles
from exchange.connect import market_data
from exchange.feed.events import KlineEvent, SeriesName
from exchange.models import Market, SymbolInfo
from exchange.port import ExchangeError
from exchange.symbols import DELISTED
from trading.due import managed, market_time_ms
from trading.waking import queue

logger = structlog.get_logger(__name__)

RUN_ALONE: Final = "trading.run_bot_task"
RUN_CHUNK: Final = "trading.run_bots_chunk"
# A chunk saves work where there are many; so few are quicker each for itself.
FEW: Final = 8
LARGEST_CHUNK: Final = 500
# A close is worked on by this many at once: the worker's children.
LANES: Final = 2
# What a new connection makes sure of; a run itself fetches all that it looks at.
CANDLES_CHECKED: Final = 60


def wanted_series(venue: str) -> frozenset[SeriesName]:
    """(symbol, timeframe) of every managed bot on symbols that the venue lists."""
    listed = SymbolInfo.objects.filter(venue=venue, market=Market.SPOT).exclude(status=DELISTED)
    rows = _managed_at(venue).filter(symbol__in=listed.values("symbol"))
    return frozenset(rows.values_list("symbol", "timeframe").distinct())


def take_closes(venue: str, events: Iterable[KlineEvent]) -> int:
    """Store these closed candles and wake who waits for them; how many bots that are."""
    closed = {(event.symbol, event.interval, event.candle.open_ms): event for event in events}
    source = candles.source_of(venue)
    candles.insert_newest(
        [
            (candles.Series(source, Market.SPOT, event.symbol, event.interval), event.candle)
            for event in closed.values()
        ]
    )
    return wake_waiting(venue, closed)


def catch_up(venue: str, series: Collection[SeriesName]) -> int:
    """Ask for what may have closed unheard, and wake who waits for it; how many bots that are."""
    if not series:
        return 0
    try:
        now_ms = market_time_ms(venue, [symbol for symbol, _ in series])
        found = [(symbol, interval, last_closed_opening(now_ms, interval)) for symbol, interval in series]
        # First those who wait: they fetch what they look at. Then the rest, so that the store has no holes.
        woken = wake_waiting(venue, found)
        for symbol, interval, open_ms in found:
            _fetch(venue, symbol, interval, open_ms)
    except ExchangeError as error:
        # Whoever runs meanwhile says so on its bot.
        logger.warning("not_caught_up", venue=venue, series=len(series), cause=str(error))
        return 0
    return woken


def wake_waiting(venue: str, closed: Iterable[tuple[str, str, int]]) -> int:
    """Queue runs for the managed bots of these (symbol, timeframe, opening) that have not seen that candle."""
    by_close: dict[tuple[str, int], list[str]] = defaultdict(list)
    for symbol, interval, open_ms in closed:
        by_close[interval, open_ms].append(symbol)
    if not by_close:
        return 0
    waiting = reduce(
        or_,
        (
            Q(timeframe=interval, symbol__in=symbols)
            & (Q(state__last_candle_open_ms__lt=open_ms) | Q(state__last_candle_open_ms__isnull=True))
            for (interval, open_ms), symbols in by_close.items()
        ),
    )
    due = list(_managed_at(venue).filter(waiting).order_by("pk").values_list("pk", flat=True))
    if len(due) <= FEW:
        for bot_id in due:
            queue(RUN_ALONE, bot_id)
    else:
        for chunk in chunks_of(due):
            queue(RUN_CHUNK, chunk)
    return len(due)


def chunks_of(bot_ids: list[int]) -> Iterable[list[int]]:
    """Even parts, one for each lane, none too large to be one transaction's work."""
    if not bot_ids:
        return ()
    size = min(LARGEST_CHUNK, -(-len(bot_ids) // LANES))
    return (list(part) for part in batched(bot_ids, size))


def _managed_at(venue: str) -> QuerySet[BotConfig]:
    return BotConfig.objects.filter(
        managed(), archived_at__isnull=True, api_key__venue=venue, position_type=Market.SPOT
    )


def _fetch(venue: str, symbol: str, interval: str, open_ms: int) -> None:
    candles.sync(
        market_data(venue),
        candles.source_of(venue),
        Market.SPOT,
        symbol,
        interval,
        count=CANDLES_CHECKED,
        until_open_ms=open_ms,
    )
