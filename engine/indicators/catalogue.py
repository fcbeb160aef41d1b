"""pandas-ta's catalogue, for whatever has no kernel of ours: imported on first use, because it costs 100 MB.

It is always told `talib=False`, so that no value depends on what else happens to be installed on a machine.
"""

import importlib
import inspect
from functools import cache
from typing import Any

import numpy as np

from engine.market import Candles, FloatArray, prices


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
