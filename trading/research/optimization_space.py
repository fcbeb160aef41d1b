"""What a search looks through: chosen parameters of the strategy and risk fields, each with the values it may take.

Values are kept as JSON carries them and are exact; a set that the strategy itself refuses is no member of the space.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from bots.ranges import RANGES
from engine.strategies import InvalidParams, ParamField, params_fields, parse_params
from engine.strategies.params import exactly, plain

PARAMS: Final = "params"
SETTINGS: Final = "settings"
# Risk fields that may be searched: first, last and step unless told otherwise, in percent.
RISK: Final[Mapping[str, tuple[str, str, str]]] = {
    "stop_loss_perc": ("0.5", "3", "0.5"),
    "take_profit_perc": ("1", "6", "1"),
    "trailing_stop_perc": ("0.5", "3", "0.5"),
}
MOST_VALUES: Final = 500
MOST_SETS: Final = 5_000
MOST_COMBINATIONS: Final = 200_000

type Values = dict[str, Any]


class BadAxis(ValueError):
    """What is asked of one parameter cannot be searched; the text is for its field."""


@dataclass(frozen=True)
class Axis:
    """One parameter and its values, in order."""

    name: str
    of: str
    values: tuple[int | str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "of": self.of, "values": list(self.values)}


@dataclass(frozen=True)
class Space:
    """Axes in the order of the strategy's parameters, the risk fields last: sets that share their signals are
    neighbours. `base` are the parameters that stay as they are."""

    strategy: str
    base: Mapping[str, Any]
    axes: tuple[Axis, ...]

    @property
    def combinations(self) -> int:
        """Those the strategy refuses included."""
        return math.prod(len(axis.values) for axis in self.axes)

    def at(self, index: int) -> Values:
        """The combination of that number, counted as digits are: the last axis moves fastest."""
        chosen: Values = {}
        for axis in reversed(self.axes):
            index, digit = divmod(index, len(axis.values))
            chosen[axis.name] = axis.values[digit]
        return {axis.name: chosen[axis.name] for axis in self.axes}

    def allows(self, values: Values) -> bool:
        """Whether the strategy takes these parameters together."""
        try:
            self.params_of(values)
        except InvalidParams:
            return False
        return True

    def params_of(self, values: Values) -> Any:
        """The strategy's `Params`. Raises InvalidParams."""
        mine = {axis.name: values[axis.name] for axis in self.axes if axis.of == PARAMS}
        return parse_params(self.strategy, {**self.base, **mine})

    def settings_of(self, values: Values) -> Values:
        return {axis.name: values[axis.name] for axis in self.axes if axis.of == SETTINGS}

    def every(self) -> Iterator[Values]:
        """All that the strategy allows. Parameters are judged once, whatever the risk fields are."""
        params = [axis for axis in self.axes if axis.of == PARAMS]
        risk = [axis for axis in self.axes if axis.of == SETTINGS]
        for first in itertools.product(*(axis.values for axis in params)):
            chosen = dict(zip((axis.name for axis in params), first, strict=True))
            if not self.allows(chosen | {axis.name: axis.values[0] for axis in risk}):
                continue
            for second in itertools.product(*(axis.values for axis in risk)):
                yield chosen | dict(zip((axis.name for axis in risk), second, strict=True))

    def size(self) -> int:
        """How many sets there are, counted up to one more than may be tried; combinations beyond reach count as they
        are."""
        if self.combinations > MOST_COMBINATIONS:
            return self.combinations
        return sum(1 for _values in self.every())


def space_of(row: Any) -> Space:
    """Of a row as it is kept."""
    axes = tuple(Axis(entry["name"], entry["of"], tuple(entry["values"])) for entry in row.space)
    return Space(row.strategy, row.strategy_params, axes)


def read_axes(strategy: str, asked: Mapping[str, Any]) -> tuple[list[Axis], dict[str, str]]:
    """From `{name: {from, to, step} or [values]}`; an empty one is searched as its parameter proposes. Answers the axes
    in order, and one message for each that cannot be served."""
    fields = {entry.name: entry for entry in params_fields(strategy)}
    known = [*fields, *(name for name in RISK if name not in fields)]
    axes, errors = [], {}
    for name in known:
        if name in asked:
            try:
                axes.append(_axis(name, fields.get(name), asked[name]))
            except ValueError as problem:
                errors[name] = str(problem)
    unknown = _("This cannot be searched. What can: %(names)s.") % {"names": ", ".join(known)}
    return axes, errors | {name: unknown for name in asked if name not in known}


def _axis(name: str, entry: ParamField | None, asked: Any) -> Axis:
    least, most = (entry.minimum, entry.maximum) if entry else (RANGES[name].least, RANGES[name].most)
    is_whole = entry is not None and entry.is_whole
    values = _listed(asked, is_whole) if isinstance(asked, list) else _ranged(name, entry, asked)
    if not values:
        raise BadAxis(_("The last value must not lie before the first."))
    if len(values) > MOST_VALUES:
        raise BadAxis(_("At most %(count)s values; take a larger step.") % {"count": MOST_VALUES})
    if min(values) < least or max(values) > most:
        raise BadAxis(_("Values must lie between %(least)s and %(most)s.") % {"least": least, "most": most})
    return Axis(
        name,
        PARAMS if entry else SETTINGS,
        tuple(int(value) if is_whole else plain(value) for value in values),
    )


def _listed(asked: list[Any], is_whole: bool) -> list[Decimal]:
    if not asked:
        raise BadAxis(_("Name at least one value."))
    values = sorted({_number(value) for value in asked})
    if is_whole and any(value != int(value) for value in values):
        raise BadAxis(_("This parameter takes whole numbers."))
    return values


def _ranged(name: str, entry: ParamField | None, asked: Any) -> list[Decimal]:
    if not isinstance(asked, Mapping) or asked.keys() - {"from", "to", "step"}:
        raise BadAxis(_("Say from, to and step, or list the values."))
    usual = (*entry.search, entry.step) if entry else RISK[name]
    first, last, step = (
        _number(value if asked.get(key) in (None, "") else asked[key])
        for key, value in zip(("from", "to", "step"), usual, strict=True)
    )
    if step <= 0:
        raise BadAxis(_("A step must be greater than zero."))
    if entry is not None and entry.is_whole and any(value != int(value) for value in (first, last, step)):
        raise BadAxis(_("This parameter takes whole numbers."))
    if (last - first) / step > MOST_VALUES:
        raise BadAxis(_("At most %(count)s values; take a larger step.") % {"count": MOST_VALUES})
    return [first + number * step for number in range(int((last - first) // step) + 1)]


def _number(given: Any) -> Decimal:
    try:
        return exactly(given)
    except ValueError:
        raise BadAxis(_("This must be a number with at most 4 decimal places.")) from None
