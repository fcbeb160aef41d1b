"""The one writer: clock, market, state and journal of a running sandbox, and the only way to change any of them.

All calls come from one thread. A command is committed before it is applied; a refused one leaves no trace.
"""

import secrets
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.sandbox.clock import MarketClock
from exchange.sandbox.commands import At, Command, OpenAccount, PlaceList, PlaceOrder, RevokeKey, Walk
from exchange.sandbox.credentials import uid_of
from exchange.sandbox.faults import Faults
from exchange.sandbox.filters import filters_of
from exchange.sandbox.journal import SNAPSHOT_EVERY, Journal
from exchange.sandbox.limits import Limits, LimitsInForce, OrderCounts
from exchange.sandbox.market import TRADING, WEEK_MS, Market
from exchange.sandbox.positioning import Placement, choose_shift
from exchange.sandbox.state import Order, OrderList
from exchange.sandbox.tape import load_exchange_info, load_tapes, recorded_digests
from exchange.sandbox.venue import OPENING_BALANCES, Event, advance, decide, evolve, is_due
from exchange.sandbox.world import World

Wall = Callable[[], int]  # µs since 1970, UTC
Listener = Callable[[list[Event], At], None]
_ID_ALPHABET = string.ascii_letters + string.digits


def wall_us() -> int:
    return time.time_ns() // 1000


class Desk:
    """A sandbox without its network. `placement` is set when this start chose the shift."""

    def __init__(
        self,
        folder: Path,
        *,
        mode: str = "real",
        start_ms: int | None = None,
        snapshot_every: int = SNAPSHOT_EVERY,
        wall: Wall = wall_us,
        limits: Limits | None = None,
    ):
        self._wall = wall
        self.journal = Journal(folder, snapshot_every=snapshot_every)
        self.placement: Placement | None = None
        self.journal.hold_to_recording(recorded_digests())
        tapes = load_tapes()
        self.info = load_exchange_info()
        self.market = Market(tapes, self._shift_weeks(tapes, start_ms))
        self.clock = self._first_clock(mode, start_ms)
        self.world = World(
            filters={entry["symbol"]: filters_of(entry) for entry in self.info["symbols"]},
            price_e8=self.market.price_e8,
            average_e8=self.market.average_e8,
            is_trading=lambda symbol, at_ms: self.market.status(symbol, at_ms) == TRADING,
            first_touch=lambda symbol, after_ms, level, rising: self.market.first_touch(
                symbol, after_ms, level, rising=rising
            ),
        )
        self.faults = Faults(
            self.journal.fact("faults") or [], lambda rules: self.journal.record_fact("faults", rules)
        )
        self.state = self.journal.restore(self.world)
        self._hidden_until_us: dict[tuple[str, int], int] = {}
        self.limits = LimitsInForce(
            limits or Limits(),
            self.journal.fact("limits"),
            lambda kept: self.journal.record_fact("limits", kept),
        )
        self.order_counts = OrderCounts(self.limits)
        self.listeners: list[Listener] = [self.order_counts.hear]

    def close(self) -> None:
        self.journal.take_snapshot(self.state)
        self.journal.close()

    def _shift_weeks(self, tapes: dict[str, Any], start_ms: int | None) -> int:
        """Chosen once, kept for ever: a candle once served never changes."""
        weeks: int | None = self.journal.fact("shift_weeks")
        if weeks is None:
            wanted_ms = self._wall() // 1000 if start_ms is None else start_ms
            if all(tape.first_open_ms <= wanted_ms < tape.end_ms for tape in tapes.values()):
                weeks = 0
            else:
                self.placement = choose_shift(tapes, wanted_ms)
                weeks = self.placement.weeks
            self.journal.record_fact("shift_weeks", weeks)
        return weeks

    def _first_clock(self, mode: str, start_ms: int | None) -> MarketClock:
        kept = self.journal.fact("clock")
        if kept is not None:
            return MarketClock(**kept)
        server_ms = self._wall() // 1000
        market_ms = server_ms if start_ms is None else start_ms
        clock = MarketClock("real", 1.0, server_ms, market_ms).switched(mode, server_ms, market_ms=market_ms)
        self.journal.record_fact("clock", clock.as_dict())
        return clock

    def now(self) -> At:
        """Both clocks; market time has been walked up to this instant, and what rested in its way has filled."""
        server_us = self._wall()
        market_ms = max(self.state.market_ms, self.clock.market_ms(server_us // 1000))
        at = At(server_us=server_us, market_ms=market_ms)
        if is_due(self.state, self.world, market_ms):
            self.journal.record(Walk(), at)
        self._tell(advance(self.state, self.world, market_ms, server_us=server_us), at)
        return at

    def tick(self) -> None:
        """Walks the market to now, so that what it does is told although nobody asks."""
        self.now()

    def _tell(self, events: list[Event], at: At) -> None:
        """Listeners hear of events that are on disk and in the state, in their order."""
        if events:
            for listener in self.listeners:
                listener(events, at)

    def set_clock(
        self, *, mode: str | None = None, speed: float = 1.0, advance_candles: int | None = None
    ) -> None:
        at, clock = self.now(), self.clock
        if mode is not None and (mode, speed) != (clock.mode, clock.speed):
            clock = clock.switched(mode, at.server_us // 1000, speed=speed, market_ms=at.market_ms)
        if advance_candles is not None:
            clock = clock.advanced(advance_candles)
        if clock != self.clock:
            self.journal.record_fact("clock", clock.as_dict())
            self.clock = clock

    def clock_report(self) -> dict[str, Any]:
        at = self.now()
        tapes = self.market.tapes.values()
        return {
            "mode": self.clock.mode,
            "speed": self.clock.speed,
            "market_ms": at.market_ms,
            "server_ms": at.server_us // 1000,
            "shift_weeks": self.market.shift_ms // WEEK_MS,
            "recording_from": min(tape.first_open_ms for tape in tapes),
            "recording_to": max(tape.end_ms for tape in tapes),
        }

    def execute(self, command: Command, at: At) -> None:
        """Check, commit, apply. Raises errors.Refused when the venue says no."""
        events = decide(self.state, command, at, self.world)
        if not events:
            return
        self.journal.record(command, at)
        evolve(self.state, events)
        if self.journal.is_snapshot_due():
            self.journal.take_snapshot(self.state)
        self._tell(events, at)

    def check(self, command: Command, at: At) -> None:
        """Everything but the execution (order/test)."""
        decide(self.state, command, at, self.world)

    def place(self, command: PlaceOrder, at: At) -> Order:
        self.execute(command, at)
        return self.state.orders[-1]

    def place_list(self, command: PlaceList, at: At) -> OrderList:
        self.execute(command, at)
        return self.state.lists[-1]

    def open_account(self, api_key: str, at: At) -> int:
        """The key's account; its first use opens it with the opening balance."""
        uid = uid_of(api_key)
        if uid not in self.state.accounts:
            self.execute(OpenAccount(uid=uid, api_key=api_key, balances=dict(OPENING_BALANCES)), at)
        return uid

    def revoke_key(self, api_key: str, at: At) -> None:
        self.execute(RevokeKey(api_key=api_key), at)

    def hide_order(self, order: Order, ms: int) -> None:
        self._hidden_until_us[order.symbol, order.order_id] = self._wall() + ms * 1000

    def is_hidden(self, symbol: str, order_id: int) -> bool:
        until_us = self._hidden_until_us.get((symbol, order_id))
        return until_us is not None and self._wall() < until_us


def new_client_order_id() -> str:
    """What Binance makes up when the caller names none."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(22))
