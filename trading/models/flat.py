"""Going flat: a receipt says what was asked to be sold under which halt; its lines lead to what became of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from bots.models import Halt
from exchange.fields import AmountField, TimestampedModel
from trading.models.money import Position


class FlatReceipt(TimestampedModel):
    """One "stop everything and go flat". Unfinished as long as its halt stands and something is left to sell."""

    # PROTECT: a receipt is history of money.
    halt = models.ForeignKey(Halt, on_delete=models.PROTECT, related_name="receipts")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["halt"], condition=Q(finished_at__isnull=True), name="flatreceipt_one_unfinished"
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="flatreceipt_newest")]


class FlatLine(TimestampedModel):
    """A position that the receipt had sold, as it was when that was asked for."""

    receipt = models.ForeignKey(FlatReceipt, on_delete=models.PROTECT, related_name="lines")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="+")
    quantity = AmountField()
    cost = AmountField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["receipt", "position"], name="flatline_once_per_position"),
        ]
