"""The demo has something to test bots on: the shipped recordings, at their true dates, stored once."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engine.market import candles_of
from exchange import candles
from exchange.candles.blocks import add
from exchange.candles.store import Series
from exchange.sandbox.tape import recorded_entries

pytestmark = pytest.mark.django_db
FUTURES_STORED = [
    "Stored 43,199 recorded candles of BTCUSDT (futures) for backtests.",
    "Stored 60,191 recorded candles of ETHUSDT (futures) for backtests.",
    "Stored 236 recorded funding rates for backtests of futures.",
]


@pytest.fixture(autouse=True)
def _own_cache(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def quickstart() -> tuple[list[str], list[str]]:
    out, err = StringIO(), StringIO()
    call_command("quickstart", stdout=out, stderr=err)
    return out.getvalue().splitlines()[1:], err.getvalue().splitlines()


def test_the_recordings_are_there_for_backtests(sandbox: Any) -> None:
    assert quickstart() == (
        [
            "Stored 130,708 recorded candles of BTCUSDT for backtests.",
            "Stored 130,708 recorded candles of ETHUSDT for backtests.",
            *FUTURES_STORED,
        ],
        [],
    )
    for entry in recorded_entries():
        known = candles.known_range("binance", "spot", entry["symbol"])
        assert known == (entry["first_open_ms"], entry["last_open_ms"])
    assert quickstart() == ([], [])


def test_candles_of_ones_own_stay_and_the_demo_starts_all_the_same(sandbox: Any) -> None:
    first_ms = recorded_entries()[0]["first_open_ms"]
    add(Series("binance", "spot", "BTCUSDT", "1m"), candles_of([(first_ms, 5, 6, 4, 5, 1)]))
    told, warned = quickstart()
    assert told == ["Stored 130,708 recorded candles of ETHUSDT for backtests.", *FUTURES_STORED]
    assert [line.split(":")[0] for line in warned] == ["The recording of BTCUSDT is not stored"]
