"""What a status means for what may come next: the one table of transitions, and the rows that stand somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from django.db.models import Q

from bots.models import BotConfig, BotState, BotStatus

# Pauses that end by themselves when the day rolls. A halt's pause ends with the halt; every other waits for the user.
MAX_TRADES_REACHED: Final = "max_daily_trades reached"
MAX_LOSS_REACHED: Final = "max_daily_loss reached"
TARGET_REACHED: Final = "daily target reached"
# Of all bots of an exchange account together.
ACCOUNT_LOSS_REACHED: Final = "account_max_daily_loss reached"
DAILY_LIMITS: Final = (MAX_TRADES_REACHED, MAX_LOSS_REACHED, TARGET_REACHED, ACCOUNT_LOSS_REACHED)
KEY_INVALID: Final = "key invalid"
HALTED: Final = "halted"
CIRCUIT_BREAKER: Final = "circuit breaker"
# Errors that the next close tries again; every other error waits for the user.
PRICE_FETCH: Final = "price fetch"
CLIENT_INIT: Final = "binance client init"
RETRIED_ERRORS: Final = (PRICE_FETCH, CLIENT_INIT)
DECRYPT_FAILED: Final = "api key decrypt failed"


class Standing(StrEnum):
    """A status with the part of its detail that decides what may follow."""

    STOPPED = "stopped"
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED_TODAY = "paused until the day rolls"
    HALTED = "paused until the halt ends"
    PAUSED = "paused until the user acts"
    RETRYING = "error that the next close tries again"
    ERROR = "error until the user acts"


AT_WORK: Final = frozenset({Standing.PENDING, Standing.RUNNING, Standing.WAITING})
_FROM_WORK: Final = frozenset(Standing) - {Standing.PENDING}
_HELD: Final = frozenset({Standing.PENDING, Standing.STOPPED, Standing.PAUSED, Standing.ERROR})

# What may follow what. A bot at work may come to anything but `pending`, which only start, the reset and the end of a
# halt give; a bot that waits for its user is woken by nobody else; a stopped bot stays stopped until it is started.
FOLLOWS: Final[Mapping[Standing, frozenset[Standing]]] = MappingProxyType(
    {
        Standing.STOPPED: frozenset({Standing.STOPPED, Standing.PENDING}),
        Standing.PENDING: _FROM_WORK,
        Standing.RUNNING: _FROM_WORK,
        Standing.WAITING: _FROM_WORK,
        Standing.PAUSED_TODAY: _HELD | {Standing.PAUSED_TODAY},
        Standing.HALTED: _HELD | {Standing.HALTED},
        Standing.PAUSED: _HELD,
        Standing.RETRYING: frozenset(Standing),
        Standing.ERROR: _HELD,
    }
)


def standing_of(status: str, detail: str) -> Standing:
    if status == BotStatus.PAUSED:
        if detail == HALTED:
            return Standing.HALTED
        return Standing.PAUSED_TODAY if detail in DAILY_LIMITS else Standing.PAUSED
    if status == BotStatus.ERROR:
        return Standing.RETRYING if detail in RETRIED_ERRORS else Standing.ERROR
    return Standing(status)


def can_follow(old: Standing, new: Standing) -> bool:
    return new in FOLLOWS[old]


def rows_in(standing: Standing) -> Q:
    """The BotState rows that have this standing."""
    if standing is Standing.PAUSED_TODAY:
        return Q(status=BotStatus.PAUSED, status_detail__in=DAILY_LIMITS)
    if standing is Standing.PAUSED:
        return Q(status=BotStatus.PAUSED) & ~Q(status_detail__in=(*DAILY_LIMITS, HALTED))
    if standing is Standing.HALTED:
        return Q(status=BotStatus.PAUSED, status_detail=HALTED)
    if standing is Standing.RETRYING:
        return Q(status=BotStatus.ERROR, status_detail__in=RETRIED_ERRORS)
    if standing is Standing.ERROR:
        return Q(status=BotStatus.ERROR) & ~Q(status_detail__in=RETRIED_ERRORS)
    return Q(status=BotStatus(standing.value))


def rows_before(new: Standing) -> Any:
    """The rows whose status allows `new` to follow."""
    allowed = Q(pk__in=[])
    for old in Standing:
        if can_follow(old, new):
            allowed |= rows_in(old)
    return BotState.objects.filter(allowed)


def claiming_bots() -> Any:
    """Bots whose capital is spoken for: the active ones, and those that a daily limit paused, for they come back."""
    paused_today = BotState.objects.filter(rows_in(Standing.PAUSED_TODAY)).values("pk")
    return BotConfig.objects.filter(Q(is_active=True) | Q(pk__in=paused_today), archived_at__isnull=True)
