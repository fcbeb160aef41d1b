"""When an exchange tells us to wait (429, 418), everybody waits: the process, and through Redis every other one.

While a wait lasts nothing touches the network; without Redis each process knows only what it was told itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from exchange.port import RateLimited

logger = structlog.get_logger(__name__)

# How long a host's used weight is worth showing: Binance counts it by the minute.
WEIGHT_SECONDS: Final = 60
# The requests of one run share the answer that nobody has to wait.
ASK_OTHERS_SECONDS: Final = 0.2
EVERYBODY: Final = "all"


class Memory(Protocol):
    """What the processes share (`exchange.cache`): a miss is None, a failure is a miss."""

    def get_many(self, keys: list[str]) -> list[object | None]: ...

    def put(self, key: str, value: object, *, ttl_seconds: float) -> bool: ...


def _wall_seconds() -> float:
    return time.time()


class Pace:
    """One host's waits. A scope is whom a wait is for: `EVERYBODY` who uses the address, or one account's orders."""

    def __init__(
        self,
        host: str = "",
        memory: Callable[[], Memory] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = _wall_seconds,
    ) -> None:
        self._host = host
        self._memory = memory
        self._monotonic = monotonic
        self._wall = wall
        self._until: dict[str, float] = {}
        self._others_asked_at: dict[tuple[str, ...], float] = {}
        self._weight_told_at = float("-inf")
        self.used_weight: int | None = None

    def check(self, *scopes: str) -> None:
        """Raises `RateLimited`, with what is left to wait, while a wait of one of these scopes lasts."""
        now = self._monotonic()
        left = max((self._until.get(scope, now) - now for scope in scopes), default=0.0)
        if left <= 0:
            left = self._left_by_others(scopes)
        if left > 0:
            raise RateLimited(max(1, round(left)))

    def wait(self, scope: str, seconds: float) -> None:
        """The exchange has asked for it: nobody of the scope sends anything for this long."""
        self._until[scope] = max(self._until.get(scope, 0.0), self._monotonic() + seconds)
        if self._memory is not None:
            self._memory().put(self._key(scope), self._wall() + seconds, ttl_seconds=max(1.0, seconds))
        logger.warning("exchange_asks_to_wait", scope=scope, seconds=seconds)

    def note_weight(self, used: int) -> None:
        """The weight the exchange says this address has used within the minute; told to the others once a second."""
        self.used_weight = used
        now = self._monotonic()
        if self._memory is not None and now - self._weight_told_at >= 1.0:
            self._weight_told_at = now
            self._memory().put(weight_key(self._host), used, ttl_seconds=WEIGHT_SECONDS)

    def _left_by_others(self, scopes: tuple[str, ...]) -> float:
        now = self._monotonic()
        if (
            self._memory is None
            or now - self._others_asked_at.get(scopes, float("-inf")) < ASK_OTHERS_SECONDS
        ):
            return 0.0
        ends = self._memory().get_many([self._key(scope) for scope in scopes])
        left = max((end - self._wall() for end in ends if isinstance(end, (int, float))), default=0.0)
        if left <= 0:
            self._others_asked_at[scopes] = now
        # A neighbour's clock may be wrong: nobody waits longer than the longest ban because of it.
        return min(left, 3 * 86_400.0)

    def _key(self, scope: str) -> str:
        return f"wait:{self._host}:{scope}"


def weight_key(host: str) -> str:
    """Where the used weight of a host stands in Redis."""
    return f"weight:{host}"
