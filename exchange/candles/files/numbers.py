"""What a file says, made integers: milliseconds and 1e-8, exactly or not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np

from engine.amounts import InexactAmount, e8_from_decimal
from engine.market import IntArray

# Times are told apart by their size: below the limit they are seconds, milliseconds, micro- and nanoseconds. Each with
# its factor and divisor to milliseconds.
_UNITS: Final = ((10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000), (10**20, 1, 1_000_000))
_WHOLE: Final = re.compile(r"([0-9]{1,19})(?:\.0*)?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
# What nearly every number looks like; it needs no Decimal.
_USUAL: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,8}))?")
_LARGEST: Final = 2**63 - 1
# Up to so many digits a decimal and its double name one another.
_SAFE: Final = 1e15


class NotUsable(ValueError):
    """The value is no time, or no number that can be stored; the text says why."""


class Instants:
    """Times of one column, all in one unit: that of the first. Whole milliseconds, unless ends are meant."""

    def __init__(self, *, are_ends: bool = False) -> None:
        self._are_ends = are_ends
        self._unit: tuple[int, int, int] | None = None

    def milliseconds(self, value: Any) -> int:
        """An end is rounded down. Raises `NotUsable`."""
        number = _time_number(value)
        unit = next(unit for unit in _UNITS if number < unit[0])
        if self._unit not in (None, unit):
            raise NotUsable(f"{value} is in another unit than the times before it")
        if number * unit[1] % unit[2] and not self._are_ends:
            raise NotUsable(f"{value} is not on a millisecond")
        self._unit = unit
        return number * unit[1] // unit[2]

    def column(self, values: IntArray) -> IntArray | None:
        """The same for many at once; None where one of them must be looked at by itself."""
        if not len(values) or int(values.min()) < 0:
            return None
        unit = next((unit for unit in _UNITS if int(values.max()) < unit[0]), _UNITS[-1])
        floor = max((limit for limit, _, _ in _UNITS if limit < unit[0]), default=0)
        if int(values.min()) < floor or (not self._are_ends and bool((values * unit[1] % unit[2]).any())):
            return None
        return values * unit[1] // unit[2]


def _time_number(value: Any) -> int:
    """The file's own whole number, or milliseconds where it is written as a date; without a zone that is UTC."""
    if not isinstance(value, datetime):
        text = str(value).strip()
        whole = _WHOLE.fullmatch(text)
        if whole:
            return int(whole[1])
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise NotUsable(f"{text!r} is no time" if text else "it is missing") from None
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def e8_of(value: Any) -> int:
    """Raises `NotUsable` for what is no number, has more than 8 decimals, or does not fit 64 bits."""
    usual = _USUAL.fullmatch(value) if isinstance(value, str) else None
    if usual:
        return int(usual[1] + (usual[2] or "").ljust(8, "0"))
    if isinstance(value, float):
        # The shortest decimal that is this float: what somebody wrote before it became one.
        value = repr(float(value))
    text = str(value).strip()
    if not isinstance(value, Decimal) and not _NUMBER.fullmatch(text):
        raise NotUsable(f"{text!r} is not a number" if text else "it is missing")
    try:
        number = e8_from_decimal(value if isinstance(value, Decimal) else text)
    except InexactAmount as error:
        raise NotUsable(str(error)) from None
    if abs(number) > _LARGEST:
        raise NotUsable(f"{text} is more than can be stored")
    return number


def exact_floats(values: np.ndarray) -> IntArray | None:
    """`e8_of` for doubles, all at once; None where one of them must be looked at by itself."""
    if not bool(np.isfinite(values).all()):
        return None
    scaled = np.rint(values * 1e8)
    if len(values) and float(np.abs(scaled).max()) >= _SAFE:
        return None
    return scaled.astype(np.int64) if np.array_equal(scaled / 1e8, values) else None
