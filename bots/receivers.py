"""What the bots do when a lower room speaks: rows only, inside the sender's transaction."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts import live
from accounts.models import ApiKey
from accounts.signals import key_invalidated
from bots.lifecycle import set_status
from bots.models import BotState, BotStatus
from bots.standing import KEY_INVALID


@receiver(key_invalidated)
def pause_bots_of_key(sender: type[ApiKey], *, api_key: ApiKey, **_: Any) -> None:
    """`paused (key invalid)` until the user has mended the key and starts the bot; a stopped bot stays stopped."""
    states = BotState.objects.filter(bot_config__api_key=api_key, bot_config__archived_at__isnull=True)
    for state in states.select_for_update(of=("self",)).order_by("pk"):
        if not set_status(state, BotStatus.PAUSED, KEY_INVALID):
            continue
        state.last_error_message = api_key.last_error[:300]
        state.save(update_fields=["last_error_message", "updated_at"])
        transaction.on_commit(partial(live.publish, api_key.user_id, f"bot-{state.pk}", "dashboard"))
