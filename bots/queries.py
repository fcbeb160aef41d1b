"""Bots as other rooms look for them: a user's own, and those that must be looked after."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from bots.models import BotConfig


def bots_of(user: Any) -> Any:
    """The user's bots, newest first, with state and key; deleted (archived) ones are gone."""
    owned = BotConfig.objects.for_user(user).filter(archived_at__isnull=True)
    return owned.select_related("state", "api_key", "account").order_by("-created_at", "-pk")


def managed_bots() -> Any:
    """Active or in a position. Those with an unsettled order are managed too: `trading` knows orders and adds them."""
    return BotConfig.objects.filter(Q(is_active=True) | Q(state__in_position=True))
