"""What is true afterwards: the database asked directly, the market's own records, and the audit of both."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from engine.orders import IN_FLIGHT_STATES
from exchange.sandbox.control import ControlClient
from tradebot.verbs.chaos_naked import Naked, Span, naked_stretches
from tradebot.verbs.own_instance import OwnInstance, json_of

BOTS_WITHIN_SECONDS = 60.0
ORDERS_WITHIN_SECONDS = 150.0
BOOKS_WITHIN_SECONDS = 45.0
MINUTE_MS = 60_000
BEHIND_CANDLES = 4
# Stops and targets of open positions are at the exchange to stay.
OPEN_ORDERS = """
    SELECT count(*) FROM trading_order ord LEFT JOIN trading_position pos ON pos.id = ord.position_id
    WHERE ord.state = ANY(%s) AND NOT (
        ord.state = 'open' AND ord.purpose IN ('stop', 'target')
        AND ord.cancel_wanted_at IS NULL AND pos.closed_at IS NULL
    )
"""
CLOSING_POSITIONS = "SELECT count(*) FROM trading_position WHERE closed_at IS NULL AND action <> ''"
# Active one-minute bots that do not work, or that have not looked at the market for some candles.
IDLE_BOTS = """
    SELECT count(*) FROM bots_botconfig bot JOIN bots_botstate state ON state.bot_config_id = bot.id
    WHERE bot.is_active AND bot.timeframe = '1m'
      AND NOT (state.status = 'paused' AND state.status_detail = 'circuit breaker')
      AND (state.status NOT IN ('pending', 'running', 'waiting') OR state.last_candle_open_ms < %s)
"""
WANTING_A_STOP = """
    SELECT id FROM bots_botconfig WHERE stop_loss_perc IS NOT NULL OR trailing_stop_perc IS NOT NULL
"""
# When an order had no known end: from its sending until it was settled, or until asking has long told.
# Both legs of a list are one request.
UNKNOWN_SPANS = """
    SELECT DISTINCT ON (bot_config_id, coalesce(nullif(list_client_order_id, ''), client_order_id))
        bot_config_id, extract(epoch FROM claimed_at)::float,
        extract(epoch FROM least(coalesce(settled_at, 'infinity'), unknown_at + interval '20 seconds'))::float
    FROM trading_order WHERE unknown_at IS NOT NULL
"""
ORDER_STATES = "SELECT state, count(*) FROM trading_order GROUP BY state"


@dataclass(frozen=True)
class Findings:
    """`audit` as `audit_fills --json` says it; `duplicates` counts client ids the market executed more than once."""

    audit: dict[str, int]
    faults: dict[str, int]
    order_states: dict[str, int]
    orders: int
    duplicates: int
    stuck_orders: int
    stuck_bots: int
    naked: tuple[Naked, ...] = ()


class Witness:
    """Asks database and market of one instance."""

    def __init__(self, instance: OwnInstance, control: ControlClient) -> None:
        self.instance = instance
        self.control = control

    def wait_for_bots(self, market_ms: Callable[[], int]) -> int:
        """Bots that still do not work after a fair time; 0 as soon as all do."""

        def count_idle() -> int:
            behind_ms = market_ms() - BEHIND_CANDLES * MINUTE_MS
            return self.count(IDLE_BOTS, [behind_ms])

        return wait_for_none(count_idle, BOTS_WITHIN_SECONDS)

    def wait_for_orders(self) -> int:
        """Orders without an end, and exits still to be made, after a fair time; 0 as soon as there are none."""
        states = sorted(IN_FLIGHT_STATES)
        return wait_for_none(
            lambda: self.count(OPEN_ORDERS, [states]) + self.count(CLOSING_POSITIONS, []),
            ORDERS_WITHIN_SECONDS,
        )

    def wait_for_books(self) -> int:
        """Differences between the books and a market that stands still, after a fair time; 0 as soon as there are
        none. A stop that is filled as the market comes to stand is heard of a little later."""

        def count_differences() -> int:
            audit = json_of(self.instance.manage("audit_fills", "--json"))
            return sum(count for name, count in audit.items() if name != "fills")

        return wait_for_none(count_differences, BOOKS_WITHIN_SECONDS)

    def findings(
        self, faults: dict[str, int], *, stuck_bots: int, stuck_orders: int, down: Sequence[Span]
    ) -> Findings:
        audit = json_of(self.instance.manage("audit_fills", "--json"))
        naked = self.naked(down)
        theirs = self.control.orders()
        times = Counter((row["uid"], row["clientOrderId"]) for row in theirs)
        return Findings(
            audit=audit,
            faults=faults,
            order_states=dict(self.rows(ORDER_STATES, [])),
            orders=len(theirs),
            duplicates=sum(count > 1 for count in times.values()),
            stuck_orders=stuck_orders,
            stuck_bots=stuck_bots,
            naked=tuple(naked),
        )

    def naked(self, down: Sequence[Span]) -> list[Naked]:
        """Every stretch in which a position that wanted a stop had none at the exchange."""
        unknown: dict[int, list[Span]] = defaultdict(list)
        for bot_id, began, ended in self.rows(UNKNOWN_SPANS, []):
            unknown[bot_id].append((began, ended))
        wanting = [row[0] for row in self.rows(WANTING_A_STOP, [])]
        read_at = time.time()
        return naked_stretches(
            self.control.orders(),
            self.control.fills(),
            wanting=wanting,
            unknown=unknown,
            down=down,
            until=read_at,
        )

    def count(self, query: str, values: Sequence[Any]) -> int:
        return int(self.rows(query, values)[0][0])

    def rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.instance.records["database_url"], connect_timeout=5) as connection:
            return connection.execute(query.encode(), values).fetchall()


def wait_for_none(count: Callable[[], int], within_seconds: float) -> int:
    give_up_at = time.monotonic() + within_seconds
    while (left := count()) and time.monotonic() < give_up_at:
        time.sleep(0.5)
    return left
