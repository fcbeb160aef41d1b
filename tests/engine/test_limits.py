import pytest

from engine.limits import (
    MAX_LOSS_REACHED,
    MAX_TRADES_REACHED,
    NO_DAILY_LIMITS,
    NO_LIMIT,
    NOT_REACHED,
    TARGET_REACHED,
    DailyLimits,
    breaker_trips,
    is_cooling,
    limit_reached,
)

ALL = DailyLimits(max_trades=3, max_loss_e8=100, target_e8=200)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
TEN_MINUTES_MS = 600_000


@pytest.mark.parametrize(
    ("trades", "pnl", "limits", "expected"),
    [
        (2, -99, ALL, NOT_REACHED),
        (2, 199, ALL, NOT_REACHED),
        (3, 0, ALL, MAX_TRADES_REACHED),
        (3, -100, ALL, MAX_TRADES_REACHED),
        (2, -100, ALL, MAX_LOSS_REACHED),
        (2, 200, ALL, TARGET_REACHED),
        (9, -(10**9), NO_DAILY_LIMITS, NOT_REACHED),
        (0, 0, DailyLimits(0, NO_LIMIT, NO_LIMIT), MAX_TRADES_REACHED),
        (9, -100, DailyLimits(NO_LIMIT, 100, NO_LIMIT), MAX_LOSS_REACHED),
        (9, 200, DailyLimits(NO_LIMIT, NO_LIMIT, 200), TARGET_REACHED),
    ],
)
def test_the_first_limit_reached(trades: int, pnl: int, limits: DailyLimits, expected: int) -> None:
    assert limit_reached(trades, pnl, limits) == expected


@pytest.mark.parametrize("exit_ms", [HOUR_MS, HOUR_MS + 300, HOUR_MS + 30_000, HOUR_MS + MINUTE_MS - 1])
@pytest.mark.parametrize(("candles", "first_allowed"), [(0, 0), (1, 2), (2, 3), (5, 6)])
def test_the_first_candles_to_close_after_an_exit_wait(
    exit_ms: int, candles: int, first_allowed: int
) -> None:
    """Exit at a candle's opening or within it: that candle is the first to close after it. The candle that had
    closed at the opening waits as well, wherever there is a cooldown at all."""
    closes = [HOUR_MS + n * MINUTE_MS for n in range(8)]
    cooling = [is_cooling(close, exit_ms, MINUTE_MS, candles) for close in closes]
    assert cooling == [n < first_allowed for n in range(8)]


def test_a_bot_that_never_exited_does_not_wait() -> None:
    assert not is_cooling(HOUR_MS, 0, MINUTE_MS, 10)


@pytest.mark.parametrize(
    ("ages", "trips"),
    [
        ((), False),
        ((0, 1), False),
        ((0, 1, 2), True),
        ((0, 1, TEN_MINUTES_MS), True),
        ((0, 1, TEN_MINUTES_MS + 1), False),
        ((-1, 0, 1), False),
        ((5, 6, 7, 8), True),
    ],
)
def test_three_stops_within_ten_minutes_trip_the_breaker(ages: tuple[int, ...], trips: bool) -> None:
    now_ms = 100 * HOUR_MS
    assert breaker_trips([now_ms - age for age in ages], now_ms) is trips
