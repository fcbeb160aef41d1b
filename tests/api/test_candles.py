"""candles: closed ones of the venue, by from and to, oldest first; bad questions are refused field by field."""

from __future__ import annotations

import pytest

from exchange.connect import forget_clients, market_data
from exchange.instants import instant_of

pytestmark = pytest.mark.django_db
PATH = "/api/v1/candles"
MINUTE = 60_000


@pytest.fixture
def newest_ms(sandbox, symbols) -> int:
    """Opening of the newest closed minute."""
    return market_data("sandbox").market_time_ms("BTCUSDT") // MINUTE * MINUTE - MINUTE


def openings(answer) -> list[int]:
    assert answer.status_code == 200, answer.json()
    return [row[0] for row in answer.json()["candles"]]


def test_the_last_candles_are_those_of_the_venue(alice_api, newest_ms):
    answer = alice_api.get(f"{PATH}?symbol=btcusdt&limit=3")
    assert openings(answer) == [newest_ms - 2 * MINUTE, newest_ms - MINUTE, newest_ms]
    asked = market_data("sandbox").candles("BTCUSDT", "1m", start_ms=newest_ms, end_ms=newest_ms, limit=1)
    row = answer.json()["candles"][-1]
    assert all(isinstance(value, str) for value in row[1:])
    assert [round(float(value) * 10**8) for value in row[1:]] == [
        int(column[0]) for column in asked.columns()[1:]
    ]
    body = answer.json()
    assert [body[name] for name in ("symbol", "market", "interval", "source")] == [
        "BTCUSDT",
        "spot",
        "1m",
        "sandbox",
    ]


def test_from_and_to_are_inclusive_and_may_be_instants(alice_api, newest_ms):
    first, last = newest_ms - 9 * MINUTE, newest_ms - 5 * MINUTE
    wanted = list(range(first, last + 1, MINUTE))
    for start, end in (
        (first, last),
        (first - 1, last + 1),
        (
            instant_of(first).isoformat().replace("+00:00", "Z"),
            instant_of(last).isoformat().replace("+00:00", "Z"),
        ),
    ):
        assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={start}&to={end}")) == wanted
    assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={first}&limit=2")) == wanted[:2]
    assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&to={last}&limit=2")) == wanted[-2:]
    assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={last}&to={first}")) == []
    # The running one is not closed, and what lies ahead is not there.
    assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={newest_ms}")) == [newest_ms]


def test_without_the_exchange_what_is_stored_is_answered(alice_api, newest_ms, settings):
    first = newest_ms - 4 * MINUTE
    stored = openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={first}&to={newest_ms}"))
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    assert openings(alice_api.get(f"{PATH}?symbol=BTCUSDT&from={first}&to={newest_ms}")) == stored


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "symbol"),
        ("symbol=NOPE", "symbol"),
        ("symbol=BTCUSDT&market=futures", "market"),
        ("symbol=BTCUSDT&market=moon", "market"),
        ("symbol=BTCUSDT&venue=live", "venue"),
        ("symbol=BTCUSDT&interval=7m", "interval"),
        ("symbol=BTCUSDT&limit=0", "limit"),
        ("symbol=BTCUSDT&limit=1001", "limit"),
        ("symbol=BTCUSDT&from=yesterday", "from"),
        ("symbol=BTCUSDT&to=2026-02-30", "to"),
        ("symbol=BTCUSDT&to=1234567890123456", "to"),
        ("symbol=BTCUSDT&bogus=1", "bogus"),
    ],
)
def test_a_bad_question_names_its_field(alice_api, symbols, query, field):
    answer = alice_api.get(f"{PATH}?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_candles_are_for_users(anonymous_api, symbols):
    assert anonymous_api.get(f"{PATH}?symbol=BTCUSDT").status_code == 401
