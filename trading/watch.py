"""Watches prices for open positions: one whose stop or target the price has reached is asked about and tended at once.

The exchange fills what stands there by itself; this finds out sooner, and covers what does not stand there yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from django.db import connection

from exchange.models import Market
from trading.orders.protection import HEAR_TASK
from trading.waking import queue

# A position stays beyond its stop until it is closed: once a second is often enough.
AGAIN_SECONDS: Final = 1.0

_REACHED: Final = """
SELECT position.id
FROM trading_position AS position
JOIN bots_botconfig AS bot ON bot.id = position.bot_config_id
JOIN accounts_apikey AS key ON key.id = bot.api_key_id
JOIN unnest(%(symbols)s::text[], %(prices)s::bigint[]) AS last(symbol, price_e8) ON last.symbol = bot.symbol
WHERE position.closed_at IS NULL AND key.venue = %(venue)s AND bot.position_type = %(market)s
  AND CASE WHEN position.side = 'long'
      THEN last.price_e8 <= position.stop_price * 100000000 OR last.price_e8 >= position.target_price * 100000000
      ELSE last.price_e8 >= position.stop_price * 100000000 OR last.price_e8 <= position.target_price * 100000000
      END
ORDER BY position.id
"""


def reached(venue: str, prices_e8: Mapping[str, int]) -> list[int]:
    """Open positions on these symbols whose stop or target lies at or behind the symbol's price."""
    with connection.cursor() as cursor:
        cursor.execute(
            _REACHED,
            {
                "symbols": list(prices_e8),
                "prices": list(prices_e8.values()),
                "venue": venue,
                "market": Market.SPOT,
            },
        )
        return [position_id for (position_id,) in cursor.fetchall()]


class Watch:
    """Remembers whom it has woken a moment ago."""

    def __init__(self, venue: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._venue = venue
        self._monotonic = monotonic
        self._woken_at: dict[int, float] = {}

    def look(self, prices_e8: Mapping[str, int]) -> list[int]:
        """Queue the tending of every position that has reached a price; which ones."""
        now = self._monotonic()
        self._woken_at = {at: when for at, when in self._woken_at.items() if now - when < AGAIN_SECONDS}
        fresh = [found for found in reached(self._venue, prices_e8) if found not in self._woken_at]
        self._wake(fresh, now)
        return fresh

    def _wake(self, position_ids: Iterable[int], now: float) -> None:
        for position_id in position_ids:
            self._woken_at[position_id] = now
            queue(HEAR_TASK, position_id)
