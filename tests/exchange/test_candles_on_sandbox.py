"""Candles from the real sandbox into PostgreSQL: exact, closed ones only, whoever fetches, however many at once."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.db import connection

from engine.market import INTERVAL_MS, MINUTE_MS, last_closed_opening, resample
from exchange import candles as store
from exchange import connect
from exchange.models import CandleBlock, CandleRow
from exchange.sandbox.running import SandboxProcess
from exchange.tasks import pack_candles

pytestmark = pytest.mark.django_db(transaction=True)


def series(interval: str) -> tuple[str, str, str, str]:
    return "sandbox", "spot", "BTCUSDT", interval


def synced(interval: str, count: int) -> Any:
    data = connect.market_data("sandbox")
    until = last_closed_opening(data.market_time_ms("BTCUSDT"), interval)
    store.sync(data, *series(interval), count=count, until_open_ms=until)
    return store.read(*series(interval), count=count, until_open_ms=until)


@pytest.mark.parametrize("interval", ["1m", "5m", "1h"])
def test_what_is_stored_is_what_the_exchange_serves(sandbox: SandboxProcess, interval: str) -> None:
    held = synced(interval, 200)
    served = connect.market_data("sandbox").candles(
        "BTCUSDT", interval, start_ms=None, end_ms=None, limit=201
    )
    assert [held.at(n) for n in range(200)] == [served.at(n) for n in range(200)]
    assert store.find_gaps(held, interval) == []


def test_each_step_of_the_market_brings_one_closed_candle(sandbox: SandboxProcess) -> None:
    before = synced("1m", 30)
    for number in range(1, 4):
        sandbox.control.advance()
        held = synced("1m", 30)
        assert int(held.open_ms[-1]) == int(before.open_ms[-1]) + number * MINUTE_MS
        assert len(held) == 30
    assert CandleRow.objects.count() == 33


def test_a_candle_the_market_has_not_closed_is_not_there(sandbox: SandboxProcess) -> None:
    data = connect.market_data("sandbox")
    running = data.market_time_ms("BTCUSDT") // MINUTE_MS * MINUTE_MS
    store.sync(data, *series("1m"), count=5, until_open_ms=running)
    held = store.read(*series("1m"), count=5, until_open_ms=running)
    assert held.open_ms.tolist() == [running - n * MINUTE_MS for n in (4, 3, 2, 1)]


def test_many_at_once_store_each_candle_once(sandbox: SandboxProcess) -> None:
    errors: list[BaseException] = []

    def another_process() -> None:
        try:
            data = connect.market_data("sandbox")
            until = last_closed_opening(data.market_time_ms("BTCUSDT"), "1m")
            for count in (50, 300, 1200):
                store.forget_windows()
                store.sync(data, *series("1m"), count=count, until_open_ms=until)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=another_process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert CandleRow.objects.count() == 1200


def test_packing_changes_nothing_that_is_read(sandbox: SandboxProcess) -> None:
    before = synced("1h", 24 * 60)
    until = int(before.open_ms[-1])
    moved = pack_candles()
    months = CandleBlock.objects.order_by("month").values_list("month", "count")
    assert list(months) == [(date(2025, 6, 1), 26 * 24 + 12), (date(2025, 7, 1), 31 * 24)]
    assert CandleRow.objects.count() == len(before) - moved == 2 * 24 + 12
    store.forget_windows()
    after = store.read(*series("1h"), count=len(before), until_open_ms=until)
    assert [after.at(n) for n in range(len(after))] == [before.at(n) for n in range(len(before))]


def test_finer_candles_make_the_same_coarser_ones(sandbox: SandboxProcess) -> None:
    hours = synced("1h", 10)
    end = int(hours.open_ms[-1]) + INTERVAL_MS["1h"] - MINUTE_MS
    data = connect.market_data("sandbox")
    store.sync(data, *series("1m"), count=600, until_open_ms=end)
    minutes = store.read(*series("1m"), count=600, until_open_ms=end)
    made = resample(minutes, "1h")
    assert [made.at(n) for n in range(10)] == [hours.at(n) for n in range(10)]
