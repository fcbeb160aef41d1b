"""Two clocks: server time is the wall; market time is real, stepped or a multiple of it, and never goes back.

A clock is a value: where market time stood at an instant of server time, and how it moves since.
"""

from dataclasses import asdict, dataclass
from typing import Any

MINUTE_MS = 60_000
MODES = ("real", "step", "fast")
FASTEST = 100_000


class ClockError(ValueError):
    """The wish for a clock cannot be granted; the message says why."""


@dataclass(frozen=True)
class MarketClock:
    mode: str
    speed: float
    anchor_server_ms: int
    anchor_market_ms: int

    def market_ms(self, server_ms: int) -> int:
        """Market time at `server_ms`; a wall clock that is set back makes the market wait, not return."""
        if self.mode == "step":
            return self.anchor_market_ms
        elapsed_ms = max(0, server_ms - self.anchor_server_ms)
        if self.mode == "fast":
            return self.anchor_market_ms + int(elapsed_ms * self.speed)
        return self.anchor_market_ms + elapsed_ms

    def switched(self, mode: str, server_ms: int, *, speed: float = 1.0, market_ms: int) -> "MarketClock":
        """Another mode from `market_ms` on. Into step, the market walks on to the next opening and stands there."""
        if mode not in MODES:
            raise ClockError(f"mode must be one of {', '.join(MODES)}")
        if mode == "fast" and not 0 < speed <= FASTEST:
            raise ClockError(f"speed must be above 0 and at most {FASTEST}")
        if mode == "step":
            market_ms = -(-market_ms // MINUTE_MS) * MINUTE_MS
        return MarketClock(
            mode=mode,
            speed=speed if mode == "fast" else 1.0,
            anchor_server_ms=server_ms,
            anchor_market_ms=market_ms,
        )

    def advanced(self, candles: int) -> "MarketClock":
        """The opening `candles` whole minutes later; only a stepped market can be released."""
        if self.mode != "step":
            raise ClockError("advance_candles needs mode step")
        if isinstance(candles, bool) or not isinstance(candles, int) or candles < 1:
            raise ClockError("advance_candles must be a whole number of at least 1")
        return MarketClock(
            mode="step",
            speed=1.0,
            anchor_server_ms=self.anchor_server_ms,
            anchor_market_ms=self.anchor_market_ms + candles * MINUTE_MS,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
