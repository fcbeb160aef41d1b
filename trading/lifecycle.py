"""Starting and stopping a bot, and closing its position: every check first, then the rows in one transaction, then a
wake-up call.

The exchange is asked before the transaction. From the moment a stop has answered no new entry is sent: planned ones are
dropped with it, and the claim of an entry asks again whether its bot is active.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import Celery, current_app
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, live
from accounts.keys import check_key
from accounts.models import AuditEvent
from accounts.vault import VaultError
from bots import lifecycle, scope
from bots.halts import halting_reason
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from bots.wording import money
from engine.strategies import InvalidParams, UnknownStrategy, parse_params
from exchange.port import CredentialsRefused, ExchangeError
from exchange.symbols import UnknownSymbol, rules_for
from trading.closing import drop_planned_entries, entry_under_way, sell_what_it_holds
from trading.limits import loss_of_account
from trading.models import Order
from trading.money import claims_beside, objection_to_claim, read_wallet
from trading.waking import queue

logger = structlog.get_logger(__name__)

RUN_TASK = "trading.run_bot_task"


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
        if entry_under_way(bot) is None:
            # What a stop once wished for an entry on its way means nothing to the next one.
            BotState.objects.filter(pk=bot.pk).update(close_when_filled=False)
        audit.record(AuditEvent.BOT_STARTED, bot, by=by)
        transaction.on_commit(lambda: queue_run(bot.pk))
        transaction.on_commit(lambda: announce(bot))
    logger.info("bot_started", bot_config_id=bot.pk, by=by.pk)
    return {"message": "Bot started", "bot_config_id": bot.pk, "status": "pending"}


def stop_bot(bot: BotConfig, *, position: str = "keep", by: Any) -> dict[str, Any]:
    """Inactive and `stopped`, its planned entry dropped; the same answer when it already was. With `close` its position
    is sold too.

    An entry that is already on its way may still fill: `pending_order` names it, and `position` applies to it."""
    if position not in ("keep", "close"):
        raise LifecycleRefused(400, _("Say keep or close."), field="position")
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        changed = lifecycle.deactivate(bot)
        drop_planned_entries(bot, why=_("The bot was stopped."))
        under_way = entry_under_way(bot)
        closing = sell_what_it_holds(bot, reason="manual") if position == "close" else None
        if changed or closing:
            audit.record(AuditEvent.BOT_STOPPED, bot, by=by, after={"position": position})
        transaction.on_commit(lambda: announce(bot))
    logger.info("bot_stopped", bot_config_id=bot.pk, by=by.pk, changed=changed, position=position)
    return _answer("Bot stopped", bot, "stopped", under_way)


def close_position(bot: BotConfig, *, by: Any) -> dict[str, Any]:
    """Have the open position sold at market; the bot goes on as it was. The same answer while it is being sold;
    LifecycleRefused (409) where there is nothing to sell."""
    with transaction.atomic():
        state = BotState.objects.select_for_update().get(pk=bot.pk)
        under_way = entry_under_way(bot)
        position = sell_what_it_holds(bot, reason="manual")
        if position is None and under_way is None:
            raise LifecycleRefused(409, _("This bot holds no position."))
        audit.record(AuditEvent.POSITION_CLOSE_ASKED, bot, by=by)
        transaction.on_commit(lambda: announce(bot))
    logger.info("position_close_asked", bot_config_id=bot.pk, by=by.pk)
    return _answer("Closing position", bot, state.status_text, under_way)


def _answer(message: str, bot: BotConfig, status: str, under_way: Order | None) -> dict[str, Any]:
    answer = {"message": message, "bot_config_id": bot.pk, "status": status}
    return {**answer, "pending_order": under_way.client_order_id} if under_way else answer


def queue_run(bot_config_id: int, *, app: Celery = current_app) -> None:
    """Wake a worker. With the broker away the start holds all the same: the minute's schedule finds the bot."""
    queue(RUN_TASK, bot_config_id, app=app)


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
    losing = loss_of_account(bot.account)
    if losing:
        raise LifecycleRefused(409, losing)
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
