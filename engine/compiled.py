"""The one door to numba: the plain functions of the engine, compiled on first use and kept on disk.

The sources stay plain Python without a numba import. What is kept lies in a folder named by the hash of all of the
engine's sources, of numba, numpy and Python, so that no change anywhere is ever answered by old code. No fast-math.
"""

import hashlib
import os
import platform
import sys
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

ENGINE: Final = Path(__file__).parent
_folder: Path | None = None


def keep_in(folder: Path) -> None:
    """Say where compiled code is kept, before anything is compiled; nothing is read or written here. Without it that is
    below DATA_DIR of the environment, and without that every process compiles for itself."""
    global _folder
    _folder = folder


def kept_in() -> Path | None:
    """The folder of exactly this code, or None where nothing is to be kept."""
    data = os.environ.get("DATA_DIR")
    root = _folder or (Path(data) / "compiled" if data else None)
    return None if root is None else root / _fingerprint()


@cache
def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function as machine code, together with every function of the engine that it calls; same arguments, same
    answers, arguments by position or by name. Integers are of 64 bits: what the function promises not to exceed."""
    numba = _numba()
    names = set(_names_of(function.__code__))
    plain = function.__globals__
    known = {name: compiled(value) for name, value in plain.items() if name in names and _is_ours(value)}
    twin = types.FunctionType(function.__code__, {**plain, **known}, function.__name__, function.__defaults__)
    twin.__kwdefaults__, twin.__module__, twin.__qualname__ = (
        function.__kwdefaults__, function.__module__, function.__qualname__
    )  # fmt: skip
    # Handing a dozen numbers to another function costs more than most of ours do: they become part of their caller,
    # except where their module says that they (all, or those it names) are called so seldom that the time to compile
    # them again counts more.
    seldom = plain.get("CALLED_SELDOM", ())
    becomes_part = seldom is not True and function.__name__ not in seldom
    # What is compiled fills the vectors it is given and makes none: so nobody need count who still refers to one, which
    # would take most of the time of a fold. (One that did make a vector would not compile.)
    keeps = {"cache": kept_in() is not None, "forceinline": becomes_part, "_nrt": False}
    answer: F = numba.njit(**keeps)(twin)
    return answer


def _is_ours(value: object) -> bool:
    return isinstance(value, types.FunctionType) and value.__module__.startswith("engine.")


def _names_of(code: types.CodeType) -> Iterator[str]:
    """Every global name that code speaks of, also inside what is defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_of(constant)


@cache
def _numba() -> Any:
    import numba

    folder = kept_in()
    if folder is not None:
        numba.config.CACHE_DIR = str(folder)
    return numba


@cache
def _fingerprint() -> str:
    """Of whatever may change compiled code: our sources, the compiler, what it compiles for."""
    import numba
    import numpy

    digest = hashlib.sha256()
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(path.relative_to(ENGINE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for word in (numba.__version__, numpy.__version__, sys.version, platform.machine()):
        digest.update(word.encode() + b"\0")
    return digest.hexdigest()[:24]
