"""Runs a kernel: as plain Python over a live window, compiled over a long series. Both give the same bits.

numba is imported only when a long series is asked for: what trades live stays small and never waits for a compiler.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.compiled import compiled
from engine.market import FloatArray

# As Python runs them, a series of this length costs a kernel about a millisecond.
LONG: Final = 20_000

type Kernel = Callable[..., Any]

_compiled: dict[Kernel, Any] = {}


def run(kernel: Kernel, *inputs: FloatArray, numbers: tuple[float, ...], fills: int = 1) -> list[FloatArray]:
    """The `fills` vectors that the kernel makes of the inputs, each as long as they are.

    A process that has compiled a kernel once uses it for short windows too: it is forty times as fast.
    """
    return _way(kernel, inputs)(kernel, *inputs, numbers=numbers, fills=fills)


def run_flags(
    kernel: Kernel, *inputs: FloatArray, numbers: tuple[float, ...], fills: int = 1
) -> list[NDArray[np.bool_]]:
    """The same of a kernel that fills vectors of flags."""
    return _way(kernel, inputs)(kernel, *inputs, numbers=numbers, fills=fills, kind=np.bool_)


def _way(kernel: Kernel, inputs: tuple[FloatArray, ...]) -> Callable[..., list[NDArray[Any]]]:
    return run_compiled if kernel in _compiled or len(inputs[0]) >= LONG else run_plain


def run_plain(
    kernel: Kernel,
    *inputs: FloatArray,
    numbers: tuple[float, ...],
    fills: int = 1,
    kind: type[np.generic] = np.float64,
) -> list[NDArray[Any]]:
    """Over lists: Python reads those three times as fast as vectors."""
    filled = [[0.0] * len(inputs[0]) for _ in range(fills)]
    kernel(*(values.tolist() for values in inputs), *numbers, *filled)
    return [np.array(values, dtype=kind) for values in filled]


def run_compiled(
    kernel: Kernel,
    *inputs: FloatArray,
    numbers: tuple[float, ...],
    fills: int = 1,
    kind: type[np.generic] = np.float64,
) -> list[NDArray[Any]]:
    if kernel not in _compiled:
        _compiled[kernel] = compiled(kernel)
    filled: list[NDArray[Any]] = [np.empty(len(inputs[0]), dtype=kind) for _ in range(fills)]
    _compiled[kernel](*map(_read_only, inputs), *numbers, *filled)
    return filled


def _read_only(values: FloatArray) -> FloatArray:
    """In one layout and never writable, so that a kernel is compiled for one kind of vector only."""
    view = np.ascontiguousarray(values).view()
    view.setflags(write=False)
    return view
