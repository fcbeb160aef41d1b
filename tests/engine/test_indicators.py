"""TA-Lib is the independent oracle; the candles are real."""

import numpy as np
import pytest
import talib

from engine.indicators import (
    UnknownIndicator,
    all_studies,
    computing_once,
    ema,
    ema_window,
    rsi,
    rsi_window,
    study,
)
from engine.market import Candles, FloatArray, prices

LENGTHS = [2, 3, 7, 8, 14, 21, 55, 100, 200]


def assert_equal_after_warm_up(ours: FloatArray, oracle: FloatArray) -> None:
    assert np.isnan(ours).tolist() == np.isnan(oracle).tolist()
    known = ~np.isnan(oracle)
    np.testing.assert_allclose(ours[known], oracle[known], rtol=1e-9, atol=0)


@pytest.mark.parametrize("length", LENGTHS)
def test_ema_equals_ta_lib(candles: Candles, length: int) -> None:
    close = prices(candles.close)
    assert_equal_after_warm_up(ema(close, length), talib.EMA(close, length))


@pytest.mark.parametrize("length", LENGTHS)
def test_rsi_equals_ta_lib(candles: Candles, length: int) -> None:
    close = prices(candles.close)
    assert_equal_after_warm_up(rsi(close, length), talib.RSI(close, length))


def test_an_ema_of_one_is_the_price_itself(candles: Candles) -> None:
    close = prices(candles.close[:50])
    assert ema(close, 1).tolist() == close.tolist()


def test_rsi_where_nothing_moves_is_ta_libs_zero() -> None:
    still = np.full(30, 100.0)
    assert_equal_after_warm_up(rsi(still, 7), talib.RSI(still, 7))
    assert rsi(still, 7)[-1] == 0.0


def test_rsi_by_hand() -> None:
    """Changes +2 -1 +3 | -2 with length 3: averages 5/3 and 1/3, then 10/9 and 8/9."""
    values = np.array([10.0, 12.0, 11.0, 14.0, 12.0])
    np.testing.assert_allclose(rsi(values, 3)[3:], [100 * 5 / 6, 100 * 10 / 18], rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1, 6, 7])
def test_too_few_values_give_no_numbers(count: int) -> None:
    values = np.arange(1.0, count + 1)
    assert np.isnan(rsi(values, 7)).all()
    assert np.isnan(ema(values, 8)).all()
    assert len(rsi(values, 7)) == len(ema(values, 8)) == count


@pytest.mark.parametrize("length", LENGTHS)
def test_windows_are_long_enough(candles: Candles, length: int) -> None:
    """At 40 places of the recording, the window's last value is that of the whole history."""
    close = prices(candles.close)
    for function, needed in ((ema, ema_window(length)), (rsi, rsi_window(length))):
        if needed > len(close) - 1_000:
            continue  # RSI 200, twice the longest that a strategy takes: the recording is too short
        whole = function(close, length)
        for end in np.linspace(max(needed, 2_000), len(close), 40, dtype=int):
            last = function(close[end - needed : end], length)[-1]
            np.testing.assert_allclose(last, whole[end - 1], rtol=1e-9, atol=0)


def test_any_indicator_of_the_catalogue_can_be_a_study(candles: Candles) -> None:
    high, low, close = (prices(column) for column in (candles.high, candles.low, candles.close))
    bands = study("bbands", candles, length=20)
    upper, middle, lower = talib.BBANDS(close, 20)
    assert len(bands) == 5
    assert_equal_after_warm_up(bands["BBM_20_2.0_2.0"], middle)
    assert len(study("atr", candles, length=14)["ATRr_14"]) == len(close)
    assert_equal_after_warm_up(
        study("willr", candles, length=14)["WILLR_14"], talib.WILLR(high, low, close, 14)
    )
    assert {"ema", "rsi", "macd", "obv", "supertrend"} <= set(all_studies())


def test_a_study_of_too_few_candles_is_empty(candles: Candles) -> None:
    assert study("ema", candles[:3], length=8) == {}


@pytest.mark.parametrize("name", ["nonsense", "__builtins__", "Category", "os"])
def test_only_indicators_answer_to_a_name(candles: Candles, name: str) -> None:
    with pytest.raises(UnknownIndicator):
        study(name, candles)


def test_asked_twice_of_the_same_candles_a_kernel_computes_once(candles: Candles) -> None:
    part = candles[:300]
    alone = ema(part.closes, 21), rsi(part.closes, 14)
    assert ema(part.closes, 21) is not alone[0]
    with computing_once():
        first, second = ema(part.closes, 21), ema(part.closes, 21)
        other, elsewhere = ema(part.closes, 8), ema(candles[1:301].closes, 21)
        assert first is second
        assert rsi(part.closes, 14) is rsi(part.closes, 14)
        assert first.tolist()[20:] == alone[0].tolist()[20:]
        assert first.tolist()[20:] != elsewhere.tolist()[20:]
        assert other.tolist()[20:] != first.tolist()[20:]
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 1.0
    assert ema(part.closes, 21) is not first
