"""Parameters of strategies: described once in a frozen dataclass, read by forms, API and optimiser.

Nothing unknown is accepted and nothing out of range is bent into it: every bad field is named.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from re import fullmatch
from typing import Any, cast


class InvalidParams(ValueError):
    """`errors` has one plain message per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class ParamField:
    """One parameter as a form, a schema or a search space sees it; a default of None means "may be empty"."""

    name: str
    type: type[int]
    default: int | None
    minimum: int
    maximum: int
    label: str
    help: str

    @property
    def is_optional(self) -> bool:
        return self.default is None


def whole(default: int | None, minimum: int, maximum: int, *, label: str, help: str) -> Any:
    """A whole-number parameter of a `Params` dataclass; empty is allowed where the default is None."""
    limits = {"minimum": minimum, "maximum": maximum, "label": label, "help": help}
    return dataclasses.field(default=default, metadata=limits)


def fields_of(params: type[Any]) -> tuple[ParamField, ...]:
    return tuple(
        ParamField(name=entry.name, type=int, default=cast(int | None, entry.default), **entry.metadata)
        for entry in dataclasses.fields(params)
    )


def parse[P](params: type[P], given: Mapping[str, Any]) -> P:
    """Missing fields take their defaults. Raises `InvalidParams` naming every field that is wrong.

    A `conflicts()` method of the dataclass, if it has one, checks values against each other.
    """
    described = {entry.name: entry for entry in fields_of(params)}
    errors = {name: "This parameter is unknown." for name in given if name not in described}
    values: dict[str, int | None] = {}
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


def _value(entry: ParamField, given: Any) -> int | None:
    if given is None or given == "":
        if entry.is_optional:
            return None
        raise ValueError("This parameter may not be empty.")
    value = _whole_number(given)
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
