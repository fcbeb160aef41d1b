"""The installation's own mark on every client order id, drawn when its database is created."""

from __future__ import annotations

import secrets

from django.db import models

from exchange.fields import TimestampedModel

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def draw_tag() -> str:
    """Six characters, so that two installations on one account never share an order id."""
    return "".join(secrets.choice(ALPHABET) for _ in range(6))


class Installation(TimestampedModel):
    """One row. The tag begins every client order id of this database; a restored database draws a new one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    tag = models.CharField(max_length=8, default=draw_tag)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one_row")]
