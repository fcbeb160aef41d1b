"""Runs bots: looks at the market, decides, plans, and hands the order on. Nothing is locked while talking to the
exchange; decision, order, reservation and state are one transaction; sending comes after its commit.
"""

from __future__ import annotations

from functools import partial

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts import live
from accounts.keys import check_key
from accounts.vault import VaultError
from bots.lifecycle import fail, roll_day, set_locked_status, set_status
from bots.models import BotConfig, BotState, BotStatus
from bots.standing import (
    AT_WORK,
    CLIENT_INIT,
    DECRYPT_FAILED,
    KEY_INVALID,
    PRICE_FETCH,
    Standing,
    standing_of,
)
from engine.amounts import decimal_from_e8
from engine.decide import Action, decide, says_something_new, snapshot_after
from engine.decide import Decision as Decided
from engine.orders import PROTECTION, Purpose
from engine.strategies import InvalidParams, UnknownStrategy
from exchange.connect import VenueNotAvailable
from exchange.instants import instant_of
from exchange.port import CredentialsRefused, ExchangeError
from exchange.symbols import UnknownSymbol
from trading.carrying_out import NOTHING, Planned, carry_out, in_words, plan
from trading.market_view import View, look, unseen
from trading.models import Decision, Order
from trading.money import read_wallet
from trading.orders.asking import settle
from trading.orders.cover import STANDS
from trading.snapshots import block_of, take_snapshot

logger = structlog.get_logger(__name__)

MAY_ENTER = AT_WORK | {Standing.RETRYING}
# What keeps a run from looking, and what its bot then shows; the first that fits.
CAUSES = (
    (VaultError, DECRYPT_FAILED),
    (VenueNotAvailable, CLIENT_INIT),
    ((UnknownStrategy, InvalidParams), "strategy"),
    ((ExchangeError, UnknownSymbol), PRICE_FETCH),
)
NEXT_CLOSE = "next close"
CANNOT_LOOK = (VaultError, UnknownStrategy, InvalidParams, ExchangeError, UnknownSymbol)


class Locked(Exception):
    """Somebody else has this bot, or has just changed it; it stays due and is tried again within a second."""


def run_bot(bot_config_id: int) -> str:
    """Evaluate one bot on every candle it has not seen. Returns one line that says what happened. Raises Locked."""
    bot = BotConfig.objects.select_related("state", "api_key").get(pk=bot_config_id)
    if bot.archived_at is not None:
        return "skipped (deleted)"
    try:
        view = look(bot)
        if view is None:
            return _nothing_new(bot)
        if bot.state.in_position:
            _hear_of_orders(bot)
        _refresh_money(bot, view)
    except CANNOT_LOOK as error:
        return could_not_look(bot, error)
    try:
        with transaction.atomic():
            line, planned = _decide_and_plan(bot_config_id, view)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Locked(f"bot {bot_config_id} is being run") from None
        raise
    try:
        order = carry_out(planned)
        if order is None or order.purpose != Purpose.ENTRY:
            order = _enter_after_exit(bot_config_id, view, planned) or order
    except VaultError as error:
        # What was planned stays so: an exit is sent once the key can be opened again.
        return could_not_look(bot, error)
    except ExchangeError as error:
        # Entry, protection and exit go on from the rows; the next pass takes them up.
        logger.warning("run_interrupted", bot_config_id=bot_config_id, cause=str(error))
        return f"{line} (interrupted)"
    return in_words(order) if order else line


def _hear_of_orders(bot: BotConfig) -> None:
    """Before a candle is judged, what stands at the exchange is known as of its close or later (SPEC §5.3)."""
    standing = Order.objects.filter(bot_config=bot, purpose__in=PROTECTION, state__in=STANDS)
    for order_id in standing.order_by("pk").values_list("pk", flat=True):
        settle(order_id)


def _nothing_new(bot: BotConfig) -> str:
    """A bot started again within a candle it has already looked at waits for the next close, and says so."""
    if bot.state.status == BotStatus.PENDING:
        with transaction.atomic():
            set_status(
                bot.state, BotStatus.RUNNING if bot.state.in_position else BotStatus.WAITING, NEXT_CLOSE
            )
            transaction.on_commit(partial(live.publish, bot.user_id, f"bot-{bot.pk}", "dashboard"))
    return "skipped (nothing new)"


def _refresh_money(bot: BotConfig, view: View) -> None:
    """Before an entry the wallet is read anew; every other candle costs no request."""
    may_enter = standing_of(bot.state.status, bot.state.status_detail) in MAY_ENTER
    if may_enter and view.signals.long_entry[-1] and not bot.state.in_position and bot.is_active:
        read_wallet(bot.api_key, bot.position_type, bot.quote_asset)


def could_not_look(bot: BotConfig, error: Exception) -> str:
    """Show on the bot what kept its run from looking (one of `CANNOT_LOOK`); returns the line for the log."""
    if isinstance(error, CredentialsRefused) and _is_key_invalid(bot):
        return f"{BotStatus.PAUSED} ({KEY_INVALID})"
    cause = next(cause for kind, cause in CAUSES if isinstance(error, kind))
    with transaction.atomic():
        fail(bot.state, str(error), cause)
        transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
    return f"error ({cause})"


def _is_key_invalid(bot: BotConfig) -> bool:
    """Ask about the key on its own; if it is refused there too, that has paused all its bots."""
    try:
        return not check_key(bot.api_key).is_valid
    except ExchangeError as error:
        logger.warning("key_check_unanswered", key_id=bot.api_key_id, cause=str(error))
        return False


def _decide_and_plan(bot_id: int, view: View) -> tuple[str, Planned]:
    """The locked part: every unseen candle in order, at most one order. Returns the line and what is to be done."""
    locked = BotState.objects.select_for_update(nowait=True).get(pk=bot_id)
    seen = locked.last_candle_open_ms
    if seen is not None and seen >= view.last_open_ms:
        return "skipped (nothing new)", NOTHING
    today = instant_of(view.last_open_ms + view.interval_ms).date()
    if locked.counters_date is None or locked.counters_date < today:
        roll_day(BotState.objects.filter(pk=bot_id), today)
    # Read after the lock: a stop or a fill committed before it is seen.
    bot = BotConfig.objects.select_related("state", "api_key", "account", "user").get(pk=bot_id)
    if bot.version != view.config_version:
        # Another symbol, timeframe or strategy, perhaps: what was seen says nothing about it.
        raise Locked(f"bot {bot_id} was changed")
    state = bot.state
    _be_well_again(state)
    entry = Order.objects.unsettled().filter(bot_config=bot, purpose=Purpose.ENTRY).first()
    if entry is not None:
        return _wait_for_entry(state, entry), NOTHING
    planned = _look_at_candles(bot, view, seen)
    _write_state(state, view, planned)
    transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
    return f"{state.status_text}", planned


def _look_at_candles(bot: BotConfig, view: View, seen: int | None) -> Planned:
    """Missed candles in order, for exits and the trail; the last one also for an entry. An order ends it."""
    snapshot = take_snapshot(bot, view)
    planned = NOTHING
    for index in unseen(view, seen, in_position=snapshot.in_position):
        decided = decide(snapshot, view.bar(index))
        decision = _record(bot, view, index, decided)
        bot.state.last_reason = decided.reason
        if decided.pause:
            set_status(bot.state, BotStatus.PAUSED, decided.pause)
        if decided.best_ticks:
            bot.state.max_price_since_entry = decimal_from_e8(decided.best_ticks * view.rules.tick_e8)
        step = plan(bot, view, decided, decision)
        planned = step if step != NOTHING else planned
        if planned.order_id is not None or decided.action is Action.EXIT:
            break
        snapshot = snapshot_after(snapshot, decided)
    return planned


def _enter_after_exit(bot_id: int, view: View, planned: Planned) -> Order | None:
    """The candle that led to an exit is asked once more, flat and with the capital after it (SPEC §5.3)."""
    if planned.position_id is None or not view.signals.long_entry[-1]:
        return None
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot_id)
        bot = BotConfig.objects.select_related("state", "api_key", "account", "user").get(pk=bot_id)
        if bot.state.in_position or bot.version != view.config_version:
            return None
        if bot.state.last_candle_open_ms != view.last_open_ms:
            # Another run has gone on to a newer candle while the exit was on its way.
            return None
        decided = decide(take_snapshot(bot, view), view.bar(len(view.candles) - 1))
        if decided.action is not Action.ENTER:
            return None
        bot.state.last_reason = decided.reason
        again = plan(bot, view, decided, _record(bot, view, len(view.candles) - 1, decided))
        _write_state(bot.state, view, again)
    return carry_out(again)


def _wait_for_entry(state: BotState, entry: Order) -> str:
    """What a candle means depends on whether we hold a position: as long as that is not known the bot looks at none,
    stays due, and afterwards has missed them (SPEC §5.3: first know our orders)."""
    set_status(state, BotStatus.WAITING, block_of(entry) or "")
    state.last_run_at = timezone.now()
    state.save(update_fields=["last_run_at", "last_error_message", "updated_at"])
    transaction.on_commit(
        lambda: live.publish(entry.bot_config.user_id, f"bot-{entry.bot_config_id}", "dashboard")
    )
    return str(state.status_text)


def _be_well_again(state: BotState) -> None:
    """A run that found its market again ends an error that only waited for that."""
    if standing_of(state.status, state.status_detail) is Standing.RETRYING:
        set_status(state, BotStatus.RUNNING if state.in_position else BotStatus.WAITING)
        state.last_error_message = ""


def _record(bot: BotConfig, view: View, index: int, decided: Decided) -> Decision | None:
    """A row when it says something new; the "why" of any other candle is recomputed from candles and version."""
    if not says_something_new(bot.state.last_reason, decided):
        return None
    candle = view.candles.at(index)
    return Decision.objects.create(
        bot_config=bot,
        config_version=bot.version,
        candle_open_ms=candle.open_ms,
        acts_at=instant_of(decided.acts_at_ms),
        action=decided.action,
        reason=decided.reason,
        text=decided.text[:300],
        close_price=decimal_from_e8(candle.close),
    )


def _write_state(state: BotState, view: View, planned: Planned) -> None:
    if planned.order_id is not None:
        set_locked_status(state, BotStatus.RUNNING, state.last_reason)
    elif state.in_position:
        set_locked_status(state, BotStatus.RUNNING)
    else:
        set_locked_status(state, BotStatus.WAITING, state.last_reason)
    state.last_candle_open_ms = view.last_open_ms
    state.last_run_at = timezone.now()
    state.save(
        update_fields=[
            "status",
            "status_detail",
            "last_candle_open_ms",
            "last_run_at",
            "last_reason",
            "max_price_since_entry",
            "last_error_message",
            "updated_at",
        ]
    )
