"""Figures of markets as people read them: percentages with their sign, large amounts in short."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

from trading.templatetags.figures import DASH, plain, rounded

register = template.Library()
SHORT = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


@register.filter
def percent(value: Any) -> str:
    """A change in percent with its direction: +1.23 %, −0.40 %, 0.00 %."""
    if value is None or value == "":
        return DASH
    text = rounded(Decimal(value), 2)
    return f"+{text} %" if Decimal(value) > 0 and text.strip("0.,") else f"{text} %"


@register.filter
def short(value: Any) -> str:
    """A large amount in short: 1.23 B, 456.70 M, 12.00 k, 999.00."""
    if value is None or value == "":
        return DASH
    amount = Decimal(value)
    for size, letter in SHORT:
        if abs(amount) >= size:
            return f"{rounded(amount / size, 2)} {letter}"
    return rounded(amount, 2)


@register.filter
def places_of(value: Any, example: Any) -> str:
    """`value` with as many decimal places as `example`, a tick or a step, has."""
    shown = plain(example)
    return rounded(Decimal(value), len(shown.partition(".")[2]))
