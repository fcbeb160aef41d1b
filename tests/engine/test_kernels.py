"""TA-Lib is the independent oracle, the candles are the recorded ones; two ways to run one source: the same bits."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators import (
    atr,
    atr_window,
    bollinger,
    bollinger_window,
    computing_once,
    crossing,
    ema,
    kernels,
    macd,
    macd_window,
    rsi,
    sma,
    volume_ratio,
)
from engine.indicators.running import LONG, Kernel, run, run_compiled, run_plain
from engine.market import Candles, FloatArray
from exchange.sandbox.tape import load_tapes

# Every kernel: its name, its numbers, how many vectors it fills. ATR alone wants more than the closes.
KERNELS: list[tuple[Kernel, tuple[float, ...], int]] = [
    (kernels.sma, (20,), 1),
    (kernels.ema, (21,), 1),
    (kernels.rsi, (14,), 1),
    (kernels.macd, (12, 26, 9), 2),
    (kernels.bollinger, (20, 2.0), 3),
    (kernels.atr, (14,), 1),
    (kernels.crossing, (8, 21, 14), 3),
]
SYMBOLS = ["BTCUSDT", "ETHUSDT"]


@pytest.fixture(scope="module", params=SYMBOLS)
def recording(request: pytest.FixtureRequest) -> Candles:
    """All recorded minutes of one symbol: long enough that kernels run compiled."""
    tape = load_tapes()[request.param]
    times = tape.first_open_ms + 60_000 * np.arange(len(tape), dtype=np.int64)
    columns = (column * tape.tick_e8 for column in (tape.open, tape.high, tape.low, tape.close))
    candles = Candles(times, *columns, tape.volume)
    assert len(candles) > LONG
    return candles


def inputs_of(kernel: Kernel, candles: Candles) -> list[FloatArray]:
    return [candles.highs, candles.lows, candles.closes] if kernel is kernels.atr else [candles.closes]


def assert_equals(ours: FloatArray, oracle: FloatArray, *, atol: float = 0.0) -> None:
    """NaN in the same places, and 1e-9 of the value everywhere else."""
    assert np.array_equal(np.isnan(ours), np.isnan(oracle))
    known = ~np.isnan(oracle)
    np.testing.assert_allclose(ours[known], oracle[known], rtol=1e-9, atol=atol)


@pytest.mark.parametrize("length", [2, 7, 8, 14, 21, 200])
def test_averages_and_rsi_equal_ta_lib(recording: Candles, length: int) -> None:
    close = recording.closes
    assert_equals(sma(close, length), talib.SMA(close, length))
    assert_equals(ema(close, length), talib.EMA(close, length))
    assert_equals(rsi(close, length), talib.RSI(close, length))


@pytest.mark.parametrize("lengths", [(12, 26, 9), (3, 10, 16), (5, 35, 5)])
def test_macd_equals_ta_lib(recording: Candles, lengths: tuple[int, int, int]) -> None:
    """A difference of two averages near zero has no digits to compare: there, 1e-14 of the price is nothing."""
    close = recording.closes
    line, signal, _difference = talib.MACD(close, *lengths)
    ours = macd(close, *lengths)
    nothing = 1e-14 * float(close.max())
    assert_equals(ours.line, line, atol=nothing)
    assert_equals(ours.signal, signal, atol=nothing)


@pytest.mark.parametrize(("length", "deviations"), [(20, 2.0), (5, 1.5), (100, 3.0)])
def test_bollinger_bands_equal_ta_lib(recording: Candles, length: int, deviations: float) -> None:
    close = recording.closes
    upper, middle, lower = talib.BBANDS(close, length, deviations, deviations)
    ours = bollinger(close, length, deviations)
    for mine, oracle in zip(ours, (lower, middle, upper), strict=True):
        assert_equals(mine, oracle)


@pytest.mark.parametrize("length", [2, 14, 50])
def test_atr_equals_ta_lib(recording: Candles, length: int) -> None:
    high, low, close = recording.highs, recording.lows, recording.closes
    assert_equals(atr(high, low, close, length), talib.ATR(high, low, close, length))


def test_a_volume_ratio_is_the_volume_over_its_average(recording: Candles) -> None:
    volume = recording.volumes
    assert_equals(volume_ratio(volume, 20), volume / talib.SMA(volume, 20))
    silent = np.array([1.0, 2.0, 0.0, 0.0, 0.0, 3.0])
    assert np.nan_to_num(volume_ratio(silent, 2), nan=-1.0).tolist() == [-1.0, 4 / 3, 0.0, 0.0, 0.0, 2.0]


@pytest.mark.parametrize(("kernel", "numbers", "fills"), KERNELS)
def test_plain_and_compiled_give_the_same_bits(
    recording: Candles, kernel: Kernel, numbers: tuple[float, ...], fills: int
) -> None:
    for part in (recording[:LONG], recording[-500:], recording[:3], recording[:0]):
        plain = run_plain(kernel, *inputs_of(kernel, part), numbers=numbers, fills=fills)
        fast = run_compiled(kernel, *inputs_of(kernel, part), numbers=numbers, fills=fills)
        assert [values.tobytes() for values in plain] == [values.tobytes() for values in fast]
        assert all(len(values) == len(part) and values.dtype == np.float64 for values in plain)


@settings(max_examples=60, deadline=None)
@given(
    closes=st.lists(st.integers(1, 10**14), max_size=120),
    length=st.integers(1, 30),
    chosen=st.sampled_from([kernels.sma, kernels.ema, kernels.rsi]),
)
def test_any_prices_give_the_same_bits(closes: list[int], length: int, chosen: Kernel) -> None:
    values = np.array(closes, dtype=np.int64) / 1e8
    (plain,), (fast,) = (way(chosen, values, numbers=(length,)) for way in (run_plain, run_compiled))
    assert plain.tobytes() == fast.tobytes()


def test_all_edges_of_lengths_give_the_same_bits() -> None:
    values = np.array([5.0, 7.0, 6.0, 6.0, 9.0, 1.0])
    cases: list[tuple[Kernel, tuple[float, ...], int]] = [
        *((kernels.crossing, (1, slow, length), 3) for slow in (2, 5, 6, 7) for length in (1, 4, 5, 6, 7)),
        *((kernels.macd, (1, 2, smooth), 2) for smooth in (1, 2, 6, 7)),
        *((kernels.bollinger, (length, 2.0), 3) for length in (1, 2, 6, 7)),
    ]
    for kernel, numbers, fills in cases:
        plain = run_plain(kernel, values, numbers=numbers, fills=fills)
        fast = run_compiled(kernel, values, numbers=numbers, fills=fills)
        assert [one.tobytes() for one in plain] == [one.tobytes() for one in fast]


@settings(max_examples=60, deadline=None)
@given(
    closes=st.lists(st.integers(1, 10**14), max_size=120),
    fast=st.integers(1, 30),
    slow=st.integers(1, 60),
    length=st.integers(1, 40),
)
def test_side_by_side_has_the_bits_of_each_by_itself(
    closes: list[int], fast: int, slow: int, length: int
) -> None:
    values = np.array(closes, dtype=np.int64) / 1e8
    alone = ema(values, fast), ema(values, slow), rsi(values, length)
    for way in (run_plain, run_compiled):
        found = way(kernels.crossing, values, numbers=(fast, slow, length), fills=3)
        assert [one.tobytes() for one in found] == [one.tobytes() for one in alone]
    with computing_once():
        assert crossing(values, fast, slow, length).fast is ema(values, fast)


def test_a_vector_may_be_writable_or_not_and_lie_anywhere(recording: Candles) -> None:
    closes = recording.closes
    own = closes.copy()
    every_other = np.repeat(closes, 2)[::2]
    expected = run(kernels.ema, closes, numbers=(9,))[0].tobytes()
    assert run(kernels.ema, own, numbers=(9,))[0].tobytes() == expected
    assert run(kernels.ema, every_other, numbers=(9,))[0].tobytes() == expected
    assert own.flags.writeable


def test_bands_of_a_price_that_stands_still_lie_on_it() -> None:
    still = np.full(100, 0.1)
    bands = bollinger(still, 20, 2.0)
    assert {values[50] for values in bands} == {0.1}
    assert sma(still, 7)[-1] == 0.1


def test_bands_by_hand() -> None:
    """2, 4, 4, 4, 5, 5, 7, 9: mean 5, population deviation 2."""
    lower, middle, upper = bollinger(np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 8, 1.5)
    assert (lower[-1], middle[-1], upper[-1]) == (2.0, 5.0, 8.0)


def test_atr_by_hand() -> None:
    """True ranges 3 (a gap up counts from the last close), 2, then 4: (3 + 2) / 2, then (2.5 + 4) / 2."""
    high, low = np.array([10.0, 13.0, 12.0, 15.0]), np.array([9.0, 11.0, 10.0, 11.0])
    close = np.array([10.0, 12.0, 11.0, 14.0])
    assert atr(high, low, close, 2)[2:].tolist() == [2.5, 3.25]


def test_windows_are_long_enough(recording: Candles) -> None:
    """At 30 places of the recording, the window's last value is that of the whole history (SPEC §5.1)."""
    close, high, low = recording.closes, recording.highs, recording.lows
    whole: dict[str, Any] = {
        "macd": (macd(close, 12, 26, 9).line, macd(close, 12, 26, 9).signal),
        "bollinger": bollinger(close, 20, 2.0),
        "atr": (atr(high, low, close, 14),),
    }
    for end in np.linspace(5_000, len(close), 30, dtype=int):
        first = {
            "macd": end - macd_window(12, 26, 9),
            "bollinger": end - bollinger_window(20),
            "atr": end - atr_window(14),
        }
        parts: dict[str, Any] = {
            "macd": macd(close[first["macd"] : end], 12, 26, 9),
            "bollinger": bollinger(close[first["bollinger"] : end], 20, 2.0),
            "atr": (atr(*(column[first["atr"] : end] for column in (high, low, close)), 14),),
        }
        nothing = 1e-14 * float(close[end - 1])
        for name, vectors in parts.items():
            for mine, full in zip(vectors, whole[name], strict=True):
                np.testing.assert_allclose(mine[-1], full[end - 1], rtol=1e-9, atol=nothing, err_msg=name)


def test_short_windows_load_no_compiler() -> None:
    """What trades live stays small: 60 MB less in every worker, and no waiting for a compiler."""
    program = (
        "import sys, numpy\n"
        "from engine.indicators import ema, macd, bollinger, rsi\n"
        "values = numpy.arange(1.0, 501.0)\n"
        "ema(values, 8), rsi(values, 14), macd(values, 12, 26, 9), bollinger(values, 20, 2.0)\n"
        "print(sorted({'numba', 'pandas', 'pandas_ta'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_mean_knows_only_its_own_values(recording: Candles) -> None:
    """To the last bit, so that a tie is a tie in a live window and in a backtest."""
    close = recording.closes
    whole, bands = sma(close, 20), bollinger(close, 20, 2.0)
    for end in range(1_000, 3_000, 37):
        part = close[end - 20 : end]
        assert sma(part, 20)[-1] == whole[end - 1]
        assert [values[-1] for values in bollinger(part, 20, 2.0)] == [values[end - 1] for values in bands]
