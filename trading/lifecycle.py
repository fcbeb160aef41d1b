"""Starting and stopping a bot: every check first, then the rows in one transaction, then a wake-up call.

The exchange is asked before the transaction. From the moment a stop has answered no new entry is sent: planned ones are
dropped with it, and the claim of an entry asks again whether its bot is active.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import Celery, current_app
from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts import live
from accounts.keys import check_key
from accounts.vault import VaultError
from bots import lifecycle, scope
from bots.halts import halting_reason
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from bots.wording import money
from engine.orders import OrderState, Purpose
from engine.strategies import InvalidParams, UnknownStrategy, parse_params
from exchange.port import CredentialsRefused, ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.models import Order
from trading.money import claims_beside, objection_to_claim, read_wallet
from trading.orders import ledger

logger = structlog.get_logger(__name__)

RUN_TASK = "trading.run_bot_task"
CLAIMED = (OrderState.SENDING, OrderState.UNKNOWN, OrderState.OPEN, OrderState.PARTIALLY_FILLED)


def start_bot(bot: BotConfig, *, by: Any) -> dict[str, Any]:
    """Active and `pending`, with a first run queued; or LifecycleRefused and nothing has changed."""
    bot = BotConfig.objects.select_related("api_key", "account").get(pk=bot.pk)
    _check_startable(bot)
    _check_strategy(bot)
    _check_exchange(bot)
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        # Read again under the lock: it may have been started, halted or edited while the exchange was asked.
        checked_version, bot = (
            bot.version,
            BotConfig.objects.select_related("api_key", "account").get(pk=bot.pk),
        )
        if bot.version != checked_version:
            raise LifecycleRefused(409, _("The bot was changed while it was being started. Start it again."))
        _check_startable(bot)
        _check_money(bot)
        lifecycle.activate(bot)
        transaction.on_commit(lambda: queue_run(bot.pk))
        transaction.on_commit(lambda: announce(bot))
    logger.info("bot_started", bot_config_id=bot.pk, by=by.pk)
    return {"message": "Bot started", "bot_config_id": bot.pk, "status": "pending"}


def stop_bot(bot: BotConfig, *, position: str = "keep", by: Any) -> dict[str, Any]:
    """Inactive and `stopped`, its planned entry dropped; the same answer when it already was.

    An entry that is already on its way may still fill: `pending_order` names it."""
    if position == "close":
        raise LifecycleRefused(
            400, _("Closing the position at a stop is not available yet. Keep it."), field="position"
        )
    if position != "keep":
        raise LifecycleRefused(400, _("Say keep or close."), field="position")
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        changed = lifecycle.deactivate(bot)
        _drop_planned_entries(bot)
        under_way = Order.objects.filter(
            bot_config_id=bot.pk, purpose=Purpose.ENTRY, state__in=CLAIMED
        ).first()
        transaction.on_commit(lambda: announce(bot))
    logger.info("bot_stopped", bot_config_id=bot.pk, by=by.pk, changed=changed)
    answer = {"message": "Bot stopped", "bot_config_id": bot.pk, "status": "stopped"}
    return {**answer, "pending_order": under_way.client_order_id} if under_way else answer


def queue_run(bot_config_id: int, *, app: Celery = current_app) -> None:
    """Wake a worker. With the broker away the start holds all the same: the minute's schedule finds the bot."""
    try:
        app.send_task(RUN_TASK, args=[bot_config_id], ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("run_not_queued", bot_config_id=bot_config_id, cause=type(error).__name__)


def announce(bot: BotConfig) -> None:
    live.publish(bot.user_id, f"bot-{bot.pk}", "dashboard")


def _check_startable(bot: BotConfig) -> None:
    """What the database alone can say: deleted, started, key, venue, halts, and what this version does not do."""
    if bot.archived_at is not None:
        raise LifecycleRefused(409, _("This bot was deleted."))
    if lifecycle.is_started(bot, BotState.objects.get(pk=bot.pk)):
        raise LifecycleRefused(409, _("This bot is already started."))
    halted = halting_reason(bot)
    if halted:
        raise LifecycleRefused(409, halted)
    if not bot.api_key.is_valid:
        raise LifecycleRefused(
            400,
            _("The exchange refused this bot's API key. Check the key, then start again."),
            field="api_key",
        )
    if bot.account.venue in scope.VENUES_NOT_YET:
        raise LifecycleRefused(400, str(scope.VENUES_NOT_YET[bot.account.venue]), field="api_key")
    for field, message in scope.refusals({name: getattr(bot, name) for name in scope.NOT_YET}).items():
        raise LifecycleRefused(400, str(message), field=field)


def _check_strategy(bot: BotConfig) -> None:
    try:
        parse_params(bot.strategy, bot.strategy_params)
    except UnknownStrategy:
        message = _("The strategy %(name)s is not installed.") % {"name": bot.strategy}
        raise LifecycleRefused(400, message, field="strategy") from None
    except InvalidParams as wrong:
        raise LifecycleRefused(400, str(wrong), field="strategy_params") from None


def _check_exchange(bot: BotConfig) -> None:
    """Symbol and balance, as the exchange says now. No transaction is open here."""
    try:
        rules, _version = rules_for(bot.account.venue, bot.position_type, bot.symbol)
        if not rules.is_trading:
            message = _("%(symbol)s is not trading now (%(status)s).")
            raise LifecycleRefused(
                400, message % {"symbol": bot.symbol, "status": rules.status}, field="symbol"
            )
        read_wallet(bot.api_key, bot.position_type, bot.quote_asset)
    except UnknownSymbol:
        message = _("%(symbol)s is not traded on this venue.") % {"symbol": bot.symbol}
        raise LifecycleRefused(400, message, field="symbol") from None
    except VaultError:
        _note_bad_key(bot)
        message = _("The stored API key cannot be decrypted. Add the key again.")
        raise LifecycleRefused(400, message, field="api_key") from None
    except CredentialsRefused as refused:
        _note_bad_key(bot)
        message = _("The exchange refused this bot's API key: %(why)s") % {"why": refused.message}
        raise LifecycleRefused(400, message, field="api_key") from None
    except ExchangeError as error:
        logger.warning("start_without_exchange", bot_config_id=bot.pk, cause=str(error))
        message = _("The exchange does not answer. The bot was not started; try again in a moment.")
        raise LifecycleRefused(503, message) from None


def _note_bad_key(bot: BotConfig) -> None:
    """The key's own check marks it and pauses its other bots; when it cannot be asked, the next check will tell."""
    try:
        check_key(bot.api_key)
    except ExchangeError as error:
        logger.warning("key_not_checked", api_key_id=bot.api_key_id, cause=str(error))


def _check_money(bot: BotConfig) -> None:
    """SPEC §4.4: the capital of the active bots on this money may not exceed what is there. Locks the wallet."""
    capital = bot.initial_capital + BotState.objects.get(pk=bot.pk).realized_pnl
    if capital <= 0:
        message = _("This bot has lost its capital (%(left)s left). Give it more, then start again.")
        left = money(capital, bot.quote_asset)
        raise LifecycleRefused(400, message % {"left": left}, field="initial_capital")
    claims = claims_beside(bot)
    objection = objection_to_claim(claims, capital, bot.quote_asset)
    if objection:
        # Somebody else's claim is a conflict that may end; too little money is a mistake in the number.
        status_code = 409 if claims.names and capital <= claims.worth else 400
        raise LifecycleRefused(status_code, objection, field="initial_capital")


def _drop_planned_entries(bot: BotConfig) -> None:
    planned = Order.objects.filter(bot_config_id=bot.pk, purpose=Purpose.ENTRY, state=OrderState.PLANNED)
    # Locking waits for a claim under way; an order it took is no longer `planned` and stays with its sender.
    for order_id in planned.select_for_update().values_list("pk", flat=True):
        ledger.close_without_fill(order_id, OrderState.DROPPED, message=_("The bot was stopped."))
        # The order says why it was dropped; to the bot a stop is no error.
        BotState.objects.filter(pk=bot.pk).update(last_error_message="")
