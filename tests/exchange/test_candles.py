"""The candle store against PostgreSQL; the venue is a list of candles that counts how often it is asked."""

from __future__ import annotations

from datetime import date
from time import perf_counter

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.market import MINUTE_MS, Candles, candles_of
from exchange import candles as store
from exchange.candles.history import stored as stored_candles
from exchange.candles.months import pack_month
from exchange.candles.store import Series, insert, rows_between
from exchange.models import CandleBlock, CandleRow

pytestmark = pytest.mark.django_db

FIRST = 1_761_955_200_000  # 2025-11-01 00:00 UTC
SERIES = ("sandbox", "spot", "BTCUSDT", "1m")


def opening(number: int) -> int:
    return FIRST + number * MINUTE_MS


def candle(number: int, *, volume: int = 7) -> tuple[int, int, int, int, int, int]:
    return opening(number), 100 + number, 110 + number, 90 + number, 105 + number, volume


class Tape:
    """Market data of a venue that has candles 0 … `now` of which the last is running, but not those in `holes`."""

    def __init__(self, now: int, holes: frozenset[int] = frozenset(), first: int = 0) -> None:
        self.now, self.holes, self.first = now, holes, first
        self.time_ms = opening(now)
        self.asked: list[tuple[int, int]] = []

    def candles(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> Candles:
        assert start_ms is not None
        assert end_ms is not None
        self.asked.append((start_ms, end_ms))
        numbers = (number for number in range(self.first, self.now + 1) if number not in self.holes)
        rows = [
            candle(number, volume=1 if number == self.now and self.time_ms < opening(number + 1) else 7)
            for number in numbers
            if start_ms <= opening(number) <= end_ms
        ]
        return candles_of(rows[:limit])

    def market_time_ms(self, symbol: str) -> int:
        return self.time_ms

    def server_time_ms(self) -> int:
        return self.time_ms

    def clock_offset_ms(self) -> int:
        return 0

    def symbol_infos(self) -> list[dict[str, object]]:
        return []

    def price_e8(self, symbol: str) -> int:
        return 1


def sync(tape: Tape, *, count: int, until: int) -> None:
    store.sync(tape, *SERIES, count=count, until_open_ms=opening(until))


def numbers_of(candles: Candles) -> list[int]:
    return [(int(at) - FIRST) // MINUTE_MS for at in candles.open_ms]


def read(count: int, until: int) -> Candles:
    return store.read(*SERIES, count=count, until_open_ms=opening(until))


def test_fetches_once_and_then_only_the_new_candle() -> None:
    tape = Tape(now=50)
    sync(tape, count=20, until=49)
    assert numbers_of(read(20, 49)) == list(range(30, 50))
    assert len(tape.asked) == 1
    sync(tape, count=20, until=49)
    assert len(tape.asked) == 1
    tape.now, tape.time_ms = 51, opening(51)
    sync(tape, count=20, until=50)
    assert tape.asked[1:] == [(opening(50), opening(51))]
    assert numbers_of(read(20, 50)) == list(range(31, 51))


def test_nothing_missing_costs_no_query_here_and_no_request_elsewhere() -> None:
    tape = Tape(now=50)
    sync(tape, count=20, until=49)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        sync(tape, count=20, until=49)
        read(20, 49)
    assert len(queries) == 0
    store.forget_windows()  # another process
    sync(tape, count=20, until=49)
    assert len(tape.asked) == 1


def test_the_running_candle_is_never_stored() -> None:
    tape = Tape(now=50)
    sync(tape, count=10, until=50)
    assert numbers_of(read(10, 50))[-1] == 49
    tape.time_ms = opening(51)  # closed now, though the next has not begun to show
    sync(tape, count=10, until=50)
    assert read(10, 50).at(-1).volume == 7


def test_more_than_a_page_is_fetched_in_pages() -> None:
    tape = Tape(now=2600)
    sync(tape, count=2500, until=2599)
    assert numbers_of(read(2500, 2599)) == list(range(100, 2600))
    assert len(tape.asked) == 3


def test_holes_of_the_exchange_are_asked_for_once_and_reported() -> None:
    tape = Tape(now=50, holes=frozenset({35, 36, 40}), first=32)
    sync(tape, count=20, until=49)
    sync(tape, count=20, until=49)
    assert len(tape.asked) == 1
    held = read(20, 49)
    assert store.find_gaps(held, "1m", opening(30), opening(49)) == [
        store.Gap(opening(30), opening(31)),
        store.Gap(opening(35), opening(36)),
        store.Gap(opening(40), opening(40)),
    ]


def test_only_the_gap_is_fetched() -> None:
    insert(Series(*SERIES), candles_of(candle(number) for number in [*range(30, 36), *range(38, 50)]))
    tape = Tape(now=50)
    sync(tape, count=20, until=49)
    assert tape.asked == [(opening(36), opening(38))]
    assert numbers_of(read(20, 49)) == list(range(30, 50))


def test_a_stored_candle_never_changes() -> None:
    insert(Series(*SERIES), candles_of([candle(45, volume=99)]))
    insert(Series(*SERIES), candles_of([candle(45, volume=1)]))
    assert rows_between(Series(*SERIES), opening(45), opening(45)).at(0).volume == 99


def test_a_longer_wish_extends_the_window_to_the_past() -> None:
    tape = Tape(now=50)
    sync(tape, count=10, until=49)
    sync(tape, count=30, until=49)
    assert numbers_of(read(30, 49)) == list(range(20, 50))
    with CaptureQueriesContext(connection) as queries:
        read(30, 49)
    assert len(queries) == 0


def test_sync_wants_an_opening() -> None:
    with pytest.raises(ValueError, match="opening"):
        store.sync(Tape(now=5), *SERIES, count=1, until_open_ms=opening(3) + 1)


def test_the_source_names_who_served_the_candles() -> None:
    assert [store.source_of(venue) for venue in ("sandbox", "testnet", "live")] == [
        "sandbox",
        "binance",
        "binance",
    ]


NOVEMBER, DECEMBER = date(2025, 11, 1), 43_200  # minutes of November
DAY = 1440


def fill_across_december() -> Series:
    """A hundred minutes of November, and twenty of the third of December: two whole days lie between."""
    series = Series(*SERIES)
    numbers = [*range(DECEMBER - 100, DECEMBER), *range(DECEMBER + 2 * DAY, DECEMBER + 2 * DAY + 20)]
    insert(series, candles_of(candle(number) for number in numbers))
    return series


def test_settled_days_are_packed_and_read_with_the_rows() -> None:
    series = fill_across_december()
    assert store.pack_settled_days() == 100
    assert CandleRow.objects.count() == 20
    packed = CandleBlock.objects.get()
    assert (packed.month, packed.count, packed.first_open_ms) == (NOVEMBER, 100, opening(DECEMBER - 100))
    assert numbers_of(stored_candles(series, opening(DECEMBER - 10), opening(DECEMBER + 2 * DAY + 10))) == [
        *range(DECEMBER - 10, DECEMBER),
        *range(DECEMBER + 2 * DAY, DECEMBER + 2 * DAY + 11),
    ]
    assert store.pack_settled_days() == 0


def test_the_last_two_days_stay_rows_also_inside_a_month() -> None:
    insert(Series(*SERIES), candles_of(candle(number) for number in range(0, 5 * DAY, 60)))
    assert store.pack_settled_days() == 2 * 24
    assert sorted(CandleRow.objects.values_list("open_ms", flat=True))[0] == opening(2 * DAY)
    insert(Series(*SERIES), candles_of([candle(6 * DAY)]))
    assert store.pack_settled_days() == 2 * 24
    assert (CandleBlock.objects.get().count, CandleRow.objects.count()) == (4 * 24, 25)


def test_late_rows_join_a_block_and_a_row_that_differs_is_kept() -> None:
    series = fill_across_december()
    store.pack_settled_days()
    insert(
        series, candles_of([candle(DECEMBER - 101), candle(DECEMBER - 50), candle(DECEMBER - 40, volume=1)])
    )
    assert store.pack_settled_days() == 2
    assert CandleBlock.objects.get().count == 101
    assert rows_between(series, 0, opening(DECEMBER - 1)).at(0).volume == 1
    both = stored_candles(series, opening(DECEMBER - 101), opening(DECEMBER + 19))
    assert numbers_of(both) == list(range(DECEMBER - 101, DECEMBER))
    assert set(both.volume.tolist()) == {7}


def test_a_damaged_block_is_noticed_and_no_row_is_lost() -> None:
    series = fill_across_december()
    store.pack_settled_days()
    block = CandleBlock.objects.get()
    block.columns = b"\x01" + bytes(block.columns)[1:]
    block.save()
    insert(series, candles_of([candle(DECEMBER - 101)]))
    with pytest.raises(store.DamagedBlock):
        pack_month(series, NOVEMBER)
    with pytest.raises(store.DamagedBlock):
        stored_candles(series, opening(DECEMBER - 100), opening(DECEMBER))
    assert len(rows_between(series, opening(DECEMBER - 101), opening(DECEMBER - 101))) == 1


def test_reading_a_window_of_rows_is_quick() -> None:
    insert(Series(*SERIES), candles_of(candle(number) for number in range(700)))
    times = []
    for _ in range(9):
        started = perf_counter()
        held = read(600, 699)
        times.append(perf_counter() - started)
    assert len(held) == 600
    assert np.median(times) < 0.003 * 5  # 3 ms on a machine that does nothing else
