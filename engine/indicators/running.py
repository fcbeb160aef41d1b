"""Runs a kernel: as plain Python over a live window, compiled over a long series. Both give the same bits.

numba is imported only when a long series is asked for: what trades live stays small and never waits for a compiler.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from engine.compiled import compiled
from engine.market import FloatArray

# As Python runs them, a series of this length costs a kernel about a millisecond.
LONG: Final = 20_000

type Kernel = Callable[..., None]

_compiled: dict[Kernel, Any] = {}


def run(kernel: Kernel, *inputs: FloatArray, numbers: tuple[float, ...], fills: int = 1) -> list[FloatArray]:
    """The `fills` vectors that the kernel makes of the inputs, each as long as they are.

    A process that has compiled a kernel once uses it for short windows too: it is forty times as fast.
    """
    if kernel in _compiled or len(inputs[0]) >= LONG:
        return run_compiled(kernel, *inputs, numbers=numbers, fills=fills)
    return run_plain(kernel, *inputs, numbers=numbers, fills=fills)


def run_plain(
    kernel: Kernel, *inputs: FloatArray, numbers: tuple[float, ...], fills: int = 1
) -> list[FloatArray]:
    """Over lists: Python reads those three times as fast as vectors."""
    filled = [[0.0] * len(inputs[0]) for _ in range(fills)]
    kernel(*(values.tolist() for values in inputs), *numbers, *filled)
    return [np.array(values) for values in filled]


def run_compiled(
    kernel: Kernel, *inputs: FloatArray, numbers: tuple[float, ...], fills: int = 1
) -> list[FloatArray]:
    if kernel not in _compiled:
        _compiled[kernel] = compiled(kernel)
    filled: list[FloatArray] = [np.empty(len(inputs[0])) for _ in range(fills)]
    _compiled[kernel](*map(_read_only, inputs), *numbers, *filled)
    return filled


def _read_only(values: FloatArray) -> FloatArray:
    """In one layout and never writable, so that a kernel is compiled for one kind of vector only."""
    view = np.ascontiguousarray(values).view()
    view.setflags(write=False)
    return view
