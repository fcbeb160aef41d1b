"""The daily reset: the same rolling of the day that every run does, for the bots no run has reached."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.db.models import Q

from bots.lifecycle import RolledDay, roll_day
from bots.models import BotState
from exchange.connect import VenueNotAvailable
from exchange.instants import instant_of
from exchange.port import ExchangeError
from trading.due import market_time_ms

logger = structlog.get_logger(__name__)


def reactivate_bots() -> RolledDay:
    """Roll every bot to the UTC day of its venue's market time. Order and repetition do not matter."""
    rolled = 0
    reactivated: list[int] = []
    states = BotState.objects.filter(bot_config__archived_at__isnull=True)
    for venue in sorted(set(states.values_list("bot_config__api_key__venue", flat=True))):
        at_venue = states.filter(bot_config__api_key__venue=venue)
        try:
            now_ms = market_time_ms(venue, at_venue.values_list("bot_config__symbol", flat=True))
        except (ExchangeError, VenueNotAvailable) as error:
            # Each bot's next run rolls its day before it decides, so nothing is lost.
            logger.warning("venue_away", venue=venue, cause=str(error))
            continue
        with transaction.atomic():
            of_venue = BotState.objects.filter(pk__in=at_venue.values("pk"))
            today = instant_of(now_ms).date()
            # Whoever takes more than one state row takes them in the order of their keys.
            behind = of_venue.filter(Q(counters_date__isnull=True) | Q(counters_date__lt=today))
            locked = list(behind.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
            done = roll_day(BotState.objects.filter(pk__in=locked), today)
        rolled += done.rolled
        reactivated += done.reactivated
    return RolledDay(rolled, tuple(reactivated))
