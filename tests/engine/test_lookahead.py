"""Every strategy is examined on real candles; strategies made to cheat are caught at their first wrong candle."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from engine.lookahead import chosen_ends, examine
from engine.market import Candles, candles_of
from engine.strategies import Signals, all_strategies, parse_params, strategy
from engine.strategies.contract import FLAGS, Strategy


@dataclass(frozen=True)
class Nothing:
    """A strategy without parameters."""


def made_of(signals: Any) -> Strategy:
    return Strategy("made", "Made", "For this test.", Nothing, signals, lambda params: 1)


def said(entry: Any) -> Signals:
    nothing = np.zeros(len(entry), dtype=np.bool_)
    return Signals(entry, nothing, nothing, nothing, np.ones(len(entry), dtype=np.bool_))


def closes(*values: int) -> Candles:
    return candles_of((n * 60_000, v, v, v, v, 1) for n, v in enumerate(values))


@pytest.mark.parametrize("name", [entry.name for entry in all_strategies()])
def test_no_strategy_looks_ahead(candles: Candles, name: str) -> None:
    found = examine(strategy(name), parse_params(name, {}), candles, most_candles=2_000, most_prefixes=1_000)
    assert found.offence is None
    assert found.boundaries == found.boundaries_compared > 20
    assert found.prefixes > 2 * found.boundaries * 0.8


def test_who_knows_the_next_close_is_caught_at_the_first_candle_that_shows_it(candles: Candles) -> None:
    def tomorrow(series: Candles, params: Any) -> Signals:
        entry = np.zeros(len(series), dtype=np.bool_)
        entry[:-1] = series.close[1:] > series.close[:-1]
        return said(entry)

    series = closes(10, 9, 8, 7, 9, 8, 7)
    found = examine(made_of(tomorrow), Nothing(), series)
    assert not found.is_clean
    assert found.offence is not None
    assert (found.offence.candle, found.offence.open_ms, found.offence.prefix) == (3, 180_000, 4)
    assert found.offence.flags == ("long_entry",)
    assert not examine(made_of(tomorrow), Nothing(), candles).is_clean


def test_who_measures_by_the_whole_series_is_caught(candles: Candles) -> None:
    """The commonest mistake: a level taken from all candles, those to come among them."""

    def below_average(series: Candles, params: Any) -> Signals:
        return said(series.closes < series.closes.mean())

    assert not examine(made_of(below_average), Nothing(), candles).is_clean


def test_a_signal_that_is_taken_back_later_is_caught() -> None:
    """It fires on the newest candle only: the whole never shows what was said live."""

    def only_now(series: Candles, params: Any) -> Signals:
        entry = np.zeros(len(series), dtype=np.bool_)
        entry[-1:] = True
        return said(entry)

    found = examine(made_of(only_now), Nothing(), closes(*range(1, 30)))
    assert found.offence is not None
    assert (found.offence.candle, found.offence.prefix) == (0, 1)


def test_a_strategy_that_fails_on_few_candles_is_told_of(candles: Candles) -> None:
    def brittle(series: Candles, params: Any) -> Signals:
        series.close[500]
        return said(np.zeros(len(series), dtype=np.bool_))

    found = examine(made_of(brittle), Nothing(), candles)
    assert found.offence is not None
    assert (found.offence.candle, found.offence.flags) == (0, ())
    assert found.offence.problem.startswith("IndexError: ")


def test_signals_of_another_length_are_told_of() -> None:
    def always_seven(series: Candles, params: Any) -> Signals:
        return said(np.zeros(7, dtype=np.bool_))

    found = examine(made_of(always_seven), Nothing(), closes(*range(1, 8)))
    assert found.offence is not None
    assert found.offence.problem == "7 signals for 1 candles"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_candles_are_hardly_any_proof(candles: Candles, count: int) -> None:
    found = examine(strategy("ema"), parse_params("ema", {}), candles[:count])
    assert (found.is_clean, found.candles, found.prefixes) == (True, count, max(0, count - 1))


def test_prefixes_are_bounded_and_spread() -> None:
    ends = chosen_ends(np.arange(0, 10_000, 3), 10_000, 100)
    assert len(ends) <= 100
    assert ends == sorted(set(ends))
    assert (ends[0], ends[-1]) == (1, 9_999)
    assert max(np.diff(ends)) < 600
    assert chosen_ends(np.array([], dtype=np.int64), 3, 100) == [1, 2]


def test_every_flag_counts(candles: Candles) -> None:
    """A cheat in any one of the five is found."""
    honest = strategy("rsi")
    params = parse_params("rsi", {})
    for name in FLAGS:

        def cheating(series: Candles, params: Any, name: str = name) -> Signals:
            right = honest.signals(series, params)
            flags = getattr(right, name).copy()
            flags[-1:] = ~flags[-1:]
            return replace(right, **{name: flags})

        found = examine(replace(honest, signals=cheating), params, candles[:600])
        assert found.offence is not None
        assert found.offence.flags == (name,)
