"""Parameters as Binance reads them: what was sent, in Binance's order of complaints (presence, emptiness, form)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from exchange.sandbox import errors
from exchange.sandbox.filters import to_e8

SYMBOL = "^[A-Z0-9-_.]{1,20}$"
SYMBOLS = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = "^[0-9]{1,20}$"
CLIENT_ID = "^[a-zA-Z0-9-_]{1,36}$"
MOST_PLACES = 8


@dataclass(frozen=True)
class Field:
    """One parameter an endpoint reads: its legal characters and what its text means."""

    name: str
    legal: str | None = None
    parse: Callable[[str], Any] = str
    required: bool = False


def parameters_of(query: bytes, body: bytes) -> dict[str, str]:
    """Names and values of query string and form body together; on the same name the query wins."""
    merged: dict[str, str] = {}
    for part in (body, query):
        pairs = parse_qsl(part.decode("utf-8", "replace"), keep_blank_values=True)
        if len(dict(pairs)) != len(pairs):
            raise errors.duplicate_parameter()
        merged.update(pairs)
    return merged


def read(parameters: dict[str, str], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The parsed values of what was sent, by name; raises the first complaint."""
    for entry in fields:
        if entry.required and entry.name not in parameters:
            raise errors.missing(entry.name)
    for name, value in parameters.items():
        if value == "":
            raise errors.empty(name)
    known = {entry.name: entry for entry in fields}
    values = {
        entry.name: _parsed(entry, parameters[entry.name]) for entry in fields if entry.name in parameters
    }
    unread = [name for name in parameters if name not in known]
    if unread:
        raise errors.unread(len(parameters) - len(unread), len(parameters))
    return values


def _parsed(entry: Field, text: str) -> Any:
    if entry.legal is not None and re.fullmatch(entry.legal, text) is None:
        raise errors.illegal_characters(entry.name, entry.legal)
    return entry.parse(text)


def decimal_field(name: str) -> Field:
    """A DECIMAL in 1e-8; more than eight places are too precise, as written."""

    def parse(text: str) -> int:
        if len(text.partition(".")[2]) > MOST_PLACES:
            raise errors.too_precise(name)
        return to_e8(text)

    return Field(name, DECIMAL, parse)


def integer_field(name: str, *, required: bool = False) -> Field:
    return Field(name, INTEGER, int, required)


def choice_field(
    name: str,
    choices: tuple[str, ...],
    refusal: Callable[[], errors.Refused] | None = None,
    *,
    required: bool = False,
) -> Field:
    """One of a few words; anything else is `refusal`, or -1130 for the name."""

    def parse(text: str) -> str:
        if text not in choices:
            raise errors.invalid_data(name) if refusal is None else refusal()
        return text

    return Field(name, None, parse, required)


def boolean_field(name: str) -> Field:
    def parse(text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise errors.invalid_data(name)
        return text.lower() == "true"

    return Field(name, None, parse)


def symbol_field(*, required: bool = False) -> Field:
    return Field("symbol", SYMBOL, str, required)


def symbols_field() -> Field:
    return Field("symbols", SYMBOLS, json.loads)


def limit_field(maximum: int) -> Field:
    """At least 1; above the maximum means the maximum, as Binance reads it."""

    def parse(text: str) -> int:
        limit = int(text)
        if limit < 1:
            raise errors.invalid_data("limit")
        return min(limit, maximum)

    return Field("limit", INTEGER, parse)
