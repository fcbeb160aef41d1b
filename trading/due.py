"""Which bots are due: managed ones whose timeframe closed a candle they have not seen, by their venue's own time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import live
from bots.lifecycle import fail
from bots.models import BotConfig, BotState
from bots.standing import PRICE_FETCH, Standing, rows_in
from engine.market import INTERVAL_MS, last_closed_opening
from exchange.connect import VenueNotAvailable, market_data
from exchange.instants import instant_of
from exchange.port import ExchangeError, Rejected
from trading.models import Order

logger = structlog.get_logger(__name__)

SAME_EYES = ("position_type", "symbol", "timeframe", "strategy", "strategy_params")


def managed() -> Q:
    """Active, in a position, or with an order whose end is still to come (SPEC §4.3)."""
    unsettled = Order.objects.unsettled().filter(bot_config_id=OuterRef("pk"))
    return Q(is_active=True) | Q(state__in_position=True) | Q(Exists(unsettled))


def paused_before(day: date) -> Q:
    """Paused by a daily limit of a day before: the run that finds them rolls the day, and they enter again."""
    rested = BotState.objects.filter(rows_in(Standing.PAUSED_TODAY), counters_date__lt=day)
    return Q(pk__in=rested.values("pk"))


def due_bots() -> list[int]:
    """Ids of the bots to run now, those that look at the same candles with the same eyes beside each other. A venue
    that does not answer is shown on its bots, and tried again next time."""
    rows = BotConfig.objects.filter(managed() | paused_before(date.max), archived_at__isnull=True)
    found: list[int] = []
    for venue in sorted(set(rows.values_list("api_key__venue", flat=True))):
        at_venue = rows.filter(api_key__venue=venue)
        try:
            now_ms = market_time_ms(venue, at_venue.values_list("symbol", flat=True))
        except (ExchangeError, VenueNotAvailable) as error:
            logger.warning("venue_away", venue=venue, cause=str(error))
            _show_away(at_venue.filter(managed()).values_list("pk", flat=True), str(error))
            continue
        today = instant_of(now_ms).date()
        due = at_venue.filter(managed() | paused_before(today), _has_unseen_candle(now_ms))
        found += due.order_by(*SAME_EYES, "pk").values_list("pk", flat=True)
    return found


def market_time_ms(venue: str, symbols: Iterable[str]) -> int:
    """The venue's market time, by the first of these symbols that it knows. Raises ExchangeError."""
    refusal: Rejected | None = None
    for symbol in sorted(set(symbols)):
        try:
            return market_data(venue).market_time_ms(symbol)
        except Rejected as refused:
            logger.warning("symbol_without_time", venue=venue, symbol=symbol, cause=str(refused))
            refusal = refused
    raise refusal or VenueNotAvailable(f"No symbol was given to ask “{venue}” for its time.")


def _has_unseen_candle(now_ms: int) -> Q:
    never_ran = Q(state__last_candle_open_ms__isnull=True)
    behind = Q(pk__in=[])
    for timeframe in INTERVAL_MS:
        newest = last_closed_opening(now_ms, timeframe)
        behind |= Q(timeframe=timeframe, state__last_candle_open_ms__lt=newest)
    return never_ran | behind


def _show_away(bot_ids: Iterable[int], message: str) -> None:
    for state in BotState.objects.filter(pk__in=bot_ids).select_related("bot_config"):
        with transaction.atomic():
            if fail(state, message, PRICE_FETCH):
                tell = partial(live.publish, state.bot_config.user_id, f"bot-{state.pk}", "dashboard")
                transaction.on_commit(tell)
