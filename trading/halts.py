"""Setting and ending halts, with what follows: planned entries are dropped, runs are queued again, pages are told.

Who may: an owner halts own bots, operators halt anything; whoever set a halt may end it, and operators may end any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import live
from accounts.models import User
from bots.halts import OF_EVERYONE, begin_halt, bots_under, finish_halt
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState, Halt
from engine.orders import OrderState, Purpose
from trading.closing import drop_planned_entries
from trading.lifecycle import queue_run
from trading.models import Order

# The name of the event that pages with halts listen to.
EVENT: Final = "halts"
# More names than this in one event of a page are sent in the next.
MOST_NAMES: Final = 50


def halt(
    by: Any, *, bot: BotConfig | None = None, user: Any = None, everything: bool = False, reason: str
) -> Halt:
    """Halt one bot, one user or the installation: from the commit on no entry of theirs is sent. Halting the same again
    returns the halt that stands. Raises LifecycleRefused (403) where it is not for `by` to do."""
    check_may_halt(by, bot=bot, user=user, everything=everything)
    if not reason.strip():
        raise LifecycleRefused(400, _("Say why."), field="reason")
    begun, paused = begin_halt(by=by, reason=reason.strip(), bot=bot, user=user)
    _drop_entries_under(begun)
    _tell(paused, begun)
    return begun


def check_may_halt(by: Any, *, bot: BotConfig | None, user: Any, everything: bool) -> None:
    """Exactly one scope, and one that is for `by` to halt; else LifecycleRefused."""
    if [bot is not None, user is not None, everything].count(True) != 1:
        raise LifecycleRefused(400, _("Say what to halt: one bot, one user, or everything."))
    owner = bot.user_id if bot is not None else getattr(user, "pk", None)
    if not by.is_staff and owner != by.pk:
        raise LifecycleRefused(403, _("Only operators may halt this."))


def end_halt(standing: Halt, by: Any) -> Halt:
    """End a halt; bots that it had paused run again where no other holds them. Ending twice changes nothing. Raises
    LifecycleRefused (403) where it is not for `by` to do."""
    if not may_end(standing, by):
        raise LifecycleRefused(403, _("This halt was set by an operator. Only operators may end it."))
    resumed = finish_halt(standing, by=by)
    for bot_id in resumed:
        transaction.on_commit(partial(queue_run, bot_id))
    _tell(resumed, standing)
    standing.refresh_from_db()
    return standing


def may_end(standing: Halt, by: Any) -> bool:
    return bool(by.is_staff or standing.set_by_id == by.pk)


def halts_seen_by(user: Any) -> Any:
    """Every halt that concerns the user, newest first: of the installation, of the user, of own bots. Operators see
    all. With bot, user and authors."""
    halts = Halt.objects.select_related("bot_config", "user", "set_by", "ended_by").order_by(
        "-created_at", "-pk"
    )
    if user.is_staff:
        return halts
    return halts.filter(OF_EVERYONE | Q(user_id=user.pk) | Q(bot_config__user_id=user.pk))


def _drop_entries_under(begun: Halt) -> None:
    """The claim would refuse them anyway; dropped now, their money is free now."""
    planned = Order.objects.filter(
        bot_config__in=bots_under(begun), purpose=Purpose.ENTRY, state=OrderState.PLANNED
    )
    for bot in BotConfig.objects.filter(pk__in=planned.values("bot_config_id")).order_by("pk"):
        with transaction.atomic():
            BotState.objects.select_for_update().get(pk=bot.pk)
            drop_planned_entries(bot, why=_("Trading was halted."))


def tell_about(standing: Halt) -> None:
    """Pages that show this halt look again."""
    _tell((), standing)


def _tell(bot_ids: Iterable[int], of: Halt) -> None:
    """The owners of the bots that changed, and whoever looks at the halt."""
    names: dict[int, list[str]] = defaultdict(list)
    owners = BotConfig.objects.filter(pk__in=bot_ids).order_by("pk").values_list("pk", "user_id")
    for bot_id, user_id in owners:
        names[user_id].append(f"bot-{bot_id}")
    if of.bot_config is not None:
        watching = [of.bot_config.user_id]
    elif of.user_id is not None:
        watching = [of.user_id]
    else:
        watching = list(User.objects.filter(is_active=True).values_list("pk", flat=True))
    for user_id in {*names, *watching}:
        told = [EVENT, "dashboard", *names[user_id]]
        for first in range(0, len(told), MOST_NAMES):
            transaction.on_commit(partial(live.publish, user_id, *told[first : first + MOST_NAMES]))
