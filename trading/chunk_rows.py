"""The rows of a chunk of bots, read and written set by set: one statement for all of them, and only what changed.

Whoever writes here holds the state rows: `lock_states` comes first, and everything else is read after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import BooleanField, Max
from django.db.models.expressions import RawSQL

from bots.models import BotConfig, BotState, Halt
from exchange.instants import ms_of
from trading.models import Order, Position


class BotRow(NamedTuple):
    """What a decision needs of a bot's configuration, state, key and user; the fields are called as on the models."""

    pk: int
    user_id: int
    is_user_active: bool
    is_key_valid: bool
    version: int
    is_active: bool
    initial_capital: Decimal
    position_size_perc: Decimal | None
    position_size_fixed: Decimal | None
    max_daily_trades: int | None
    max_daily_loss_perc: Decimal | None
    daily_target_perc: Decimal | None
    cooldown_candles: int
    status: str
    status_detail: str
    in_position: bool
    realized_pnl: Decimal
    daily_pnl: Decimal
    daily_trades_count: int
    counters_date: date | None
    last_candle_open_ms: int | None
    last_reason: str
    last_error_message: str

    @property
    def status_text(self) -> str:
        return f"{self.status} ({self.status_detail})" if self.status_detail else self.status


_COLUMNS: Final = (
    "pk", "bot_config__user_id", "bot_config__user__is_active", "bot_config__api_key__is_valid", "bot_config__version",
    "bot_config__is_active", "bot_config__initial_capital", "bot_config__position_size_perc",
    "bot_config__position_size_fixed", "bot_config__max_daily_trades", "bot_config__max_daily_loss_perc",
    "bot_config__daily_target_perc", "bot_config__cooldown_candles", "status", "status_detail", "in_position",
    "realized_pnl", "daily_pnl", "daily_trades_count", "counters_date", "last_candle_open_ms", "last_reason",
    "last_error_message",
)  # fmt: skip


class Seen(NamedTuple):
    """What a run found of a bot: its new status, and whether that is more than another candle looked at."""

    pk: int
    open_ms: int
    status: str
    status_detail: str
    last_reason: str
    last_error_message: str


def among(column: str, bot_ids: Iterable[int]) -> RawSQL:
    """A condition: the column is one of these, given as one parameter. Five hundred cost more to spell than to find."""
    return RawSQL(f"{column} = ANY(%s::bigint[])", [array_of(bot_ids)], output_field=BooleanField())


def array_of(numbers: Iterable[int]) -> str:
    """As PostgreSQL reads an array; the driver would look at every number on its own."""
    return "{" + ",".join(map(str, numbers)) + "}"


def lock_states(bot_ids: Iterable[int]) -> dict[int, date | None]:
    """Take the state rows nobody else holds, in the order of their keys; the day each bot's counters are of."""
    free = BotState.objects.filter(among("bots_botstate.bot_config_id", bot_ids)).order_by("pk")
    return dict(free.select_for_update(skip_locked=True).values_list("pk", "counters_date"))


def read_rows(bot_ids: Iterable[int]) -> list[BotRow]:
    chosen = among("bots_botstate.bot_config_id", bot_ids)
    rows = BotState.objects.filter(chosen, bot_config__archived_at__isnull=True)
    return list(map(BotRow._make, rows.values_list(*_COLUMNS)))


def busy_bots(bot_ids: list[int]) -> set[int]:
    """Those that hold a position or have an order whose end is still to come."""
    holding = Position.objects.open().filter(among("trading_position.bot_config_id", bot_ids))
    ordering = Order.objects.unsettled().filter(among("trading_order.bot_config_id", bot_ids))
    return {bot_id for rows in (holding, ordering) for bot_id in rows.values_list("bot_config_id", flat=True)}


class Halts(NamedTuple):
    """Every open kill switch."""

    is_everyone: bool
    users: frozenset[int]
    bots: frozenset[int]

    def hold(self, row: BotRow) -> bool:
        """As `bots.halts.halting_reason` says of one bot; a user who may not sign in halts theirs."""
        switched = self.is_everyone or row.user_id in self.users or row.pk in self.bots
        return switched or not row.is_user_active


def open_halts() -> Halts:
    scopes = list(Halt.objects.filter(ended_at__isnull=True).values_list("user_id", "bot_config_id"))
    return Halts(
        is_everyone=(None, None) in scopes,
        users=frozenset(user for user, _bot in scopes if user is not None),
        bots=frozenset(bot for _user, bot in scopes if bot is not None),
    )


def last_exits_ms(bot_ids: list[int]) -> Mapping[int, int]:
    """Market time at which each bot's last position closed, for those that ever had one."""
    if not bot_ids:
        return {}
    of_these = among("trading_position.bot_config_id", bot_ids)
    closed = Position.objects.filter(of_these, closed_at__isnull=False).order_by()
    newest = closed.values_list("bot_config_id").annotate(Max("closed_at"))
    return {bot_id: ms_of(at) for bot_id, at in newest}


_MARK_SEEN: Final = """
UPDATE bots_botstate SET last_candle_open_ms = %s, last_run_at = %s, updated_at = %s
WHERE bot_config_id = ANY(%s::bigint[])
"""
_WRITE_CHANGED: Final = """
UPDATE bots_botstate AS state
SET last_candle_open_ms = new.open_ms, status = new.status, status_detail = new.status_detail,
    last_reason = new.last_reason, last_error_message = new.last_error_message, last_run_at = %s, updated_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS new(pk, open_ms, status, status_detail, last_reason, last_error_message)
WHERE state.bot_config_id = new.pk
"""


def mark_seen(seen: list[Seen], at: datetime) -> None:
    """Only that these bots have looked at a further candle: one statement for each candle."""
    by_candle: dict[int, list[int]] = defaultdict(list)
    for one in seen:
        by_candle[one.open_ms].append(one.pk)
    with connection.cursor() as cursor:
        for open_ms, bot_ids in by_candle.items():
            cursor.execute(_MARK_SEEN, [open_ms, at, at, array_of(bot_ids)])


def write_changed(changed: list[Seen], at: datetime) -> None:
    """The candle, and what it made of these bots."""
    if not changed:
        return
    columns = [list(column) for column in zip(*changed, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_CHANGED, [at, at, *columns])


def make_inactive(bot_ids: list[int], at: datetime) -> None:
    """Bots that a daily limit has paused just now."""
    if bot_ids:
        BotConfig.objects.filter(pk__in=bot_ids).update(is_active=False, updated_at=at)
