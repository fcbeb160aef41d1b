"""How a bot's state moves: one table of what may follow what, and conditional updates whose count is checked.

This module moves rows and does nothing else; tasks and exchanges belong to `trading.lifecycle`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from bots.models import BotConfig, BotState, BotStatus
from bots.standing import AT_WORK, HALTED, Standing, can_follow, rows_before, rows_in, standing_of

logger = structlog.get_logger(__name__)


class LifecycleRefused(Exception):
    """A start, stop or deletion that may not happen now: the HTTP status to answer, a sentence, and maybe a field."""

    def __init__(self, status_code: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.field = field


def is_started(bot: BotConfig, state: BotState) -> bool:
    """Active and at work: starting it again is a 409. A paused or failed bot may be started again."""
    return bot.is_active and standing_of(state.status, state.status_detail) in AT_WORK


def activate(bot: BotConfig) -> None:
    """Active and `pending` at once, or LifecycleRefused (409). Clears the last error message."""
    with transaction.atomic():
        moved = rows_before(Standing.PENDING).filter(pk=bot.pk)
        changed = moved.update(
            status=BotStatus.PENDING, status_detail="", last_error_message="", **_touched()
        )
        active = BotConfig.objects.filter(pk=bot.pk, archived_at__isnull=True)
        if changed != 1 or active.update(is_active=True, **_touched()) != 1:
            raise LifecycleRefused(409, _("This bot is already started."))
    bot.is_active = True
    logger.info("bot_activated", bot_config_id=bot.pk)


def deactivate(bot: BotConfig) -> bool:
    """Inactive and `stopped`; False when it already was. Nothing refuses a stop."""
    with transaction.atomic():
        stopped = BotState.objects.filter(pk=bot.pk).exclude(status=BotStatus.STOPPED)
        changed = stopped.update(status=BotStatus.STOPPED, status_detail="", **_touched())
        changed += BotConfig.objects.filter(pk=bot.pk, is_active=True).update(is_active=False, **_touched())
    bot.is_active = False
    if changed:
        logger.info("bot_deactivated", bot_config_id=bot.pk)
    return changed > 0


def set_status(state: BotState, status: BotStatus, detail: str = "") -> bool:
    """What a run found. False, and nothing changes, where the table forbids it from the status the row has *now*:
    a bot stopped or paused in the meantime stays so. A daily limit also sets the bot inactive until the day rolls.
    """
    if status in (BotStatus.STOPPED, BotStatus.PENDING):
        raise ValueError(f"{status} is given by activate and deactivate only")
    new = standing_of(status, detail)
    return _move(state, new, status=status, status_detail=detail[:120])


def set_locked_status(state: BotState, status: BotStatus, detail: str = "") -> bool:
    """As `set_status`, for a row that the caller has locked, read since, and saves: no statement of its own. For
    `running` and `waiting` only."""
    if status not in (BotStatus.RUNNING, BotStatus.WAITING):
        raise ValueError(f"{status} moves more than this row")
    if not can_follow(standing_of(state.status, state.status_detail), Standing(status.value)):
        logger.debug("bot_status_kept", bot_config_id=state.pk, refused=str(status))
        return False
    state.status, state.status_detail = status, detail[:120]
    return True


def fail(state: BotState, message: str, cause: str) -> bool:
    """`error (<cause>)` with a message for the owner. Where the table forbids it (a stopped bot that follows its
    kept position) the status stays and the message is shown all the same; returns whether the status moved."""
    shown = message[:300]
    moved = _move(
        state,
        standing_of(BotStatus.ERROR, cause),
        status=BotStatus.ERROR,
        status_detail=cause[:120],
        last_error_message=shown,
    )
    if not moved:
        BotState.objects.filter(pk=state.pk).update(last_error_message=shown, **_touched())
        state.last_error_message = shown
    logger.warning("bot_failed", bot_config_id=state.pk, cause=cause, moved=moved)
    return moved


def _move(state: BotState, new: Standing, **values: Any) -> bool:
    with transaction.atomic(savepoint=False):
        if rows_before(new).filter(pk=state.pk).update(**values, **_touched()) != 1:
            logger.debug("bot_status_kept", bot_config_id=state.pk, refused=str(new))
            return False
        if new is Standing.PAUSED_TODAY:
            BotConfig.objects.filter(pk=state.pk).update(is_active=False, **_touched())
    for name, value in values.items():
        setattr(state, name, value)
    return True


def pause_halted(bots: Any) -> list[int]:
    """`paused (halted)` for those of `bots` (a queryset) that are at work; returns them. Their halt stops them already:
    this says so."""
    before = rows_before(Standing.HALTED).exclude(rows_in(Standing.HALTED))
    return _move_many(before, bots, status=BotStatus.PAUSED, status_detail=HALTED)


def resume_halted(bots: Any) -> list[int]:
    """`pending` again for those of `bots` (a queryset) that a halt had paused; returns them."""
    halted = BotState.objects.filter(rows_in(Standing.HALTED))
    return _move_many(halted, bots, status=BotStatus.PENDING, status_detail="")


def _move_many(states: Any, bots: Any, **values: Any) -> list[int]:
    """Locks in the order of the keys, as all do who take more than one state row, and asks again under the lock."""
    with transaction.atomic():
        found = states.filter(bot_config__in=bots).order_by("pk")
        chosen = list(found.select_for_update(of=("self",)).values_list("pk", flat=True))
        states.filter(pk__in=chosen).update(**values, **_touched())
    return chosen


@dataclass(frozen=True, slots=True)
class RolledDay:
    """How many bots got new counters, and which of them are active again."""

    rolled: int
    reactivated: tuple[int, ...]


def roll_day(states: Any, today: datetime.date) -> RolledDay:
    """Begin the UTC day `today` for those of `states` (a queryset of BotState) that are still on an earlier one:
    counters and daily PnL to zero, messages of bots that run well cleared, bots paused by a daily limit active again
    as `pending`. Order and repetition do not matter; a day never rolls back; a stopped bot stays stopped."""
    behind = states.filter(Q(counters_date__isnull=True) | Q(counters_date__lt=today))
    with transaction.atomic():
        paused = behind.filter(rows_in(Standing.PAUSED_TODAY), bot_config__archived_at__isnull=True)
        reactivated = tuple(paused.select_for_update(of=("self",)).values_list("pk", flat=True))
        BotState.objects.filter(pk__in=reactivated).update(status=BotStatus.PENDING, status_detail="")
        BotConfig.objects.filter(pk__in=reactivated).update(is_active=True, **_touched())
        well = Q(status__in=[BotStatus.PENDING, BotStatus.RUNNING, BotStatus.WAITING])
        rolled = behind.update(
            daily_pnl=0,
            daily_trades_count=0,
            protection_failures=0,
            counters_date=today,
            last_error_message=Case(When(well, then=Value("")), default=F("last_error_message")),
            **_touched(),
        )
    return RolledDay(rolled, reactivated)


def _touched() -> dict[str, Any]:
    """`update()` skips `auto_now`."""
    return {"updated_at": timezone.now()}
