"""Runs bots by the hundred: a series is read once, signals are computed once, rows are read and written set by set.

The same engine and the same rules as `runner.run_bot`, and the same rows afterwards. Only what ends in a status is
finished here; an entry signal is left to `entering`, and an order, a position, anything odd to a run of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial
from operator import attrgetter

import structlog
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from accounts import live
from bots.lifecycle import fail, roll_day
from bots.models import BotState, BotStatus
from bots.standing import Standing, can_follow, standing_of
from engine.amounts import decimal_from_e8
from engine.decide import Action, decide, says_something_new
from engine.decide import Decision as Decided
from engine.reasons import Reason
from exchange.instants import instant_of
from exchange.port import ExchangeError
from trading import chunk_rows
from trading.broken_runs import PASSES
from trading.chunk_rows import BotRow, Seen
from trading.chunk_views import Glance, Sight, look_for_all, wanted_bots
from trading.entrance import ENTER_TASK, Entrance, Wish, sharing_a_wallet
from trading.models import Decision
from trading.money import NotEnoughMoney
from trading.runner import CAUSES, MAY_ENTER
from trading.snapshots import flat_snapshot, standing_block
from trading.waking import queue

logger = structlog.get_logger(__name__)

RUN_TASK = "trading.run_bot_task"
CHUNK = 500
WAITING, RUNNING = BotStatus.WAITING.value, BotStatus.RUNNING.value
PAUSED, ERROR = BotStatus.PAUSED.value, BotStatus.ERROR.value


@dataclass
class Outcome:
    """What a chunk came to: rows to write, and bots to be run by themselves or to be asked whether they enter."""

    alone: list[int] = field(default_factory=list)
    entering: list[int] = field(default_factory=list)
    entries: list[Wish] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    changed: list[Seen] = field(default_factory=list)
    paused: list[int] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    names: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    tally: Counter[str] = field(default_factory=Counter)


def run_chunk(bot_ids: Iterable[int]) -> Counter[str]:
    """Evaluate these bots on the last closed candle. Returns how many came to what; the bots that need more than a
    new status are queued, a few of one account together where they may enter, alone otherwise, and alone are also
    those that somebody else holds or has just changed."""
    return finish(look_for_all(wanted_bots(bot_ids)))


def finish(sight: Sight, entrance: Entrance | None = None) -> Counter[str]:
    """Decide, write, and queue what is left to be done. Without an entrance nobody enters."""
    try:
        with transaction.atomic():
            outcome = decide_for_all(sight, entrance)
    except (IntegrityError, DataError, NotEnoughMoney) as refusal:
        # One row that the database refuses must not stop the others: everyone alone, and the culprit is shown.
        logger.warning("chunk_refused", cause=str(refusal), count=len(sight.glances))
        outcome = Outcome(alone=list(sight.glances))
    for away, error in sight.away:
        _show_away(away, error, outcome)
    for bot_id in [*outcome.alone, *sight.odd]:
        queue(RUN_TASK, bot_id)
    for few in sharing_a_wallet(outcome.entering):
        queue(ENTER_TASK, few)
    outcome.tally["alone"] = len(outcome.alone) + len(sight.odd)
    if outcome.entering:
        outcome.tally["entering"] = len(outcome.entering)
    return outcome.tally


def decide_for_all(sight: Sight, entrance: Entrance | None = None) -> Outcome:
    """The locked part. Everything is read after the lock: a stop or a fill committed before it is seen."""
    outcome, at = Outcome(), timezone.now()
    days = chunk_rows.lock_states([*sight.glances, *sight.blind])
    outcome.alone += [pk for pk in sight.glances if pk not in days]
    _roll_days(days, sight)
    # By age: who asks first for a wallet's money is no accident.
    rows = sorted(chunk_rows.read_rows(days), key=attrgetter("pk"))
    busy, halts = chunk_rows.busy_bots(list(days)), chunk_rows.open_halts()
    exits_ms = chunk_rows.last_exits_ms([row.pk for row in rows if row.cooldown_candles])
    if entrance is not None:
        entrance.open(days)
    for row in rows:
        glance = sight.glances.get(row.pk)
        if glance is None or _has_seen(row, glance):
            _nothing_new(row, outcome)
        elif row.in_position or row.pk in busy or row.version != glance.version:
            outcome.alone.append(row.pk)
        else:
            try:
                _decide(
                    row,
                    glance,
                    is_halted=halts.hold(row),
                    last_exit_ms=exits_ms.get(row.pk),
                    entrance=entrance,
                    outcome=outcome,
                )
            except PASSES:
                raise
            except Exception as error:
                logger.warning(
                    "chunk_trouble", bot_config_ids=[row.pk], cause=f"{type(error).__name__}: {error}"
                )
                outcome.alone.append(row.pk)
    _write(outcome, at)
    if entrance is not None:
        entrance.plan(outcome.entries, at)
    return outcome


def _has_seen(row: BotRow, glance: Glance) -> bool:
    return row.last_candle_open_ms is not None and row.last_candle_open_ms >= glance.bar.open_ms


def _nothing_new(row: BotRow, outcome: Outcome) -> None:
    if row.status == BotStatus.PENDING:
        outcome.alone.append(row.pk)  # it is told what it waits for
    else:
        outcome.tally["skipped (nothing new)"] += 1


def _roll_days(days: dict[int, date | None], sight: Sight) -> None:
    """A run rolls the day before it decides; almost always there is none to roll."""
    behind: dict[date, list[int]] = defaultdict(list)
    for pk, day in days.items():
        glance = sight.glances.get(pk)
        if glance is not None and (day is None or day < glance.acts_on):
            behind[glance.acts_on].append(pk)
    for today, bot_ids in behind.items():
        roll_day(BotState.objects.filter(pk__in=bot_ids), today)


def _decide(
    row: BotRow,
    glance: Glance,
    *,
    is_halted: bool,
    last_exit_ms: int | None,
    entrance: Entrance | None,
    outcome: Outcome,
) -> None:
    before, row = row, _be_well_again(row)
    block = standing_block(row, row, is_key_valid=row.is_key_valid) or (Reason.HALTED if is_halted else None)
    asks = glance.bar.long_entry and (block is None or _asks_for_money(row))
    if asks and entrance is None:
        outcome.entering.append(row.pk)
        return
    flat = flat_snapshot(row, row, glance.rules, entry_block=block, last_exit_ms=last_exit_ms)
    decided = (
        entrance.decide(row.pk, flat, glance) if asks and entrance is not None else decide(flat, glance.bar)
    )
    if decided is None or decided.action not in (Action.NONE, Action.ENTER):
        outcome.alone.append(row.pk)
        return
    if says_something_new(row.last_reason, decided):
        outcome.decisions.append(_decision(row, glance, decided))
    if decided.action is Action.ENTER:
        outcome.entries.append(Wish(row.pk, glance, decided, outcome.decisions[-1]))
    _note_state(before, _after(row, glance, decided), outcome)


def _be_well_again(row: BotRow) -> BotRow:
    """A run that found its market again ends an error that only waited for that."""
    if row.status != ERROR or standing_of(row.status, row.status_detail) is not Standing.RETRYING:
        return row
    return row._replace(status=WAITING, status_detail="", last_error_message="")


def _asks_for_money(row: BotRow) -> bool:
    """Before such a bot decides on an entry signal its wallet is read from the exchange, whatever it then decides."""
    return row.is_active and standing_of(row.status, row.status_detail) in MAY_ENTER


def _decision(row: BotRow, glance: Glance, decided: Decided) -> Decision:
    return Decision(
        bot_config_id=row.pk,
        config_version=row.version,
        candle_open_ms=glance.bar.open_ms,
        acts_at=instant_of(decided.acts_at_ms),
        action=decided.action,
        reason=decided.reason,
        text=decided.text[:300],
        close_price=decimal_from_e8(glance.close_e8),
    )


def _after(row: BotRow, glance: Glance, decided: Decided) -> Seen:
    """What `set_status` would make of the row: a daily limit's pause, then `waiting`, or `running` for one that enters,
    where the table allows them."""
    status, detail = row.status, row.status_detail
    if decided.pause and _allows(status, detail, Standing.PAUSED_TODAY):
        status, detail = PAUSED, decided.pause
    if decided.action is Action.ENTER:
        if _allows(status, detail, Standing.RUNNING):
            status, detail = RUNNING, decided.reason[:120]
    elif _allows(status, detail, Standing.WAITING):
        status, detail = WAITING, decided.reason[:120]
    return Seen(row.pk, glance.bar.open_ms, status, detail, decided.reason, row.last_error_message)


@lru_cache(maxsize=512)
def _allows(status: str, detail: str, new: Standing) -> bool:
    return can_follow(standing_of(status, detail), new)


def _note_state(row: BotRow, after: Seen, outcome: Outcome) -> None:
    was = row.status, row.status_detail, row.last_reason, row.last_error_message
    is_new = was != (after.status, after.status_detail, after.last_reason, after.last_error_message)
    (outcome.changed if is_new else outcome.seen).append(after)
    if after.status == PAUSED and row.status != PAUSED:
        outcome.paused.append(row.pk)
    outcome.names[row.user_id].append(f"bot-{row.pk}")
    outcome.tally[f"{after.status} ({after.status_detail})" if after.status_detail else after.status] += 1


def _write(outcome: Outcome, at: datetime) -> None:
    chunk_rows.mark_seen(outcome.seen, at)
    chunk_rows.write_changed(outcome.changed, at)
    chunk_rows.make_inactive(outcome.paused, at)
    Decision.objects.bulk_create(outcome.decisions)
    changed = {user_id: [*names, "dashboard"] for user_id, names in outcome.names.items()}
    transaction.on_commit(partial(live.publish_all, changed))


def _show_away(bot_ids: list[int], error: ExchangeError, outcome: Outcome) -> None:
    """As a run of its own shows it, one bot at a time: it is the exception, and every bot has its own standing."""
    cause = next(cause for kind, cause in CAUSES if isinstance(error, kind))
    for state in BotState.objects.filter(pk__in=bot_ids).select_related("bot_config"):
        with transaction.atomic():
            fail(state, str(error), cause)
            transaction.on_commit(
                partial(live.publish, state.bot_config.user_id, f"bot-{state.pk}", "dashboard")
            )
        outcome.tally[f"error ({cause})"] += 1
