"""Candles: which ones a request means, the running one, and every interval made of minutes as Binance makes it."""

import pytest

from tests.contract.venues import QUIET_MINUTE_MS, SYMBOL, Trader

MINUTE_MS = 60_000
INTERVALS = {
    "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1440, "3d": 4320, "1w": 10080,
}  # fmt: skip
WEEK_ORIGIN = 4 * 1440  # weeks open on Mondays


def candles(trader, **query):
    return trader.public("/api/v3/klines", **{"symbol": SYMBOL, "interval": "1m"} | query).json()


def openings(rows):
    return [row[0] for row in rows]


def test_without_times_the_newest_the_running_one_last(trader):
    rows = candles(trader, limit=3)
    assert openings(rows) == [QUIET_MINUTE_MS - 2 * MINUTE_MS, QUIET_MINUTE_MS - MINUTE_MS, QUIET_MINUTE_MS]
    assert [len(candles(trader)), len(candles(trader, limit=5000))] == [500, 1000]


def test_a_row(trader):
    row = candles(trader, limit=2)[0]
    assert [type(entry) for entry in row] == [int, *[str] * 5, int, str, int, str, str, str]
    assert row[6] == row[0] + MINUTE_MS - 1
    assert row[11] == "0"
    assert all(len(text.partition(".")[2]) == 8 for text in (*row[1:6], row[7], row[9], row[10]))
    opening, high, low, close = map(float, row[1:5])
    assert low <= min(opening, close) <= max(opening, close) <= high


def test_from_a_start_the_oldest_first(trader):
    start = QUIET_MINUTE_MS - 100 * MINUTE_MS
    assert openings(candles(trader, startTime=start, limit=2)) == [start, start + MINUTE_MS]
    assert openings(candles(trader, startTime=start + 1, limit=1)) == [start + MINUTE_MS]


def test_up_to_an_end_the_newest(trader):
    end = QUIET_MINUTE_MS - 100 * MINUTE_MS
    assert openings(candles(trader, endTime=end, limit=2)) == [end - MINUTE_MS, end]
    assert openings(candles(trader, endTime=end - 1, limit=1)) == [end - MINUTE_MS]


def test_both_ends_belong_to_it(trader):
    start = QUIET_MINUTE_MS - 10 * MINUTE_MS
    end = start + 2 * MINUTE_MS
    assert openings(candles(trader, startTime=start, endTime=end)) == [start, start + MINUTE_MS, end]
    assert candles(trader, startTime=end, endTime=start) == []
    assert candles(trader, startTime=QUIET_MINUTE_MS + MINUTE_MS) == []


def test_the_earliest_there_is(trader):
    """How python-binance looks for the beginning."""
    assert len(candles(trader, startTime=0, limit=1)) == 1


@pytest.mark.parametrize("interval", INTERVALS)
def test_intervals_are_made_of_minutes(trader, interval):
    """The last closed candle of each, from its own minutes."""
    minutes = INTERVALS[interval]
    found = candles(trader, interval=interval, limit=2)
    closed, running = found
    step = minutes * MINUTE_MS
    assert running[0] <= QUIET_MINUTE_MS < running[0] + step
    assert running[0] - closed[0] == step
    origin = WEEK_ORIGIN * MINUTE_MS if interval == "1w" else 0
    assert (closed[0] - origin) % step == 0
    rows = []
    while len(rows) < minutes:
        rows += candles(
            trader, startTime=closed[0] + len(rows) * MINUTE_MS, limit=min(1000, minutes - len(rows))
        )
    assert (closed[1], closed[4]) == (rows[0][1], rows[-1][4])
    assert float(closed[2]) == max(float(row[2]) for row in rows)
    assert float(closed[3]) == min(float(row[3]) for row in rows)
    for column in (5, 7):
        assert float(closed[column]) == pytest.approx(sum(float(row[column]) for row in rows), rel=1e-9)


def test_a_candle_once_served_never_changes(own_venue):
    trader = Trader(own_venue)
    before = candles(trader, limit=10)[:-1]
    own_venue.pass_minutes(7)
    assert candles(trader, startTime=before[0][0], limit=9) == before
    after = candles(trader, limit=1)[0]
    assert after[0] == QUIET_MINUTE_MS + 7 * MINUTE_MS


def test_the_running_candle_is_what_tickers_say(trader):
    close = candles(trader, limit=1)[0][4]
    assert trader.public("/api/v3/ticker/price", symbol=SYMBOL).json()["price"] == close
    day = trader.public("/api/v3/ticker/24hr", symbol=SYMBOL).json()
    assert day["lastPrice"] == close
    assert trader.public("/api/v3/depth", symbol=SYMBOL, limit=5).json()["asks"][0][0] == day["askPrice"]
