"""RSI(2) by hand: the averages of gains and losses begin with the mean of the first two changes."""

import numpy as np
import pytest

from engine.market import Candles, candles_of
from engine.strategies import InvalidParams, Signals, params_dict, parse_params, strategy

QUICK = {"rsi_period": 2, "rsi_oversold": 30, "rsi_overbought": 70}


def signals_of(candles: Candles, **params: int) -> Signals:
    return strategy("rsi").signals(candles, parse_params("rsi", params))


def closes(*values: int) -> Candles:
    return candles_of(
        (n * 60_000, v * 10**8, v * 10**8, v * 10**8, v * 10**8, 1) for n, v in enumerate(values)
    )


def at(flags: np.ndarray) -> list[int]:
    return list(map(int, np.flatnonzero(flags)))


def test_defaults_are_the_fields() -> None:
    assert params_dict(parse_params("rsi", {})) == {
        "rsi_period": 14,
        "rsi_oversold": 30,
        "rsi_overbought": 70,
    }


def test_levels_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidParams) as refusal:
        parse_params("rsi", {"rsi_oversold": 70})
    assert refusal.value.errors == {"rsi_oversold": "Must be smaller than the overbought level (70)."}


def test_it_enters_out_of_oversold_and_leaves_out_of_overbought() -> None:
    # RSI:           -   -   0   0  50  75  87.5 43.75 17.5
    candles = closes(20, 18, 16, 14, 16, 18, 20, 18, 15)
    signals = signals_of(candles, **QUICK)
    assert at(signals.ready) == [3, 4, 5, 6, 7, 8]
    assert at(signals.long_entry) == at(signals.short_exit) == [4]
    assert at(signals.long_exit) == at(signals.short_entry) == [7]


def test_touching_a_level_is_not_crossing_it() -> None:
    """RSI(2): 0, 0, then exactly 50 (gain 1, loss 1), then 75 (gain 1.5, loss 0.5)."""
    candles = closes(20, 18, 16, 14, 16, 18)
    touched = signals_of(candles, rsi_period=2, rsi_oversold=50, rsi_overbought=90)
    assert at(touched.long_entry) == [5]
    crossed = signals_of(candles, rsi_period=2, rsi_oversold=49, rsi_overbought=90)
    assert at(crossed.long_entry) == [4]


def test_a_crossing_out_of_the_warm_up_is_none() -> None:
    """The first RSI, at candle 2, is 100: nothing is known of the candle before it."""
    candles = closes(10, 11, 12, 9)
    assert at(signals_of(candles, **QUICK).long_exit) == [3]
    assert at(signals_of(candles[:3], **QUICK).ready) == []
