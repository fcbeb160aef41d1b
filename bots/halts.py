"""Kill switches, asked: is this bot halted, and by which switch."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from bots.models import BotConfig, Halt


def halting_reason(bot: BotConfig) -> str | None:
    """A sentence naming the widest open switch that halts this bot, or None. A user who may not sign in cannot look
    after a bot: theirs enter nothing, and still follow their exits."""
    if not bot.user.is_active:
        return _("The account of this bot's user is deactivated.")
    of_everyone = Q(user__isnull=True, bot_config__isnull=True)
    halts = Halt.objects.filter(
        of_everyone | Q(user_id=bot.user_id) | Q(bot_config_id=bot.pk), ended_at__isnull=True
    )
    found = sorted(halts, key=_narrowness)
    if not found:
        return None
    sentences = (
        _("TradeBot is halted by its operators: %(reason)s"),
        _("All your bots are halted: %(reason)s"),
        _("This bot is halted: %(reason)s"),
    )
    return sentences[_narrowness(found[0])] % {"reason": found[0].reason}


def _narrowness(halt: Halt) -> int:
    """0 the installation, 1 a user, 2 a bot."""
    if halt.bot_config_id is not None:
        return 2
    return 1 if halt.user_id is not None else 0
