"""The feed's sign of life, in Redis beside those of worker and beat: when, whether connected, how far behind.

Only the leader gives one; whoever reads judges its age. While Redis is away none is given.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import redis
import structlog
from django.conf import settings

logger = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 2.0
KEPT_SECONDS: Final = 86_400
# The first is what a container's health check reads, like those of worker and beat.
HEARTBEAT: Final = "tradebot:heartbeat:feed"
STATE: Final = "tradebot:feed"


@dataclass(frozen=True, slots=True)
class Sign:
    """`at` is wall seconds; `lag_ms` None where the market does not run at wall speed, or nothing has come yet."""

    at: float
    is_connected: bool
    trouble: str
    series: int
    lag_ms: float | None
    connections: int = 0
    used_weight: int | None = None

    def as_text(self) -> str:
        if not self.is_connected:
            return f"not connected: {self.trouble}"
        lag = "lag unknown" if self.lag_ms is None else f"lag {self.lag_ms:.0f} ms"
        return f"connected, {self.series} series, {lag}"


class SignBoard:
    """Where the leader writes, over a connection of its own that gives up within a second."""

    def __init__(self) -> None:
        self._client: redis.Redis = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
        )

    def give(self, sign: Sign) -> None:
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.set(STATE, json.dumps(asdict(sign)), ex=KEPT_SECONDS)
                pipe.set(HEARTBEAT, f"{sign.at:.3f}", ex=KEPT_SECONDS)
                pipe.execute()
        except (redis.RedisError, OSError) as trouble:
            logger.warning("feed_sign_not_given", cause=type(trouble).__name__)


def read_sign(client: redis.Redis) -> Sign | None:
    """The leader's last sign; None for a feed that never gave any. Raises redis.RedisError."""
    kept: Any = client.get(STATE)
    return None if kept is None else Sign(**json.loads(kept))
