"""What holds back entries for a while: daily limits, the cooldown after an exit, the circuit breaker (SPEC §4.3).

A limit never closes a position and never refuses an exit. Plain integers, so that the compiled step uses these
very functions.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

NO_LIMIT: Final = -1

NOT_REACHED: Final = 0
MAX_TRADES_REACHED: Final = 1
MAX_LOSS_REACHED: Final = 2
TARGET_REACHED: Final = 3

BREAKER_EXITS: Final = 3
BREAKER_MS: Final = 600_000


class DailyLimits(NamedTuple):
    """Entries a day, and amounts in e8 of quote (of the initial capital); `NO_LIMIT` where none is set."""

    max_trades: int
    max_loss_e8: int
    target_e8: int


NO_DAILY_LIMITS: Final = DailyLimits(NO_LIMIT, NO_LIMIT, NO_LIMIT)


def limit_reached(daily_trades: int, daily_pnl_e8: int, limits: DailyLimits) -> int:
    """The first daily limit that is reached, in the order trades, loss, target; else NOT_REACHED."""
    if limits.max_trades >= 0 and daily_trades >= limits.max_trades:
        return MAX_TRADES_REACHED
    if limits.max_loss_e8 >= 0 and daily_pnl_e8 <= -limits.max_loss_e8:
        return MAX_LOSS_REACHED
    if limits.target_e8 >= 0 and daily_pnl_e8 >= limits.target_e8:
        return TARGET_REACHED
    return NOT_REACHED


def is_cooling(closed_at_ms: int, last_exit_ms: int, interval_ms: int, cooldown_candles: int) -> bool:
    """Whether a candle that closes at `closed_at_ms` decides no entry because an exit happened at `last_exit_ms`.

    With a cooldown of n these are the first n candles that close after that instant, and every candle that had
    closed by then (the one whose signal led to the exit is asked again once the exit is final). Candles close at
    whole multiples of their interval, so an exit at the opening of t + 1, to the millisecond or a little later,
    counts t + 1 as the first. 0 candles, or no exit (0): never cooling.
    """
    if cooldown_candles <= 0 or last_exit_ms <= 0:
        return False
    return closed_at_ms <= (last_exit_ms // interval_ms + cooldown_candles) * interval_ms


def breaker_trips(stop_exit_times_ms: Iterable[int], now_ms: int) -> bool:
    """Three stop exits within the ten minutes that end now; the instant ten minutes ago still counts."""
    recent = 0
    for at_ms in stop_exit_times_ms:
        if now_ms - BREAKER_MS <= at_ms <= now_ms:
            recent += 1
    return recent >= BREAKER_EXITS
