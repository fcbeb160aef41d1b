"""The sign on every page that something of the reader's is halted: one small query, and only where a page shows it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.functional import SimpleLazyObject

from bots.halts import OF_EVERYONE, scope_of
from bots.models import Halt

# Beside the widest one only their number is told.
MOST_LOOKED_AT = 50


class HaltSign:
    """Open halts that hold bots of a user, widest first. False when there are none."""

    def __init__(self, user: Any) -> None:
        concerning = OF_EVERYONE | Q(user_id=user.pk) | Q(bot_config__user_id=user.pk)
        standing = Halt.objects.filter(concerning, ended_at__isnull=True).select_related("bot_config")
        widest = ("everything", "user", "bot")
        self.halts = sorted(
            standing.order_by("-created_at")[:MOST_LOOKED_AT], key=lambda halt: widest.index(scope_of(halt))
        )

    def __bool__(self) -> bool:
        return bool(self.halts)

    @property
    def first(self) -> Halt:
        return self.halts[0]

    @property
    def scope(self) -> str:
        return scope_of(self.first)

    @property
    def others(self) -> int:
        return len(self.halts) - 1


def halt_sign(request: Any) -> dict[str, Any]:
    """For templates: `halt_sign`, asked of the database when it is first looked at."""
    user = getattr(request, "user", None)
    if user is None:
        return {}
    return {"halt_sign": SimpleLazyObject(lambda: HaltSign(user) if user.is_authenticated else None)}
