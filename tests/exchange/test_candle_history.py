"""Years of minutes read back: rows and blocks as one series, through a cache on disk that may be lost or damaged."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.market import DAY_MS, INTERVAL_MS, MINUTE_MS, Candles, candles_of
from exchange import candles as store
from exchange.candles.blocks import add, blocks_of, unpacked
from exchange.candles.history import Collected
from exchange.candles.store import Series, insert
from exchange.models import CandleBlock
from tests.exchange.candle_tape import FIRST, MINUTES, SERIES, candle, candles, numbers_of, opening

pytestmark = pytest.mark.django_db

NOVEMBER = 43_200
HALF_A_YEAR = 181 * 1440


@pytest.fixture(autouse=True)
def shelf(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "candles"


def history(start: int, end: int, interval: str = "1m") -> Any:
    return store.history(*MINUTES, interval, start_ms=opening(start), end_ms=opening(end))


def stored_twice() -> None:
    """Minutes of two months in blocks, those after them as rows."""
    add(Series(*SERIES), candles(*range(NOVEMBER - 50, NOVEMBER + 50)))
    insert(Series(*SERIES), candles(*range(NOVEMBER + 45, NOVEMBER + 70)))


def test_blocks_and_rows_are_read_as_one_series() -> None:
    stored_twice()
    found = history(NOVEMBER - 60, NOVEMBER + 90)
    assert numbers_of(found) == list(range(NOVEMBER - 50, NOVEMBER + 70))
    assert [found.at(n) for n in (0, 60, -1)] == [
        candle(NOVEMBER - 50),
        candle(NOVEMBER + 10),
        candle(NOVEMBER + 69),
    ]


def test_the_period_begins_with_an_opening_and_ends_with_a_close() -> None:
    stored_twice()
    assert numbers_of(history(NOVEMBER, NOVEMBER + 3)) == [NOVEMBER, NOVEMBER + 1, NOVEMBER + 2]
    inside = store.history(*MINUTES, "1m", start_ms=opening(NOVEMBER) + 1, end_ms=opening(NOVEMBER + 3) - 1)
    assert numbers_of(inside) == [NOVEMBER + 1]


@pytest.mark.parametrize(("start", "end"), [(0, 10), (NOVEMBER + 70, NOVEMBER + 90), (NOVEMBER, NOVEMBER)])
def test_where_nothing_is_stored_nothing_is_read(start: int, end: int) -> None:
    stored_twice()
    assert len(history(start, end)) == 0


def test_rows_older_than_a_block_are_sorted_in() -> None:
    add(Series(*SERIES), candles(*range(10, 20)))
    insert(Series(*SERIES), candles(5, 15, 25))
    assert numbers_of(history(0, 30)) == [5, *range(10, 20), 25]


def test_a_second_process_reads_the_same_without_the_blocks(shelf: Path) -> None:
    stored_twice()
    first = history(NOVEMBER - 60, NOVEMBER + 90)
    assert len(list(shelf.iterdir())) == 2
    with CaptureQueriesContext(connection) as queries:
        again = history(NOVEMBER - 60, NOVEMBER + 90)
    assert len(queries) == 2  # rows, and which blocks there are
    assert [again.at(n) for n in range(len(again))] == [first.at(n) for n in range(len(first))]


def _lost(file: Path) -> None:
    file.unlink()


def _cut_short(file: Path) -> None:
    with file.open("r+b") as whole:
        whole.truncate(100)


def _one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[500] ^= 1
    file.write_bytes(content)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("harm", [_lost, _cut_short, _one_bit, _empty, _a_folder])
def test_a_cache_lost_or_damaged_is_filled_again_from_the_database(shelf: Path, harm: Any) -> None:
    stored_twice()
    before = history(NOVEMBER - 60, NOVEMBER + 90)
    for file in list(shelf.iterdir()):
        harm(file)
    for _ in range(2):
        after = history(NOVEMBER - 60, NOVEMBER + 90)
        assert store.fingerprint(after) == store.fingerprint(before)


def test_without_a_folder_to_write_to_candles_are_read_all_the_same(shelf: Path) -> None:
    shelf.write_text("a file stands where the folder should be")
    stored_twice()
    assert len(history(NOVEMBER - 60, NOVEMBER + 90)) == 120


def test_a_block_that_grew_is_read_anew_and_its_old_file_goes(shelf: Path) -> None:
    series = Series(*SERIES)
    add(series, candles(*range(10)))
    assert numbers_of(history(0, 20)) == list(range(10))
    add(series, candles(*range(10, 15)))
    assert numbers_of(history(0, 20)) == list(range(15))
    assert [file.name.split("-")[1] for file in shelf.iterdir()] == [
        f"{CandleBlock.objects.get().checksum}.i64"
    ]


def test_a_block_that_grows_while_it_is_read_is_read_whole() -> None:
    series = Series(*SERIES)
    add(series, candles(*range(10)))
    listed = blocks_of(series, opening(0), opening(20))
    add(series, candles(*range(10, 3000)))
    collected = Collected(sum(block.size for block in listed))
    for block in listed:
        collected.put(unpacked(series, block))
    assert numbers_of(collected.candles()) == list(range(3000))


def test_a_new_row_is_read_at_once() -> None:
    stored_twice()
    history(NOVEMBER, NOVEMBER + 90)
    insert(Series(*SERIES), candles(NOVEMBER + 70))
    assert numbers_of(history(NOVEMBER + 68, NOVEMBER + 90)) == [NOVEMBER + 68, NOVEMBER + 69, NOVEMBER + 70]


def test_series_do_not_mix(shelf: Path) -> None:
    add(Series(*SERIES), candles(1))
    add(Series("sandbox", *SERIES[1:]), candles(2))
    add(Series("binance", "futures", "BTCUSDT", "1m"), candles(3))
    add(Series("binance", "spot", "币安人生USDT", "1m"), candles(4))
    found = [
        numbers_of(store.history(*of, "1m", start_ms=FIRST, end_ms=FIRST + DAY_MS))
        for of in (
            MINUTES,
            ("sandbox", "spot", "BTCUSDT"),
            ("binance", "futures", "BTCUSDT"),
            ("binance", "spot", "币安人生USDT"),
        )
    ]
    assert found == [[1], [2], [3], [4]]
    assert len(list(shelf.iterdir())) == 4


def test_a_block_damaged_in_the_database_is_an_error_not_a_candle(shelf: Path) -> None:
    add(Series(*SERIES), candles(*range(10)))
    block = CandleBlock.objects.get()
    block.columns = b"\x01" + bytes(block.columns)[1:]
    block.save()
    with pytest.raises(store.DamagedBlock):
        history(0, 20)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_read_and_damage_the_cache(shelf: Path) -> None:
    add(Series(*SERIES), candles(*range(NOVEMBER - 3000, NOVEMBER + 3000)))
    whole = store.fingerprint(history(0, 2 * NOVEMBER))
    found: list[str] = []
    errors: list[BaseException] = []

    def reader() -> None:
        try:
            found.extend(store.fingerprint(history(0, 2 * NOVEMBER)) for _ in range(20))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=reader) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        for file in list(shelf.glob("*.i64")):
            (_lost if number % 2 else _cut_short)(file) if file.exists() else None
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(found) == {whole}


@pytest.mark.parametrize("interval", [name for name in INTERVAL_MS if name != "1m"])
def test_coarser_candles_are_made_of_minutes(interval: str) -> None:
    holes = {0, 4, 5, 1439, 1440, 1500, *range(2900, 3000), 4320}
    numbers = [number for number in range(3 * 1440) if number not in holes]
    add(Series(*SERIES), candles(-1, *numbers, 4321))
    found = history(0, 3 * 1440, interval)
    step = INTERVAL_MS[interval] // MINUTE_MS
    expected = []
    for first in range(0, 3 * 1440, step):
        rows = [candle(number) for number in range(first, first + step) if number not in holes]
        if rows:
            of = list(zip(*rows, strict=True))
            expected.append((opening(first), of[1][0], max(of[2]), min(of[3]), of[4][-1], sum(of[5])))
    assert [found.at(n) for n in range(len(found))] == expected


def test_a_coarser_candle_that_is_not_wholly_stored_is_left_out() -> None:
    add(Series(*SERIES), candles(*range(2, 13)))
    assert numbers_of(history(0, 60, "5m")) == [5]
    assert len(history(0, 4, "5m")) == 0
    assert numbers_of(history(0, 60, "3m")) == [3, 6, 9]


def test_what_is_known_of_a_symbol() -> None:
    assert store.known_range(*MINUTES) is None
    insert(Series(*SERIES), candles(NOVEMBER + 5, NOVEMBER + 7))
    assert store.known_range(*MINUTES) == (opening(NOVEMBER + 5), opening(NOVEMBER + 7))
    add(Series(*SERIES), candles(3, 9, NOVEMBER + 1, NOVEMBER + 9))
    assert store.known_range(*MINUTES) == (opening(3), opening(NOVEMBER + 9))
    insert(Series(*SERIES), candles(1))
    assert store.known_range(*MINUTES) == (opening(1), opening(NOVEMBER + 9))
    assert store.known_range("sandbox", "spot", "BTCUSDT") is None


def test_equal_candles_have_equal_fingerprints() -> None:
    add(Series(*SERIES), candles(*range(30)))
    plain = candles(*range(30))
    assert store.fingerprint(history(0, 30)) == store.fingerprint(plain)
    for column in range(6):
        rows = [list(candle(number)) for number in range(30)]
        rows[7][column] += 1
        assert store.fingerprint(candles_of(map(tuple, rows))) != store.fingerprint(plain)


def test_a_long_series_comes_back_to_the_last_digit() -> None:
    numbers = np.arange(HALF_A_YEAR, dtype=np.int64)
    prices = np.random.default_rng(5).integers(1, 2**62, size=(5, HALF_A_YEAR))
    whole = Candles(FIRST + numbers * MINUTE_MS, *prices)
    add(Series(*SERIES), whole)
    assert CandleBlock.objects.count() == 6
    assert store.fingerprint(history(0, HALF_A_YEAR)) == store.fingerprint(whole)


def test_adding_is_all_or_nothing_and_changes_no_candle() -> None:
    series = Series(*SERIES)
    assert add(series, candles(*range(10))) == 10
    assert add(series, candles(*range(5, 15))) == 5
    assert add(series, candles(*range(15))) == 0
    insert(series, candles(NOVEMBER + 3))
    wrong = candles_of([candle(20), candle(NOVEMBER + 2), candle(NOVEMBER + 3, volume=8)])
    with pytest.raises(store.CandlesDiffer) as refused:
        add(series, wrong)
    assert (refused.value.stored, refused.value.offered) == (
        candle(NOVEMBER + 3),
        candle(NOVEMBER + 3, volume=8),
    )
    assert numbers_of(history(0, 2 * NOVEMBER)) == [*range(15), NOVEMBER + 3]
