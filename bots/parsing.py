"""Reads what a form or a JSON body says about a field into its type: text, choice, number, amount, flag.

Each reader takes the raw value and returns the read one, or raises `Unreadable` with a sentence for that field.
None, "" and blank text mean "empty".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from engine.amounts import InexactAmount, e8_from_decimal

type Reader = Callable[[Any], Any]

# More quote money than this is a typing error, and the engine's 64-bit integers have room for what it may grow to.
LARGEST_AMOUNT = Decimal(1_000_000_000)


class Unreadable(ValueError):
    """The value is not of the field's kind. The text is for the user."""


def is_empty(raw: Any) -> bool:
    return raw is None or (isinstance(raw, str) and not raw.strip())


def text(raw: Any) -> str:
    """One line without control characters, trimmed; empty stays ""."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Unreadable(_("This must be text."))
    trimmed = raw.strip()
    if not trimmed.isprintable():
        raise Unreadable(_("This must be one line of readable characters."))
    return trimmed


def upper_text(raw: Any) -> str:
    return text(raw).upper()


def choice_of(allowed: Iterable[str]) -> Reader:
    options = tuple(str(option) for option in allowed)

    def read(raw: Any) -> str:
        if isinstance(raw, str) and raw.strip() in options:
            return raw.strip()
        raise Unreadable(_("Choose one of: %(options)s.") % {"options": ", ".join(options)})

    return read


def whole(raw: Any) -> int | None:
    """A whole number from JSON or from a form, or None when empty; true and 1.5 are none."""
    if is_empty(raw):
        return None
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 10**9:
        return raw
    if isinstance(raw, str):
        digits = raw.strip()
        if digits.isascii() and digits.removeprefix("-").isdigit() and len(digits) <= 10:
            return int(digits)
    raise Unreadable(_("This must be a whole number."))


def amount(raw: Any) -> Decimal | None:
    """An exact amount with at most 8 decimal places, or None when empty.

    A JSON number arrives as a float; its shortest decimal form is what the user wrote."""
    if is_empty(raw):
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise Unreadable(_("This must be a number."))
    written = str(raw).strip()
    try:
        value = _amount(written)
    except InexactAmount:
        raise Unreadable(_("This must be a number with at most 8 decimal places.")) from None
    if abs(value) > LARGEST_AMOUNT:
        raise Unreadable(_("This number is too large."))
    return value


def _amount(written: str) -> Decimal:
    """Decimal reads more than people write (1_000, NaN, 1e99). Only digits, point, sign and a float's exponent pass."""
    if len(written) > 40 or not set(written) <= set("0123456789.+-eE"):
        raise InexactAmount(written)
    e8_from_decimal(written)
    return Decimal(written)


def flag(raw: Any) -> bool:
    """True or false; a form's checkbox says "on"; empty is false."""
    if is_empty(raw):
        return False
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in ("true", "on", "false", "off"):
        return raw.strip().lower() in ("true", "on")
    raise Unreadable(_("This must be true or false."))


def with_empty_as(default: Any, read: Reader) -> Reader:
    """A reader for fields that always have a value: empty means the default."""

    def reading(raw: Any) -> Any:
        return default if is_empty(raw) else read(raw)

    return reading
