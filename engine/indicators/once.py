"""What many strategies ask of the same candles is computed once.

What is shared is read-only, and what is kept never outgrows its bound.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

import numpy as np

MOST_KEPT_BYTES: Final = 128 * 2**20

type Asked = tuple[str, tuple[Any, ...]]


class _Kept:
    """Answers by question, the longest unused forgotten first. The inputs are kept too: so long as a vector is
    here, its id is nobody else's."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self.answers: dict[Asked, tuple[tuple[Any, ...], Any]] = {}

    def find(self, asked: Asked) -> Any:
        found = self.answers.pop(asked, None)
        if found is None:
            return None
        self.answers[asked] = found
        return found[1]

    def keep(self, asked: Asked, inputs: tuple[Any, ...], answer: Any) -> None:
        self.answers[asked] = inputs, answer
        self.bytes += _size(answer)
        while self.bytes > self.most_bytes and len(self.answers) > 1:
            oldest = next(iter(self.answers))
            self.bytes -= _size(self.answers.pop(oldest)[1])


_computed: ContextVar[_Kept | None] = ContextVar("_computed", default=None)


@contextmanager
def computing_once(most_bytes: int = MOST_KEPT_BYTES) -> Iterator[None]:
    """Inside, an indicator of the very same vector is computed once, however many strategies ask for it
    (`Candles.closes` is such a vector); at the end all is forgotten."""
    token = _computed.set(_Kept(most_bytes))
    try:
        yield
    finally:
        _computed.reset(token)


def is_computing_once() -> bool:
    return _computed.get() is not None


def once[**P, R](indicator: Callable[P, R]) -> Callable[P, R]:
    """An indicator of vectors and numbers, given by position, that remembers inside `computing_once`."""

    @wraps(indicator)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        kept = _computed.get()
        if kept is None or kwargs:
            return indicator(*args, **kwargs)
        key = indicator.__name__, tuple(id(arg) if isinstance(arg, np.ndarray) else arg for arg in args)
        found: R | None = kept.find(key)
        if found is not None:
            return found
        answer = indicator(*args, **kwargs)
        for vector in _vectors(answer):
            vector.setflags(write=False)
        kept.keep(key, args, answer)
        return answer

    return asked


def _vectors(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _size(answer: Any) -> int:
    return sum(vector.nbytes for vector in _vectors(answer))
