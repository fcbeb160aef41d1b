"""Runs bots: looks at the market, decides, plans, and hands the order on. Nothing is locked while talking to the
exchange; decision, order, reservation and state are one transaction; sending comes after its commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from accounts import live
from accounts.keys import check_key
from accounts.vault import VaultError
from bots.halts import halting_reason
from bots.lifecycle import fail, roll_day, set_status
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
from engine.amounts import decimal_from_e8, e6_from_percent, e8_from_decimal
from engine.decide import Action, Bar, Snapshot, bar_at, decide, freshness_ms, says_something_new
from engine.decide import Decision as Decided
from engine.market import INTERVAL_MS, Candles, last_closed_opening
from engine.orders import FINAL_STATES, OrderState, Purpose
from engine.reasons import Reason
from engine.rules import SymbolRules
from engine.strategies import InvalidParams, Signals, UnknownStrategy, parse_params, strategy
from exchange import candles as candle_store
from exchange.connect import VenueNotAvailable, market_data
from exchange.port import MOST_OFFSET_MS, CredentialsRefused, ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.models import Decision, Order, Position, Wallet
from trading.money import NotEnoughMoney, read_wallet
from trading.orders.execution import send
from trading.orders.planning import plan_entry, plan_exit

logger = structlog.get_logger(__name__)

# Candles missed while nothing ran are looked at for exits; older ones than these cannot change what to do now.
MOST_MISSED = 500
MAY_ENTER = AT_WORK | {Standing.RETRYING}
# What keeps a run from looking, and what its bot then shows; the first that fits.
CAUSES = (
    (VaultError, DECRYPT_FAILED),
    (VenueNotAvailable, CLIENT_INIT),
    ((UnknownStrategy, InvalidParams), "strategy"),
    ((ExchangeError, UnknownSymbol), PRICE_FETCH),
)
CANNOT_LOOK = (VaultError, UnknownStrategy, InvalidParams, ExchangeError, UnknownSymbol)


class Locked(Exception):
    """Somebody else has this bot, or has just changed it; it stays due and is tried again within a second."""


@dataclass(frozen=True)
class View:
    """What a run saw of the market before it took any lock, as this version of its bot looks at it."""

    config_version: int
    rules: SymbolRules
    rules_version: int
    candles: Candles
    signals: Signals
    interval_ms: int
    now_ms: int
    is_clock_right: bool

    @property
    def last_open_ms(self) -> int:
        return int(self.candles.open_ms[-1])

    def bar(self, index: int) -> Bar:
        return bar_at(
            self.candles,
            self.signals,
            index,
            interval_ms=self.interval_ms,
            rules=self.rules,
            now_ms=self.now_ms,
            is_last_closed=index == len(self.candles) - 1,
        )


def run_bot(bot_config_id: int) -> str:
    """Evaluate one bot on every candle it has not seen. Returns one line that says what happened. Raises Locked."""
    bot = BotConfig.objects.select_related("state", "api_key", "account").get(pk=bot_config_id)
    if bot.archived_at is not None:
        return "skipped (deleted)"
    try:
        view = look(bot)
        if view is None:
            return "skipped (nothing new)"
        _refresh_money(bot, view)
    except CANNOT_LOOK as error:
        return _could_not_look(bot, error)
    try:
        with transaction.atomic():
            line, order_id = _decide_and_plan(bot_config_id, view)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Locked(f"bot {bot_config_id} is being run") from None
        raise
    if order_id is None:
        return line
    try:
        return _in_words(send(order_id))
    except VaultError as error:
        # The order stays planned: an exit is sent once the key can be opened again.
        return _could_not_look(bot, error)


def look(bot: BotConfig) -> View | None:
    """The market as this bot sees it now, or None when no candle has closed since its last run."""
    data = market_data(bot.api_key.venue)
    now_ms = data.market_time_ms(bot.symbol)
    newest = last_closed_opening(now_ms, bot.timeframe)
    seen = bot.state.last_candle_open_ms
    if seen is not None and seen >= newest:
        return None
    rules, version = rules_for(bot.api_key.venue, bot.position_type, bot.symbol)
    interval_ms = INTERVAL_MS[bot.timeframe]
    chosen, params = strategy(bot.strategy), parse_params(bot.strategy, bot.strategy_params)
    missed = 1 if seen is None else min((newest - seen) // interval_ms, MOST_MISSED)
    count = chosen.window(params) + missed
    series = (candle_store.source_of(bot.api_key.venue), bot.position_type, bot.symbol, bot.timeframe)
    candle_store.sync(data, *series, count=count, until_open_ms=newest)
    candles = candle_store.read(*series, count=count, until_open_ms=newest)
    if not len(candles) or int(candles.open_ms[-1]) != newest:
        return None
    signals = chosen.signals(candles, params)
    # Only an entry asks.
    is_clock_right = not signals.long_entry[-1] or abs(data.clock_offset_ms()) <= MOST_OFFSET_MS
    return View(bot.version, rules, version, candles, signals, interval_ms, now_ms, is_clock_right)


def _refresh_money(bot: BotConfig, view: View) -> None:
    """Before an entry the wallet is read anew; every other candle costs no request."""
    may_enter = standing_of(bot.state.status, bot.state.status_detail) in MAY_ENTER
    if may_enter and view.signals.long_entry[-1] and not bot.state.in_position and bot.is_active:
        read_wallet(bot.api_key, bot.position_type, bot.quote_asset)


def _could_not_look(bot: BotConfig, error: Exception) -> str:
    if isinstance(error, CredentialsRefused) and _is_key_invalid(bot):
        return f"{BotStatus.PAUSED} ({KEY_INVALID})"
    cause = next(cause for kind, cause in CAUSES if isinstance(error, kind))
    with transaction.atomic():
        fail(bot.state, str(error), cause)
        transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
    return f"error ({cause})"


def show_broken_run(bot_id: int, error: Exception) -> None:
    """Nobody foresaw how this run ended: its bot enters nothing until its user has looked; exits are still followed."""
    state = BotState.objects.select_related("bot_config").get(pk=bot_id)
    with transaction.atomic():
        fail(
            state, f"The run broke off: {type(error).__name__}. The operators' log says where.", "run failed"
        )
        transaction.on_commit(lambda: live.publish(state.bot_config.user_id, f"bot-{bot_id}", "dashboard"))


def _is_key_invalid(bot: BotConfig) -> bool:
    """Ask about the key on its own; if it is refused there too, that has paused all its bots."""
    try:
        return not check_key(bot.api_key).is_valid
    except ExchangeError as error:
        logger.warning("key_check_unanswered", key_id=bot.api_key_id, cause=str(error))
        return False


def _decide_and_plan(bot_id: int, view: View) -> tuple[str, int | None]:
    """The locked part: every unseen candle in order, at most one action. Returns the line and the planned order."""
    BotState.objects.select_for_update(nowait=True).get(pk=bot_id)
    seen = BotState.objects.values_list("last_candle_open_ms", flat=True).get(pk=bot_id)
    if seen is not None and seen >= view.last_open_ms:
        return "skipped (nothing new)", None
    roll_day(BotState.objects.filter(pk=bot_id), _day(view.last_open_ms + view.interval_ms))
    # Read after the lock: a stop or a fill committed before it is seen.
    bot = BotConfig.objects.select_related("state", "api_key", "account").get(pk=bot_id)
    if bot.version != view.config_version:
        # Another symbol, timeframe or strategy, perhaps: what was seen says nothing about it.
        raise Locked(f"bot {bot_id} was changed")
    state = bot.state
    _be_well_again(state)
    unsettled = Order.objects.unsettled().filter(bot_config=bot).first()
    if unsettled is not None and unsettled.purpose == Purpose.ENTRY:
        return _wait_for_entry(state, unsettled), None
    snapshot = _snapshot(bot, view, unsettled)
    order: Order | None = None
    for index in _unseen(view, seen, in_position=snapshot.in_position):
        decided = decide(snapshot, view.bar(index))
        decision = _record(bot, view, index, decided)
        state.last_reason = decided.reason
        order = _act(bot, view, decided, decision)
        if order is not None:
            break
    _write_state(state, view, order)
    transaction.on_commit(lambda: live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard"))
    return f"{state.status_text}", order.pk if order else None


def _wait_for_entry(state: BotState, entry: Order) -> str:
    """What a candle means depends on whether we hold a position: as long as that is not known the bot looks at none,
    stays due, and afterwards has missed them (SPEC §5.3: first know our orders)."""
    set_status(state, BotStatus.WAITING, _block_of(entry) or "")
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


def _unseen(view: View, seen: int | None, *, in_position: bool) -> range:
    """Indices of the candles to look at. Out of a position only the last closed one can lead to anything."""
    total = len(view.candles)
    if seen is None or not in_position:
        return range(total - 1, total)
    first = int((view.candles.open_ms <= seen).sum())
    return range(max(first, total - MOST_MISSED), total)


def _snapshot(bot: BotConfig, view: View, unsettled: Order | None) -> Snapshot:
    state = bot.state
    position = Position.objects.open().filter(bot_config=bot).first()
    held_e8 = e8_from_decimal(position.quantity) if position else 0
    assert state.counters_date is not None  # the day was rolled a moment ago
    return Snapshot(
        rules=view.rules,
        in_position=position is not None,
        quantity_steps=held_e8 // view.rules.step_e8,
        capital_e8=e8_from_decimal(bot.initial_capital + state.realized_pnl),
        available_e8=e8_from_decimal(_available(bot)),
        counters_day=(state.counters_date - date(1970, 1, 1)).days,
        size_percent_e6=_percent_e6(bot),
        size_fixed_e8=None if bot.position_size_fixed is None else e8_from_decimal(bot.position_size_fixed),
        daily_trades=state.daily_trades_count,
        daily_pnl_e8=e8_from_decimal(state.daily_pnl),
        entry_block=_entry_block(bot, unsettled, is_clock_right=view.is_clock_right),
        exit_block=_exit_block(position, unsettled),
        exits_follow_signal=state.status != BotStatus.STOPPED,
    )


def _available(bot: BotConfig) -> Decimal:
    wallet = Wallet.objects.filter(
        account_id=bot.account_id, market=bot.position_type, asset=bot.quote_asset
    ).first()
    return wallet.available if wallet else Decimal(0)


def _percent_e6(bot: BotConfig) -> int | None:
    return None if bot.position_size_perc is None else e6_from_percent(bot.position_size_perc)


def _entry_block(bot: BotConfig, unsettled: Order | None, *, is_clock_right: bool) -> str | None:
    """What forbids a new entry now, if anything does (SPEC §4.3)."""
    state = bot.state
    if state.status == BotStatus.PAUSED:
        return state.status_text
    if not bot.is_active:
        return Reason.STOPPED
    if state.status == BotStatus.ERROR:
        return Reason.ERROR
    if not bot.api_key.is_valid:
        return Reason.KEY_INVALID
    if halting_reason(bot):
        return Reason.HALTED
    return _block_of(unsettled) or (None if is_clock_right else Reason.CLOCK_OFF)


def _exit_block(position: Position | None, unsettled: Order | None) -> str | None:
    if position is not None and position.action:
        return Reason.ORDER_IN_FLIGHT
    return _block_of(unsettled)


def _block_of(unsettled: Order | None) -> str | None:
    if unsettled is None:
        return None
    return Reason.UNKNOWN_ORDER if unsettled.state == OrderState.UNKNOWN else Reason.ORDER_IN_FLIGHT


def _record(bot: BotConfig, view: View, index: int, decided: Decided) -> Decision | None:
    """A row when it says something new; the "why" of any other candle is recomputed from candles and version."""
    if not says_something_new(bot.state.last_reason, decided):
        return None
    candle = view.candles.at(index)
    return Decision.objects.create(
        bot_config=bot,
        config_version=bot.version,
        candle_open_ms=candle.open_ms,
        acts_at=_at(decided.acts_at_ms),
        action=decided.action,
        reason=decided.reason,
        text=decided.text[:300],
        close_price=decimal_from_e8(candle.close),
    )


def _act(bot: BotConfig, view: View, decided: Decided, decision: Decision | None) -> Order | None:
    if decided.action is Action.ENTER:
        assert decision is not None
        return _enter(bot, view, decided, decision)
    if decided.action is Action.EXIT:
        return plan_exit(
            bot,
            Position.objects.open().get(bot_config=bot),
            reason="exit_signal",
            quantity=decimal_from_e8(decided.quantity_steps * view.rules.step_e8),
            rules_version=view.rules_version,
            at=timezone.now(),
            decision=decision,
        )
    return None


def _enter(bot: BotConfig, view: View, decided: Decided, decision: Decision) -> Order | None:
    """Plan the entry; when another bot of the account took the money a moment ago, the decision says so instead."""
    try:
        with transaction.atomic():
            return plan_entry(
                bot,
                decision=decision,
                quote_quantity=decimal_from_e8(decided.quote_e8),
                rules_version=view.rules_version,
                fresh_until_ms=decided.acts_at_ms + freshness_ms(view.interval_ms),
                at=timezone.now(),
            )
    except NotEnoughMoney as refusal:
        decision.action, decision.reason, decision.text = (
            Action.NONE,
            Reason.NOT_ENOUGH_MONEY,
            str(refusal)[:300],
        )
        decision.save(update_fields=["action", "reason", "text", "updated_at"])
        bot.state.last_reason = Reason.NOT_ENOUGH_MONEY
        return None


def _write_state(state: BotState, view: View, order: Order | None) -> None:
    if order is not None:
        set_status(state, BotStatus.RUNNING, state.last_reason)
    elif state.in_position:
        set_status(state, BotStatus.RUNNING)
    else:
        set_status(state, BotStatus.WAITING, state.last_reason)
    state.last_candle_open_ms = view.last_open_ms
    state.last_run_at = timezone.now()
    state.save(
        update_fields=[
            "last_candle_open_ms",
            "last_run_at",
            "last_reason",
            "last_error_message",
            "updated_at",
        ]
    )


def _in_words(order: Order) -> str:
    if order.state == OrderState.FILLED:
        verb = "entered" if order.purpose == Purpose.ENTRY else "exited"
        price = order.executed_quote / order.executed_quantity
        return f"{verb} {order.symbol} {order.executed_quantity.normalize():f} @ {price:.8g}"
    if order.state in FINAL_STATES:
        return f"{order.purpose} {order.state} ({order.error_message or order.error_code})"
    return f"{order.purpose} {order.state}"


def _day(at_ms: int) -> date:
    return _at(at_ms).date()


def _at(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
