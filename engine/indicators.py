"""The only door to pandas-ta: indicators over float vectors, by TA-Lib's conventions.

Values before warm-up are NaN, never guesses. pandas-ta is imported on first use and always told
`talib=False`, so that no value depends on what else happens to be installed on a machine.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, Final

import numpy as np

from engine.market import Candles, FloatArray, prices

# After this many e-foldings the seed of an average weighs 1e-14: what a window computes and what the
# full history computes agree far beyond the 1e-9 that live trading promises (SPEC §5.1), also where
# the seed was a thousand times larger than the value.
_FORGETTING: Final = 32.3


type Kernel = Callable[[FloatArray, int], FloatArray]

_computed: ContextVar[dict[tuple[str, int, int], tuple[FloatArray, FloatArray]] | None] = ContextVar(
    "_computed", default=None
)


@contextmanager
def computing_once() -> Iterator[None]:
    """Inside, a kernel's answer about the very same vector is computed once, however many strategies ask for it
    (`Candles.closes` is such a vector); at the end all is forgotten. What is shared is read-only."""
    token = _computed.set({})
    try:
        yield
    finally:
        _computed.reset(token)


def _once(kernel: Kernel) -> Kernel:
    @wraps(kernel)
    def asked(values: FloatArray, length: int) -> FloatArray:
        computed = _computed.get()
        if computed is None:
            return kernel(values, length)
        key = kernel.__name__, id(values), length
        if key not in computed:
            answer = kernel(values, length)
            answer.setflags(write=False)
            computed[key] = values, answer  # as long as the vector is kept, its id is nobody else's
        return computed[key][1]

    return asked


class UnknownIndicator(KeyError):
    """pandas-ta has no indicator of that name."""


@cache
def _pandas_ta() -> Any:
    import pandas_ta

    return pandas_ta


@cache
def _pandas() -> Any:
    return importlib.import_module("pandas")  # by name: its type stubs are a package of their own


def _series(values: FloatArray) -> Any:
    return _pandas().Series(values)


@_once
def ema(values: FloatArray, length: int) -> FloatArray:
    """Exponential moving average, α = 2 / (length + 1), seeded with the SMA of the first `length` values.

    A kernel of our own, equal to TA-Lib's to the last digits: every bot asks for it, and pandas would cost each process
    100 MB and each question half a millisecond. First value at index length - 1.
    """
    result = np.full(len(values), np.nan)
    if len(values) < length:
        return result
    weight = 2.0 / (length + 1)
    average = sum(values[:length].tolist()) / length
    result[length - 1] = average
    rest = 1.0 - weight
    result[length:] = [average := weight * value + rest * average for value in values[length:].tolist()]
    return result


@_once
def rsi(values: FloatArray, length: int) -> FloatArray:
    """Relative strength index (Wilder 1978), its averages seeded with the SMA of the first `length` changes.

    A kernel of our own, because pandas-ta's RSI starts its averages at the first change instead of
    an SMA and so differs from TA-Lib by up to 16 points early on. First value at index `length`;
    0 where nothing moved at all, as TA-Lib has it.
    """
    result = np.full(len(values), np.nan)
    if len(values) <= length:
        return result
    changes = np.diff(values)
    gain = _wilder(np.maximum(changes, 0.0), length)
    total = gain + _wilder(np.maximum(-changes, 0.0), length)
    has_moved = total > 1e-14
    result[length:] = 100.0 * np.divide(gain, total, out=np.zeros_like(total), where=has_moved)
    return result


def _wilder(values: FloatArray, length: int) -> FloatArray:
    """Wilder's average from index length - 1 on, seeded with the SMA of the first `length` values."""
    rest = length - 1
    seed = average = sum(values[:length].tolist()) / length
    following = [average := (average * rest + value) / length for value in values[length:].tolist()]
    return np.array([seed, *following])


def ema_window(length: int) -> int:
    """Values needed so that the last average no longer knows where the window began."""
    return length + _memory(2.0 / (length + 1))


def rsi_window(length: int) -> int:
    return length + 1 + _memory(1.0 / length)


def _memory(weight: float) -> int:
    return 1 if weight >= 1.0 else int(np.ceil(_FORGETTING / -np.log1p(-weight)))


def study(name: str, candles: Candles, **options: Any) -> dict[str, FloatArray]:
    """Any indicator of pandas-ta's catalogue over candles, for charts: {column name: values}.

    Each column is as long as the candles, NaN where it has no value; {} when the candles are too few.
    Raises `UnknownIndicator`.
    """
    function = _catalogue().get(name)
    if function is None:
        raise UnknownIndicator(name)
    accepted = inspect.signature(function).parameters
    columns = {
        "open_": candles.open,
        "high": candles.high,
        "low": candles.low,
        "close": candles.close,
        "volume": candles.volume,
    }
    inputs = {key: _series(prices(column)) for key, column in columns.items() if key in accepted}
    if "talib" in accepted:
        options = {**options, "talib": False}
    outcome = function(**inputs, **options)
    if outcome is None:
        return {}
    frame = outcome.to_frame() if outcome.ndim == 1 else outcome
    return {str(column): np.asarray(frame[column].to_numpy(), dtype=np.float64) for column in frame.columns}


def all_studies() -> tuple[str, ...]:
    """Names that `study` knows, sorted."""
    return tuple(sorted(_catalogue()))


@cache
def _catalogue() -> dict[str, Any]:
    """pandas-ta's indicators by name: a closed list, so that a name from outside reaches nothing else."""
    library = _pandas_ta()
    names = {name for names in library.Category.values() for name in names}
    functions = {name: getattr(library, name, None) for name in names}
    return {name: function for name, function in functions.items() if inspect.isfunction(function)}
