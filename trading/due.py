"""Which bots are due: managed ones whose timeframe closed a candle they have not seen, by their venue's own time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import live
from bots.lifecycle import fail
from bots.models import BotConfig, BotState
from bots.standing import PRICE_FETCH
from engine.market import INTERVAL_MS, last_closed_opening
from exchange.connect import VenueNotAvailable, market_data
from exchange.port import ExchangeError, Rejected
from trading.models import Order

logger = structlog.get_logger(__name__)


def managed() -> Q:
    """Active, in a position, or with an order whose end is still to come (SPEC §4.3)."""
    unsettled = Order.objects.unsettled().filter(bot_config_id=OuterRef("pk"))
    return Q(is_active=True) | Q(state__in_position=True) | Q(Exists(unsettled))


def due_bots() -> list[int]:
    """Ids of the bots to run now. A venue that does not answer is shown on its bots, and tried again next time."""
    rows = BotConfig.objects.filter(managed(), archived_at__isnull=True)
    found: list[int] = []
    for venue in sorted(set(rows.values_list("api_key__venue", flat=True))):
        at_venue = rows.filter(api_key__venue=venue)
        try:
            now_ms = market_time_ms(venue, at_venue.values_list("symbol", flat=True))
        except (ExchangeError, VenueNotAvailable) as error:
            logger.warning("venue_away", venue=venue, cause=str(error))
            _show_away(at_venue.values_list("pk", flat=True), str(error))
            continue
        found += at_venue.filter(_has_unseen_candle(now_ms)).order_by("pk").values_list("pk", flat=True)
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
