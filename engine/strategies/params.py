"""Parameters of strategies: described once in a frozen dataclass, read by forms, API and optimiser.

Nothing unknown is accepted and nothing out of range is bent into it: every bad field is named. A number that is not
whole is a Decimal, in JSON its plain text; it never passes through binary.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from re import fullmatch
from typing import Any, Final, cast

type Number = int | Decimal

# Digits behind the point of a parameter that is not whole; enough for any ratio, too few to hide rubbish in.
PLACES: Final = 4


_known: dict[type[Any], tuple["ParamField", ...]] = {}


class InvalidParams(ValueError):
    """`errors` has one plain message per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class ParamField:
    """One parameter as a form, a schema or a search space sees it; a default of None means "may be empty".

    `type` is int or Decimal, and all numbers here are of it. An optimiser looks from `search[0]` to `search[1]`, both
    included, in steps of `step`, unless it is told otherwise; any value between `minimum` and `maximum` is allowed.
    """

    name: str
    type: type[int] | type[Decimal]
    default: Number | None
    minimum: Number
    maximum: Number
    step: Number
    search: tuple[Number, Number]
    label: str
    help: str

    @property
    def is_optional(self) -> bool:
        return self.default is None

    @property
    def is_whole(self) -> bool:
        return self.type is int

    def searched(self) -> tuple[Number, ...]:
        """What an optimiser tries unless it is told otherwise."""
        return tuple(values_between(*self.search, self.step))


def values_between(first: Number, last: Number, step: Number) -> Iterator[Number]:
    """From `first` to `last` in steps, the last only where a step meets it. Raises ValueError unless step > 0."""
    if step <= 0:
        raise ValueError("a step must be greater than zero")
    value = first
    while value <= last:
        yield value
        value += step


def whole(
    default: int | None,
    minimum: int,
    maximum: int,
    *,
    label: str,
    help: str,
    step: int = 1,
    search: tuple[int, int] | None = None,
) -> Any:
    """A whole-number parameter of a `Params` dataclass; empty is allowed where the default is None."""
    limits = {"type": int, "minimum": minimum, "maximum": maximum, "step": step}
    return _described(default, limits, search=search or (minimum, maximum), label=label, help=help)


def decimal(
    default: str | None,
    minimum: str,
    maximum: str,
    *,
    label: str,
    help: str,
    step: str = "0.1",
    search: tuple[str, str] | None = None,
) -> Any:
    """A parameter with digits behind the point, at most four, as exact as it is written: give numbers as text."""
    limits = {"minimum": minimum, "maximum": maximum, "step": step}
    exact = {"type": Decimal, **{name: exactly(text) for name, text in limits.items()}}
    low, high = search or (minimum, maximum)
    chosen = None if default is None else exactly(default)
    return _described(chosen, exact, search=(exactly(low), exactly(high)), label=label, help=help)


def _described(default: Number | None, limits: dict[str, Any], **described: Any) -> Any:
    """A dataclass field that carries its description. A description that contradicts itself is a ValueError."""
    low, high = described["search"]
    if not limits["minimum"] <= low <= high <= limits["maximum"] or limits["step"] <= 0:
        raise ValueError(
            f"{described['label']}: what is searched must lie within the limits, in steps above zero"
        )
    if default is not None and not limits["minimum"] <= default <= limits["maximum"]:
        raise ValueError(f"{described['label']}: the default must lie within the limits")
    return dataclasses.field(default=default, metadata={**limits, **described})


def fields_of(params: type[Any]) -> tuple[ParamField, ...]:
    """In the order of the dataclass. Every bot of a chunk asks: the answer is kept."""
    found = _known.get(params)
    if found is None:
        found = _known[params] = tuple(
            ParamField(name=entry.name, default=cast(Number | None, entry.default), **entry.metadata)
            for entry in dataclasses.fields(params)
        )
    return found


def parse[P](params: type[P], given: Mapping[str, Any]) -> P:
    """Missing fields take their defaults. Raises `InvalidParams` naming every field that is wrong.

    A `conflicts()` method of the dataclass, if it has one, checks values against each other.
    """
    described = {entry.name: entry for entry in fields_of(params)}
    errors = {name: "This parameter is unknown." for name in given if name not in described}
    values: dict[str, Number | None] = {}
    for name, entry in described.items():
        try:
            values[name] = _value(entry, given[name]) if name in given else entry.default
        except ValueError as problem:
            errors[name] = str(problem)
    if errors:
        raise InvalidParams(errors)
    parsed = params(**values)
    conflicts: dict[str, str] = getattr(parsed, "conflicts", dict)()
    if conflicts:
        raise InvalidParams(conflicts)
    return parsed


def as_json(params: Any) -> dict[str, int | str | None]:
    """Every value as JSON carries it without loss; `parse` makes the same `Params` of it."""
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in dataclasses.asdict(params).items()
    }


def plain(value: Decimal) -> str:
    """Without exponent, and without zeros behind the last digit."""
    return f"{value.normalize():f}"


def _value(entry: ParamField, given: Any) -> Number | None:
    if given is None or given == "":
        if entry.is_optional:
            return None
        raise ValueError("This parameter may not be empty.")
    value = _whole_number(given) if entry.is_whole else exactly(given)
    if not entry.minimum <= value <= entry.maximum:
        raise ValueError(f"Must be between {entry.minimum} and {entry.maximum}.")
    return value


def _whole_number(given: Any) -> int:
    """Forms send text and JSON may say 8.0; true is no number."""
    is_whole = isinstance(given, int) or (isinstance(given, float) and given.is_integer())
    if is_whole and not isinstance(given, bool):
        return int(given)
    if isinstance(given, str) and fullmatch(r"\s*[+-]?[0-9]{1,12}\s*", given):
        return int(given)
    raise ValueError("Must be a whole number.")


def exactly(given: Any) -> Decimal:
    """As it is written; of a float, which only JSON makes, the shortest text that means it. One value has one form, so
    that 2, "2.0" and 2.00 are the same parameter. Raises ValueError."""
    written = f"{given:f}" if isinstance(given, Decimal) else str(given)
    is_number = isinstance(given, str | int | float | Decimal) and not isinstance(given, bool)
    if not is_number or not fullmatch(r"\s*[+-]?[0-9]{1,12}(\.[0-9]*)?\s*", written):
        raise ValueError("Must be a number.")
    value = Decimal(plain(Decimal(written)))
    if value != round(value, PLACES):
        raise ValueError(f"Must have at most {PLACES} digits behind the point.")
    return value
