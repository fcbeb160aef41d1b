"""Candles of every interval are exactly the sum of their minutes; the running one shows only what has happened."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.sandbox.klines import INTERVAL_MS, Window, bars, opening_of
from exchange.sandbox.market import WEEK_MS, Market
from exchange.sandbox.tape import Tape, load_tapes

MARKET = Market(load_tapes(), shift_weeks=73)
FIRST_MS = MARKET.first_open_ms("BTCUSDT")
NOW_MS = FIRST_MS + 40 * 86_400_000 + 5 * 3_600_000 + 1_501_234  # in the middle of candles of every interval
TAPE = MARKET.tapes["BTCUSDT"]


def rows(window: Window, market_ms: int, market: Market = MARKET) -> list[tuple]:
    found = bars(market, "BTCUSDT", window, market_ms)
    columns = (found.open_ms, found.open, found.high, found.low, found.close, found.volume)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def slow_candle(opening_ms: int, step_ms: int) -> tuple:
    """The candle by the definition, minute by minute."""
    first = (opening_ms - FIRST_MS) // 60_000
    minutes = [TAPE.minute(index) for index in range(max(0, first), first + step_ms // 60_000)]
    e8 = TAPE.tick_e8
    return (
        opening_ms, minutes[0][0] * e8, max(m[1] for m in minutes) * e8, min(m[2] for m in minutes) * e8,
        minutes[-1][3] * e8, sum(m[4] for m in minutes),
    )  # fmt: skip


@pytest.mark.parametrize("interval", [name for name in INTERVAL_MS if name not in ("3d", "1w")])
def test_closed_candles_are_their_minutes(interval):
    step = INTERVAL_MS[interval]
    last = opening_of(NOW_MS, interval) - step
    window = Window(interval, 5, end_ms=last)
    assert rows(window, NOW_MS) == [slow_candle(last - back * step, step) for back in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("interval", ["3d", "1w"])
def test_long_candles_are_their_minutes_too(interval):
    step = INTERVAL_MS[interval]
    last = opening_of(NOW_MS, interval) - step
    assert rows(Window(interval, 1, end_ms=last), NOW_MS) == [slow_candle(last, step)]


def test_openings_are_aligned_to_utc():
    at_ms = int(datetime(2026, 11, 20, 9, 41, 7, tzinfo=UTC).timestamp() * 1000)
    openings = {name: datetime.fromtimestamp(opening_of(at_ms, name) / 1000, tz=UTC) for name in INTERVAL_MS}
    assert {name: f"{opening:%d %H:%M}" for name, opening in openings.items()} == {
        "1m": "20 09:41", "3m": "20 09:39", "5m": "20 09:40", "15m": "20 09:30", "30m": "20 09:30", "1h": "20 09:00",
        "2h": "20 08:00", "4h": "20 08:00", "6h": "20 06:00", "8h": "20 08:00", "12h": "20 00:00", "1d": "20 00:00",
        "3d": "18 00:00", "1w": "16 00:00",
    }  # fmt: skip
    assert openings["1w"].strftime("%A") == "Monday"


@settings(max_examples=60)
@given(st.sampled_from(sorted(INTERVAL_MS)), st.integers(0, 3 * 86_400_000))
def test_the_running_candle_knows_no_future(interval, later_ms):
    """What stands at T is the same whatever comes after T: a tape cut off and spoiled after T says the same."""
    market_ms = NOW_MS + later_ms
    cut = (market_ms - FIRST_MS) // 60_000 + 1
    spoiled = {
        name: np.concatenate([getattr(TAPE, name)[:cut], np.full(len(TAPE) - cut, 7, dtype=np.int64)])
        for name in ("open", "high", "low", "close", "volume")
    }
    other = Market({"BTCUSDT": Tape("BTCUSDT", TAPE.first_open_ms, TAPE.tick_e8, **spoiled)}, shift_weeks=73)
    window = Window(interval, 3)
    assert rows(window, market_ms) == rows(window, market_ms, other)


def test_the_running_minute_grows_from_its_opening():
    opening = opening_of(NOW_MS, "1m")
    open_, high, low, close, volume = TAPE.minute((opening - FIRST_MS) // 60_000)
    e8 = TAPE.tick_e8
    window = Window("1m", 1)
    assert rows(window, opening) == [(opening, open_ * e8, open_ * e8, open_ * e8, open_ * e8, 0)]
    at_the_end = rows(window, opening + 59_999)
    assert at_the_end == [(opening, open_ * e8, high * e8, low * e8, close * e8, volume * 59_999 // 60_000)]
    assert rows(Window("1m", 1, end_ms=opening), opening + 60_000) == [slow_candle(opening, 60_000)]


def test_windows_read_as_binance_reads_them():
    minute, hour = 60_000, opening_of(NOW_MS, "1h")
    opens = lambda **bounds: [row[0] for row in rows(Window("1m", **bounds), NOW_MS)]  # noqa: E731
    newest = opening_of(NOW_MS, "1m")
    assert opens(limit=3) == [newest - 2 * minute, newest - minute, newest]
    assert opens(limit=2, start_ms=hour) == [hour, hour + minute]
    assert opens(limit=2, start_ms=hour - 1) == [hour, hour + minute]
    assert opens(limit=2, start_ms=hour + 1) == [hour + minute, hour + 2 * minute]
    assert opens(limit=2, end_ms=hour) == [hour - minute, hour]
    assert opens(limit=9, start_ms=hour - minute, end_ms=hour) == [hour - minute, hour]
    assert opens(limit=2, start_ms=0) == [FIRST_MS, FIRST_MS + minute]
    assert opens(limit=2, start_ms=hour, end_ms=hour - 1) == []
    assert opens(limit=2, start_ms=NOW_MS + minute) == []
    assert opens(limit=2, end_ms=FIRST_MS - 1) == []


def test_after_the_recording_nothing_moves_and_the_market_is_on_break():
    end_ms = MARKET.end_ms("BTCUSDT")
    last = slow_candle(end_ms - 60_000, 60_000)
    assert MARKET.status("BTCUSDT", end_ms - 1) == "TRADING"
    assert MARKET.status("BTCUSDT", end_ms) == "BREAK"
    assert rows(Window("1m", 1), end_ms) == [last] == rows(Window("1m", 1), end_ms + WEEK_MS)
    assert MARKET.price_e8("BTCUSDT", end_ms + WEEK_MS) == last[4]
