import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market import (
    DAY_MS,
    INTERVAL_MS,
    MINUTE_MS,
    Candles,
    UnknownInterval,
    candles_of,
    concat,
    day_of,
    interval_ms,
    last_closed_opening,
    opening_of,
    prices,
    resample,
)

instants = st.integers(0, 2**42)
intervals = st.sampled_from(sorted(INTERVAL_MS))


@given(instants, intervals)
def test_an_opening_contains_its_instant(at: int, interval: str) -> None:
    opening = opening_of(at, interval)
    assert opening <= at < opening + interval_ms(interval)
    assert opening % interval_ms(interval) == 0
    assert day_of(opening) == day_of(at) == at // DAY_MS


@given(instants, intervals)
def test_the_last_closed_candle_is_closed_and_the_next_is_not(at: int, interval: str) -> None:
    length = interval_ms(interval)
    opening = last_closed_opening(at, interval)
    assert opening + length <= at < opening + 2 * length


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(UnknownInterval):
        interval_ms("7m")


def minutes(first_ms: int, count: int, *, without: frozenset[int] = frozenset()) -> Candles:
    """Minute n: open 10n, high 10n + 7, low 10n - 7, close 10n + 3, volume n + 1."""
    rows = [
        (first_ms + n * MINUTE_MS, 10 * n, 10 * n + 7, 10 * n - 7, 10 * n + 3, n + 1)
        for n in range(count)
        if n not in without
    ]
    return candles_of(rows)


def test_three_minutes_become_one_candle() -> None:
    coarse = resample(minutes(0, 6), "3m")
    assert [coarse.at(n) for n in range(len(coarse))] == [
        (0, 0, 27, -7, 23, 6),
        (180_000, 30, 57, 23, 53, 15),
    ]


def test_unfinished_candles_are_left_out_at_both_ends() -> None:
    assert resample(minutes(MINUTE_MS, 7), "3m").open_ms.tolist() == [180_000]


def test_the_running_candle_comes_on_request() -> None:
    coarse = resample(minutes(0, 4), "3m", running=True)
    assert coarse.at(-1) == (180_000, 30, 37, 23, 33, 4)


def test_a_gap_inside_does_not_lose_the_candle() -> None:
    coarse = resample(minutes(0, 9, without=frozenset({3, 4})), "3m")
    assert coarse.open_ms.tolist() == [0, 180_000, 360_000]
    assert coarse.at(1) == (180_000, 50, 57, 43, 53, 6)


def test_resampling_in_two_strides_equals_one(candles: Candles) -> None:
    hours = resample(candles, "1h")
    by_way_of = resample(resample(candles, "5m"), "1h", source="5m")
    assert len(hours) == 83
    for one, two in zip(hours.columns(), by_way_of.columns(), strict=True):
        assert one.tolist() == two.tolist()


def test_resampling_agrees_with_a_plain_loop(candles: Candles) -> None:
    coarse = resample(candles, "15m")
    for number in range(0, len(coarse), 50):
        opening = int(coarse.open_ms[number])
        rows = [
            candles.at(i) for i in range(len(candles)) if opening <= candles.open_ms[i] < opening + 900_000
        ]
        assert coarse.at(number) == (
            opening,
            rows[0].open,
            max(row.high for row in rows),
            min(row.low for row in rows),
            rows[-1].close,
            sum(row.volume for row in rows),
        )


def test_a_volume_beyond_64_bits_is_an_error_not_a_negative_number() -> None:
    row = (0, 1, 1, 1, 1, 2**62)
    with pytest.raises(OverflowError):
        resample(candles_of([row, (60_000, *row[1:]), (120_000, *row[1:])]), "3m")


def test_coarse_candles_cannot_be_made_finer() -> None:
    with pytest.raises(ValueError, match="cannot be made"):
        resample(Candles.empty(), "3m", source="5m")


def test_parts_join_in_time_only() -> None:
    whole = minutes(0, 9)
    joined = concat([whole[:4], Candles.empty(), whole[4:]])
    assert joined.close.tolist() == whole.close.tolist()
    assert len(concat([])) == 0
    with pytest.raises(ValueError, match="follow one another"):
        concat([whole[4:], whole[:5]])


def test_columns_must_be_integers_of_one_length() -> None:
    good = np.zeros(2, dtype=np.int64)
    with pytest.raises(ValueError, match="volume"):
        Candles(good, good, good, good, good, np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match="close"):
        Candles(good, good, good, good, np.zeros(2), good)  # type: ignore[arg-type]


def test_prices_are_floats_for_indicators() -> None:
    assert prices(candles_of([(0, 1, 2, 1, 250_000_000, 0)]).close).tolist() == [2.5]
