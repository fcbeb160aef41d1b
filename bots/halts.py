"""Kill switches: which one halts a bot, setting one and ending one. A halt holds from the commit of its row on: the
claim of every entry asks for it. The statuses of the bots only say so.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent, User
from bots.lifecycle import pause_halted, resume_halted
from bots.models import BotConfig, Halt

logger = structlog.get_logger(__name__)

OF_EVERYONE = Q(user__isnull=True, bot_config__isnull=True)


def halting_reason(bot: BotConfig) -> str | None:
    """A sentence naming the widest open switch that halts this bot, or None. A user who may not sign in cannot look
    after a bot: theirs enter nothing, and still follow their exits."""
    if not bot.user.is_active:
        return _("The account of this bot's user is deactivated.")
    halts = Halt.objects.filter(
        OF_EVERYONE | Q(user_id=bot.user_id) | Q(bot_config_id=bot.pk), ended_at__isnull=True
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


def begin_halt(
    *, by: Any, reason: str, bot: BotConfig | None = None, user: Any = None
) -> tuple[Halt, list[int]]:
    """Halt one bot, one user, or (neither given) everything; and the bots that it paused. The same person halting the
    same again gets the halt that stands."""
    with transaction.atomic():
        # Two clicks of one person come one after the other.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        same = Halt.objects.filter(set_by=by, user=user, bot_config=bot, ended_at__isnull=True)
        halt = same.first()
        if halt is None:
            halt = Halt.objects.create(set_by=by, user=user, bot_config=bot, reason=reason[:200])
            audit.record(
                AuditEvent.HALT_SET, halt, by=by, after={"scope": scope_of(halt), "reason": halt.reason}
            )
            logger.warning("halt_set", halt_id=halt.pk, by=by.pk, scope=scope_of(halt))
    return halt, pause_halted(bots_under(halt))


def finish_halt(halt: Halt, *, by: Any) -> list[int]:
    """End a halt; the bots that are `pending` again because no other halt holds them. Ending twice changes nothing."""
    now = timezone.now()
    with transaction.atomic():
        # Never before it began, whatever the clocks say.
        ended = Halt.objects.filter(pk=halt.pk, ended_at__isnull=True).update(
            ended_at=Greatest(F("created_at"), now), ended_by=by, updated_at=now
        )
        if not ended:
            return []
        audit.record(
            AuditEvent.HALT_ENDED, halt, by=by, before={"scope": scope_of(halt), "reason": halt.reason}
        )
    logger.warning("halt_ended", halt_id=halt.pk, by=by.pk)
    return resume_halted(bots_under(halt).exclude(_is_halted()))


def bots_under(halt: Halt) -> Any:
    """The bots a halt holds, deleted ones aside."""
    living = BotConfig.objects.filter(archived_at__isnull=True)
    if halt.bot_config_id is not None:
        return living.filter(pk=halt.bot_config_id)
    return living if halt.user_id is None else living.filter(user_id=halt.user_id)


def scope_of(halt: Halt) -> str:
    """`bot`, `user` or `everything`."""
    return ("everything", "user", "bot")[_narrowness(halt)]


def _is_halted() -> Exists:
    """For a queryset of bots: whether any open halt holds one."""
    holding = OF_EVERYONE | Q(user_id=OuterRef("user_id")) | Q(bot_config_id=OuterRef("pk"))
    return Exists(Halt.objects.filter(holding, ended_at__isnull=True))


def _narrowness(halt: Halt) -> int:
    """0 the installation, 1 a user, 2 a bot."""
    if halt.bot_config_id is not None:
        return 2
    return 1 if halt.user_id is not None else 0
