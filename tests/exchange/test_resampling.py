"""Coarser candles made of minutes are those an exchange builds: the sandbox, written apart, is the second opinion."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as chosen
from hypothesis import strategies as st

from engine.market import INTERVAL_MS, MINUTE_MS, Candles, candles_of, resample
from exchange import candles as store
from exchange.candles.recordings import candles_of_tape, recordings, store_recording
from exchange.sandbox.klines import Window, bars
from exchange.sandbox.market import Market
from exchange.sandbox.tape import load_tapes

COARSER = [name for name in INTERVAL_MS if name != "1m"]
EVERYTHING = 1_000_000


@cache
def market() -> Market:
    """The recorded market in recorded time."""
    return Market(load_tapes(), shift_weeks=0)


def served(symbol: str, interval: str) -> list[list[int]]:
    """Every closed candle the sandbox serves, column by column."""
    end_ms = market().end_ms(symbol)
    found = bars(market(), symbol, Window(interval, EVERYTHING), end_ms)
    closed = found.open_ms + INTERVAL_MS[interval] <= end_ms
    columns = (found.open_ms, found.open, found.high, found.low, found.close, found.volume)
    return [column[closed].tolist() for column in columns]


def lists(candles: Candles) -> list[list[int]]:
    return [column.tolist() for column in candles.columns()]


@pytest.mark.parametrize("interval", COARSER)
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_all_recorded_candles_are_those_the_sandbox_serves(symbol: str, interval: str) -> None:
    made = resample(candles_of_tape(market().tapes[symbol]), interval)
    assert len(made) == 130_708 * MINUTE_MS // INTERVAL_MS[interval]
    assert lists(made) == served(symbol, interval)


@pytest.mark.django_db
def test_and_so_are_those_read_from_the_store(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    for recording in recordings():
        store_recording(recording)
    for symbol in load_tapes():
        start_ms, end_ms = market().first_open_ms(symbol), market().end_ms(symbol)
        for interval in COARSER:
            read = store.history("binance", "spot", symbol, interval, start_ms=start_ms, end_ms=end_ms)
            assert lists(read) == served(symbol, interval)


@chosen(max_examples=60, deadline=None)
@given(
    st.sampled_from(COARSER),
    st.integers(0, 1440),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 800)), max_size=6),
    st.integers(0, 2**32),
)
def test_with_any_gaps_they_are_what_is_left_of_their_minutes(
    interval: str, first: int, holes: list[tuple[int, int]], seed: int
) -> None:
    """By the definition, candle by candle, with Python's own integers."""
    missing = {at for start, length in holes for at in range(start, start + length)}
    numbers = [first + number for number in range(3000) if number not in missing]
    drawn = np.random.default_rng(seed).integers(1, 10**12, size=(len(numbers), 5))
    rows = [(number * MINUTE_MS, *values) for number, values in zip(numbers, drawn.tolist(), strict=True)]
    step = INTERVAL_MS[interval]
    expected = []
    for opening, of_one in groupby(rows, lambda row: row[0] // step * step):
        inside = list(of_one)
        is_whole = inside[0] is not rows[0] or inside[0][0] == opening
        is_over = inside[-1] is not rows[-1] or inside[-1][0] + MINUTE_MS == opening + step
        if is_whole and is_over:
            _, opens, highs, lows, closes, volumes = zip(*inside, strict=True)
            expected.append((opening, opens[0], max(highs), min(lows), closes[-1], sum(volumes)))
    made = resample(candles_of(rows), interval)
    assert [tuple(made.at(number)) for number in range(len(made))] == expected
