"""The one Decimal column class for prices, quantities and money: 36 digits, 18 of them after the point."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models


def plain(amount: Decimal) -> str:
    """Without exponent and trailing zeros: 1E+3 is "1000", 0.500 is "0.5". API, pages and versions print it."""
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """Decimal(36, 18): exact for every integer the engine uses (1e-8 of an asset, ticks, steps)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 36
        kwargs["decimal_places"] = 18
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class TimestampedModel(models.Model):
    """Every table says when a row came and when it last changed."""

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True
