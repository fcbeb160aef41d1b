"""How much one address may ask and one account may order, on server time: counted, told in headers, enforced.

One machine is one address, so the product runs with limits far above Binance's; contract tests set the recorded ones.
Counts live in memory: a restart begins from nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from exchange.sandbox import errors
from exchange.sandbox.commands import At
from exchange.sandbox.state import Order, Trade

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
TEN_SECONDS_US, DAY_US = 10 * SECOND_US, 24 * 60 * MINUTE_US
STRIKES_BEFORE_BAN = 20
FIRST_BAN_S, LONGEST_BAN_S = 120, 3 * 24 * 3_600


class LimitError(ValueError):
    """The wish for limits makes no sense; the message says why."""


@dataclass(frozen=True)
class Limits:
    """Request weight per address and minute; unfilled orders per account and interval."""

    weight_per_minute: int = 600_000
    orders_per_10s: int = 5_000
    orders_per_day: int = 1_600_000


RECORDED = Limits(weight_per_minute=6_000, orders_per_10s=50, orders_per_day=160_000)


class LimitsInForce:
    """The limits a start was given, and what a driver made of them since; `save` writes the latter down."""

    def __init__(
        self, given: Limits, kept: dict[str, int] | None, save: Callable[[dict[str, int] | None], None]
    ):
        self._given = given
        self._save = save
        self.now = given if kept is None else Limits(**kept)

    def change(self, wish: dict[str, Any]) -> None:
        unknown = set(wish) - set(asdict(self.now))
        if unknown:
            raise LimitError(f"unknown limit {sorted(unknown)[0]}")
        for name, value in wish.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise LimitError(f"{name} must be a whole number of at least 1")
        self.now = replace(self.now, **wish)
        self._save(asdict(self.now))

    def reset(self) -> None:
        self.now = self._given
        self._save(None)

    def as_dict(self) -> dict[str, Any]:
        return {"limits": asdict(self.now), "recorded": asdict(RECORDED)}

    def in_exchange_info(self, recorded: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The recorded list with the numbers in force."""
        numbers = {
            ("REQUEST_WEIGHT", "MINUTE"): self.now.weight_per_minute,
            ("ORDERS", "SECOND"): self.now.orders_per_10s,
            ("ORDERS", "DAY"): self.now.orders_per_day,
        }
        return [
            entry | {"limit": numbers.get((entry["rateLimitType"], entry["interval"]), entry["limit"])}
            for entry in recorded
        ]


class RequestWeights:
    """Weight used per address in the running minute; too much is 429, going on regardless is a ban (418)."""

    def __init__(self, limits: LimitsInForce) -> None:
        self._limits = limits
        self._minute = 0
        self._used: dict[str, int] = {}
        self._strikes: dict[str, int] = {}
        self._bans: dict[str, tuple[int, int]] = {}  # address → (until µs, how many so far)

    def charge(self, address: str, weight: int, server_us: int) -> int:
        """What the address has used in this minute, this included."""
        minute = server_us // MINUTE_US
        if minute != self._minute:
            self._minute, self._used, self._strikes = minute, {}, {}
        self._used[address] = self._used.get(address, 0) + weight
        return self._used[address]

    def check(self, address: str, weight: int, server_us: int) -> None:
        """Raises when a request of this weight is too much, or the address is banned."""
        until_us, bans = self._bans.get(address, (0, 0))
        if server_us < until_us:
            raise errors.banned(until_us // 1_000, _seconds(until_us - server_us))
        if self.charge(address, 0, server_us) + weight <= self._limits.now.weight_per_minute:
            return
        self._strikes[address] = self._strikes.get(address, 0) + 1
        if self._strikes[address] > STRIKES_BEFORE_BAN:
            ban_s = min(FIRST_BAN_S * 2**bans, LONGEST_BAN_S)
            self._bans[address] = (server_us + ban_s * SECOND_US, bans + 1)
            raise errors.banned((server_us + ban_s * SECOND_US) // 1_000, ban_s)
        left_us = MINUTE_US - server_us % MINUTE_US
        raise errors.too_much_weight(self._limits.now.weight_per_minute, _seconds(left_us))


class OrderCounts:
    """Orders an account has placed and not had filled, per interval: the first fill of an order takes it out again."""

    def __init__(self, limits: LimitsInForce) -> None:
        self._limits = limits
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}  # uid, interval → (which interval, count)

    def _intervals(self) -> tuple[tuple[int, int, str], ...]:
        now = self._limits.now
        return (
            (TEN_SECONDS_US, now.orders_per_10s, "10 SECOND"),
            (DAY_US, now.orders_per_day, "1 DAY"),
        )

    def counts(self, uid: int, server_us: int) -> tuple[int, int]:
        """(in these ten seconds, on this day)."""
        return self._count(uid, TEN_SECONDS_US, server_us), self._count(uid, DAY_US, server_us)

    def _count(self, uid: int, length_us: int, server_us: int) -> int:
        which, count = self._counts.get((uid, length_us), (0, 0))
        return count if which == server_us // length_us else 0

    def add(self, uid: int, change: int, server_us: int) -> None:
        for length_us, _, _ in self._intervals():
            count = max(0, self._count(uid, length_us, server_us) + change)
            self._counts[uid, length_us] = (server_us // length_us, count)

    def hear(self, events: Sequence[Any], at: At) -> None:
        """A listener of the desk: accepted orders count, filled ones do not any more."""
        for event in events:
            match event:
                case Order():
                    self.add(event.uid, 1, at.server_us)
                case Trade():
                    self.add(event.uid, -1, at.server_us)

    def check(self, uid: int, adding: int, server_us: int) -> None:
        for length_us, limit, words in self._intervals():
            if self._count(uid, length_us, server_us) + adding > limit:
                left_us = length_us - server_us % length_us
                raise errors.too_many_orders(limit, words, _seconds(left_us))

    def report(self, uid: int, server_us: int) -> list[dict[str, Any]]:
        """As GET /api/v3/rateLimit/order answers."""
        per_10s, per_day = self.counts(uid, server_us)
        now = self._limits.now
        return [
            _row("SECOND", 10, now.orders_per_10s, per_10s),
            _row("DAY", 1, now.orders_per_day, per_day),
        ]


def _row(interval: str, number: int, limit: int, count: int) -> dict[str, Any]:
    return {
        "rateLimitType": "ORDERS",
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
        "count": count,
    }


def _seconds(us: int) -> int:
    """Whole seconds to wait, at least one."""
    return max(1, -(-us // SECOND_US))
