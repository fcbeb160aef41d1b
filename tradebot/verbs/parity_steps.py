"""Steps a market from opening to opening, and never releases it before everything is as it should be (SPEC §5a):
nothing due, planned, sending or unknown, every position protected as it now wants, no triggered stop unfilled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import psycopg

from engine.market import INTERVAL_MS
from exchange.sandbox.control import ControlClient

GIVE_UP_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 0.004
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
DAILY_PAUSES: Final = ["max_daily_trades reached", "max_daily_loss reached", "daily target reached"]

# One row: bots that have not looked at their last closed candle or still have their day to roll; orders on their way;
# positions that are being changed or do not stand as they want to.
UNREST: Final = """
WITH closed AS (SELECT * FROM unnest(%(timeframes)s::text[], %(openings)s::bigint[]) AS closed(timeframe, open_ms)),
     alive AS (SELECT * FROM trading_order WHERE state NOT IN ('filled', 'rejected', 'dropped', 'expired', 'canceled'))
SELECT
    (SELECT count(*) FROM bots_botstate state JOIN bots_botconfig bot ON bot.id = state.bot_config_id
        JOIN closed USING (timeframe)
        WHERE bot.id = ANY(%(bots)s)
          AND (bot.is_active OR state.in_position) AND state.last_candle_open_ms IS DISTINCT FROM closed.open_ms)
  + (SELECT count(*) FROM bots_botstate state WHERE state.bot_config_id = ANY(%(bots)s) AND state.status = 'paused'
        AND state.status_detail = ANY(%(pauses)s) AND state.counters_date < %(today)s::date) AS due,
    (SELECT count(*) FROM alive WHERE state <> 'open' OR cancel_wanted_at IS NOT NULL OR triggered_at IS NOT NULL
        OR purpose NOT IN ('stop', 'target')) AS moving,
    (SELECT count(*) FROM trading_position position WHERE closed_at IS NULL AND (
        action <> '' OR unprotected_since IS NOT NULL
        OR stop_price IS NOT NULL AND NOT EXISTS (SELECT FROM alive
            WHERE position_id = position.id AND purpose = 'stop' AND alive.stop_price = position.stop_price)
        OR target_price IS NOT NULL AND NOT EXISTS (SELECT FROM alive
            WHERE position_id = position.id AND purpose = 'target' AND alive.price = position.target_price)
    )) AS unlike
"""
WHO: Final = """
SELECT bot.name, state.status, state.status_detail, state.last_candle_open_ms, state.last_error_message
FROM bots_botstate state JOIN bots_botconfig bot ON bot.id = state.bot_config_id
WHERE bot.id = ANY(%s) AND bot.is_active ORDER BY state.last_candle_open_ms LIMIT 5
"""


class Stuck(RuntimeError):
    """The market may not be released: something does not come to rest."""


class Steps:
    """The market of one instance and the bots that trade on it."""

    def __init__(
        self, control: ControlClient, database: psycopg.Connection[Any], bots: Iterable[int]
    ) -> None:
        self.control = control
        self.database = database
        self.bots = list(bots)
        self.seconds: list[float] = []

    def run(self, candles: int, *, tell: Callable[[int], None]) -> int:
        """Release so many candles, one by one; the market time at which it stands then."""
        market_ms = int(self.control.clock()["market_ms"])
        self.wait_for_rest(market_ms)
        for number in range(1, candles + 1):
            began = time.monotonic()
            market_ms = int(self.control.advance()["market_ms"])
            self.wait_for_rest(market_ms)
            self.seconds.append(time.monotonic() - began)
            tell(number)
        return market_ms

    def wait_for_rest(self, market_ms: int) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while any(unrest := self.unrest(market_ms)):
            if time.monotonic() > give_up_at:
                raise Stuck(f"No rest at {market_ms}: due, moving, unlike = {unrest}; {self.who()}")
            time.sleep(LOOK_EVERY_SECONDS)

    def unrest(self, market_ms: int) -> tuple[Any, ...]:
        values = {
            "bots": self.bots,
            "pauses": DAILY_PAUSES,
            "timeframes": list(INTERVAL_MS),
            "openings": [market_ms // length * length - length for length in INTERVAL_MS.values()],
            "today": time.strftime("%Y-%m-%d", time.gmtime(market_ms // 1000)),
        }
        row = self.database.execute(UNREST, values).fetchone()
        assert row is not None
        return tuple(row)

    def who(self) -> list[tuple[Any, ...]]:
        return self.database.execute(WHO, [self.bots]).fetchall()
