"""Missing minutes come from the venue page by page; what it does not have is recorded, and asked for once only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange import candles as store
from exchange.candles.asking import LONGEST_WAIT_SECONDS
from exchange.candles.blocks import add
from exchange.candles.store import Series, insert
from exchange.models import CandleBlock, CandleGap, CandleRow
from exchange.port import RateLimited, Unavailable
from tests.exchange.candle_tape import MINUTES, SERIES, NumberedMinutes, candles, numbers_of, opening

pytestmark = pytest.mark.django_db

HOUR = 60 * 60_000


@pytest.fixture(autouse=True)
def _own_cache(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def ensure(venue: NumberedMinutes, start: int, end: int, **how: Any) -> store.Ensured:
    return store.ensure(venue, *MINUTES, start_ms=opening(start), end_ms=opening(end), **how)


def held(start: int, end: int) -> list[int]:
    return numbers_of(store.history(*MINUTES, "1m", start_ms=opening(start), end_ms=opening(end)))


def gaps(*pairs: tuple[int, int]) -> list[store.Gap]:
    return [store.Gap(opening(first), opening(last)) for first, last in pairs]


def test_a_stretch_is_fetched_in_pages_straight_into_blocks() -> None:
    venue = NumberedMinutes(now=5000)
    assert ensure(venue, 100, 2600) == store.Ensured(2500, store.Absent([], []))
    assert venue.asked == [(100, 2600), (1099, 2600), (2098, 2600)]
    assert held(0, 5000) == list(range(100, 2600))
    assert (CandleBlock.objects.count(), CandleRow.objects.count()) == (1, 0)


def test_what_is_stored_is_not_asked_for_again() -> None:
    venue = NumberedMinutes(now=5000)
    ensure(venue, 100, 300)
    assert ensure(venue, 100, 300).fetched == 0
    assert len(venue.asked) == 1
    insert(Series(*SERIES), candles(*range(310, 320)))
    assert ensure(venue, 50, 400).fetched == 50 + 10 + 80
    assert venue.asked[1:] == [(50, 100), (300, 310), (320, 400)]
    assert held(0, 5000) == list(range(50, 400))


def test_gaps_of_the_exchange_are_recorded_and_asked_for_once() -> None:
    venue = NumberedMinutes(now=5000, first=130, holes=frozenset({150, 151, 999, 1700}))
    missing = gaps((100, 129), (150, 151), (999, 999), (1700, 1700))
    assert ensure(venue, 100, 2000) == store.Ensured(1866, store.Absent([], missing))
    asked = len(venue.asked)
    assert ensure(venue, 100, 2000) == store.Ensured(0, store.Absent([], missing))
    assert ensure(venue, 110, 1000).absent.known == gaps((110, 129), (150, 151), (999, 999))
    assert len(venue.asked) == asked
    assert CandleGap.objects.count() == 4


def test_a_gap_longer_than_a_page_is_one_gap() -> None:
    venue = NumberedMinutes(now=9000, holes=frozenset(range(500, 3500)))
    assert ensure(venue, 0, 4000).absent == store.Absent([], gaps((500, 3499)))
    assert held(0, 4000) == [*range(500), *range(3500, 4000)]


def test_a_recorded_gap_that_is_imported_later_is_none_any_more() -> None:
    venue = NumberedMinutes(now=5000, holes=frozenset({150, 151, 152}))
    ensure(venue, 100, 200)
    add(Series(*SERIES), candles(151))
    absent = store.absent(*MINUTES, start_ms=opening(100), end_ms=opening(200))
    assert absent == store.Absent([], gaps((150, 150), (152, 152)))


def test_what_nobody_was_asked_about_is_unknown() -> None:
    insert(Series(*SERIES), candles(5, 8))
    absent = store.absent(*MINUTES, start_ms=opening(4), end_ms=opening(10))
    assert absent == store.Absent(gaps((4, 4), (6, 7), (9, 9)), [])
    assert store.absent(*MINUTES, start_ms=opening(4), end_ms=opening(4)) == store.Absent([], [])


def test_the_running_minute_is_left_out_and_comes_once_it_is_over() -> None:
    venue = NumberedMinutes(now=50, late_ms=30_000)
    assert ensure(venue, 40, 60) == store.Ensured(10, store.Absent(gaps((50, 59)), []))
    venue.now, venue.time_ms = 52, opening(53)
    assert ensure(venue, 40, 60) == store.Ensured(3, store.Absent(gaps((53, 59)), []))
    found = store.history(*MINUTES, "1m", start_ms=opening(40), end_ms=opening(60))
    assert set(found.volume.tolist()) == {7}


def test_a_market_that_stopped_is_certain_after_an_hour() -> None:
    venue = NumberedMinutes(now=50, late_ms=30 * 60_000)
    assert ensure(venue, 40, 70).absent == store.Absent(gaps((51, 69)), [])
    venue.time_ms = opening(65) + HOUR
    assert ensure(venue, 40, 70).absent == store.Absent(gaps((65, 69)), gaps((51, 64)))
    assert ensure(venue, 51, 60).absent == store.Absent([], gaps((51, 59)))


def test_a_stretch_without_any_candle_is_certain_after_an_hour() -> None:
    venue = NumberedMinutes(now=50, first=45)
    venue.time_ms = opening(200)
    assert ensure(venue, 60, 80).absent == store.Absent([], gaps((60, 79)))


def test_progress_is_told_after_every_answer() -> None:
    insert(Series(*SERIES), candles(*range(1500, 1600)))
    told: list[tuple[int, int]] = []
    ensure(NumberedMinutes(now=5000), 0, 2500, progress=lambda done, total: told.append((done, total)))
    assert told == [(999, 2400), (1500, 2400), (2400, 2400)]


def test_cancelled_it_keeps_what_came_and_goes_on_from_there() -> None:
    venue = NumberedMinutes(now=9000)
    with pytest.raises(store.FetchCancelled):
        ensure(venue, 0, 5000, is_cancelled=lambda: len(venue.asked) == 2)
    assert held(0, 5000) == list(range(1998))
    assert ensure(venue, 0, 5000).fetched == 5000 - 1998
    assert venue.asked[2][0] == 1998


def test_an_exchange_that_fails_in_between_loses_nothing_that_came() -> None:
    venue = NumberedMinutes(now=9000)
    failing = iter([False, True])

    def fails(done: int, total: int) -> None:
        if next(failing):
            venue.answers.append(Unavailable("gone"))

    with pytest.raises(Unavailable):
        ensure(venue, 0, 5000, progress=fails)
    assert held(0, 5000) == list(range(1998))
    assert CandleGap.objects.count() == 0


def test_an_exchange_that_asks_to_wait_is_waited_for() -> None:
    venue = NumberedMinutes(now=900)
    venue.answers = [RateLimited(3), RateLimited(2)]
    slept: list[float] = []
    assert ensure(venue, 0, 100, sleep=slept.append).fetched == 100
    assert sum(slept) == 5


def test_who_is_cancelled_does_not_wait_to_the_end() -> None:
    venue = NumberedMinutes(now=900)
    venue.answers = [RateLimited(90)]
    slept: list[float] = []
    with pytest.raises(store.FetchCancelled):
        ensure(venue, 0, 100, sleep=slept.append, is_cancelled=lambda: len(slept) == 3)
    assert len(slept) == 3


@pytest.mark.parametrize("answers", [[RateLimited(LONGEST_WAIT_SECONDS + 1)], [RateLimited(1)] * 5])
def test_patience_ends(answers: list[Exception]) -> None:
    venue = NumberedMinutes(now=900)
    venue.answers = list(answers)
    with pytest.raises(RateLimited):
        ensure(venue, 0, 100, sleep=lambda seconds: None)
    assert venue.answers == []


def test_more_than_a_month_is_stored_on_the_way() -> None:
    venue = NumberedMinutes(now=200_000)
    seen: list[int] = []
    ensure(venue, 0, 90_000, progress=lambda done, total: seen.append(CandleBlock.objects.count()))
    assert seen[:41][-1] == 1
    assert len(held(0, 90_000)) == 90_000
    assert sorted(CandleBlock.objects.values_list("count", flat=True)) == [2160, 43_200, 44_640]
