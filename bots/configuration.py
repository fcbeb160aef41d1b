"""Creating, changing and deleting bots. Every saved change is a new version, in the same transaction; an edit names
the version it was made from, and a stale one is refused with the difference. Deleting archives: history stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent
from bots import lifecycle
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from bots.validation import (
    FIELDS,
    ConfigurationRefused,
    check_configuration,
    configuration_of,
    key_missing,
    name_taken,
    wanted_configuration,
)
from bots.versions import (
    Difference,
    StaleVersion,
    changes_between,
    differences_to,
    filled,
    save_version,
    stored_configuration,
    versions_of,
)
from bots.wording import plain
from engine.market import interval_ms, last_closed_opening

__all__ = [
    "ConfigurationRefused", "Difference", "StaleVersion", "archive_bot", "change_bot", "create_bot", "rollback",
    "versions_of",
]  # fmt: skip
logger = structlog.get_logger(__name__)

# Where a bot trades: fixed while it has something there.
PLACE = ("symbol", "api_key", "position_type")
# Raised by a trigger of `trading`, which knows the orders (trading/migrations/…_hold_bots_with_orders_in_flight).
ORDER_IN_FLIGHT = "botconfig_order_in_flight"
# The foreign key of a bot to its API key; PostgreSQL asks it at the commit.
KEY_OF_A_BOT = "bots_botconfig_api_key_id_"


def create_bot(user: Any, values: Mapping[str, Any], by: Any) -> BotConfig:
    """A stopped bot with its state and version 1. Raises ConfigurationRefused."""
    checked = check_configuration(user, values)
    try:
        with transaction.atomic():
            bot: BotConfig = BotConfig.objects.create(
                user=user, account=checked["api_key"].account, **checked
            )
            BotState.objects.create(bot_config=bot)
            save_version(bot, checked, by)
            audit.record(AuditEvent.BOT_CREATED, bot, by=by, after=configuration_of(checked))
    except IntegrityError as error:
        raise _refusal_of(error) from None
    logger.info("bot_created", bot_config_id=bot.pk, by=by.pk)
    return bot


def change_bot(bot: BotConfig, values: Mapping[str, Any], version: int | None, by: Any) -> BotConfig:
    """The bot with `values` in place of what it had; other fields stay. Raises ConfigurationRefused or StaleVersion.

    Saving what is already so makes no version. An open position keeps the exit prices it was opened with."""
    bot = _read(bot.pk)
    if version is None:
        raise ConfigurationRefused({"version": _("Say which version you edited.")})
    if version != bot.version:
        raise StaleVersion(
            bot.version, differences_to(bot, version, wanted_configuration(bot.user, values, bot))
        )
    checked = check_configuration(bot.user, values, bot=bot)
    if configuration_of(checked) == configuration_of(_values_of(bot)):
        return bot
    try:
        with transaction.atomic():
            _check_may_change(bot, checked)
            _write(bot, checked, by)
            _go_on_in(checked["timeframe"], bot)
            _record_change(bot, checked, by)
    except IntegrityError as error:
        raise _refusal_of(error, moved=_moved(bot, checked)) from None
    logger.info("bot_changed", bot_config_id=bot.pk, version=bot.version + 1, by=by.pk)
    return _read(bot.pk)


def rollback(bot: BotConfig, version: int, by: Any, *, seen: int | None = None) -> BotConfig:
    """A new version with the values of an old one, validated again as any edit. `seen` is the version the user looked
    at (empty: the present one). Raises ConfigurationRefused or StaleVersion."""
    bot = _read(bot.pk)
    stored = stored_configuration(bot, version)
    if stored is None:
        raise ConfigurationRefused(
            {"version": _("This bot has no version %(version)s.") % {"version": version}}
        )
    return change_bot(bot, filled(stored), version=bot.version if seen is None else seen, by=by)


def archive_bot(bot: BotConfig, by: Any) -> None:
    """Delete for its user: gone from every list, its name and key free again, its history kept.

    Raises LifecycleRefused (409) while it runs, holds a position or has an order in flight."""
    try:
        with transaction.atomic():
            state = BotState.objects.select_for_update().get(pk=bot.pk)
            active = BotConfig.objects.values_list("is_active", flat=True).get(pk=bot.pk)
            if active:
                raise LifecycleRefused(409, _("This bot is running. Stop it first, then delete it."))
            if state.in_position:
                raise LifecycleRefused(
                    409, _("This bot holds a position. Close it first, then delete the bot.")
                )
            lifecycle.deactivate(bot)
            now = timezone.now()
            living = BotConfig.objects.filter(pk=bot.pk, is_active=False, archived_at__isnull=True)
            if living.update(archived_at=now, api_key=None, updated_at=now) != 1:
                raise LifecycleRefused(409, _("This bot was already deleted."))
            audit.record(AuditEvent.BOT_DELETED, bot, by=by)
    except IntegrityError as error:
        if _constraint_of(error) != ORDER_IN_FLIGHT:
            raise
        raise LifecycleRefused(
            409, _("An order of this bot is not settled yet. Try again in a minute.")
        ) from None
    logger.info("bot_archived", bot_config_id=bot.pk, by=by.pk)


def _read(bot_id: int) -> BotConfig:
    bot: BotConfig = BotConfig.objects.select_related("user", "api_key", "account", "state").get(pk=bot_id)
    return bot


def _values_of(bot: BotConfig) -> dict[str, Any]:
    return {name: getattr(bot, name) for name in FIELDS}


def _moved(bot: BotConfig, checked: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in PLACE if checked[name] != getattr(bot, name))


def _leaves_its_coins(bot: BotConfig, checked: Mapping[str, Any]) -> bool:
    """Another key of the same account is the same place to the coins."""
    there = (checked["api_key"].account_id, checked["position_type"], checked["base_asset"])
    return there != (bot.account_id, bot.position_type, bot.base_asset)


def _check_may_change(bot: BotConfig, checked: Mapping[str, Any]) -> None:
    """What a running or invested bot may not change. Locks its state row, so that no run plans meanwhile."""
    state = BotState.objects.select_for_update().get(pk=bot.pk)
    is_active = BotConfig.objects.values_list("is_active", flat=True).get(pk=bot.pk)
    errors: dict[str, Any] = {}
    if state.in_position:
        errors = {name: _("Close the position first: it was opened here.") for name in _moved(bot, checked)}
    elif state.dust_quantity and _leaves_its_coins(bot, checked):
        # The next exit takes the dust along: elsewhere it would ask to sell what is not there.
        message = _(
            "This bot keeps %(dust)s %(asset)s too small to sell. Make another bot for another place."
        )
        kept = {"dust": plain(state.dust_quantity), "asset": bot.base_asset}
        errors = dict.fromkeys(_moved(bot, checked), message % kept)
    elif is_active:
        # Its claim on the account's money was checked at its start: it may not grow or move behind that.
        changes_money = checked["quote_asset"] != bot.quote_asset
        moved = [name for name in _moved(bot, checked) if name != "symbol" or changes_money]
        errors = {name: _("Stop the bot first: its money is checked at the start.") for name in moved}
    if is_active and checked["initial_capital"] > bot.initial_capital:
        errors["initial_capital"] = _(
            "Stop the bot to give it more capital: its money is checked at the start."
        )
    if errors:
        raise ConfigurationRefused(errors)


def _write(bot: BotConfig, checked: Mapping[str, Any], by: Any) -> None:
    same_version = BotConfig.objects.filter(pk=bot.pk, version=bot.version, archived_at__isnull=True)
    changed = same_version.update(
        **checked, account=checked["api_key"].account, version=bot.version + 1, updated_at=timezone.now()
    )
    if changed != 1:
        current = _read(bot.pk)
        raise StaleVersion(current.version, differences_to(current, bot.version, configuration_of(checked)))
    save_version(_read(bot.pk), checked, by)


def _record_change(bot: BotConfig, checked: Mapping[str, Any], by: Any) -> None:
    """`bot` as it was read before the change."""
    changed = changes_between(configuration_of(_values_of(bot)), configuration_of(checked))
    audit.record(
        AuditEvent.BOT_CHANGED,
        bot,
        by=by,
        before={change.field: change.before for change in changed},
        after={change.field: change.after for change in changed},
    )


def _go_on_in(timeframe: str, bot: BotConfig) -> None:
    """The last candle looked at, in candles of the new timeframe: what closed later has still to be looked at, also
    the running one. The caller holds the bot's state row."""
    if timeframe == bot.timeframe:
        return
    state = BotState.objects.filter(pk=bot.pk)
    open_ms = state.values_list("last_candle_open_ms", flat=True).first()
    if open_ms is not None:
        closed_ms = open_ms + interval_ms(bot.timeframe)
        state.update(last_candle_open_ms=last_closed_opening(closed_ms, timeframe), updated_at=timezone.now())


def _refusal_of(error: IntegrityError, *, moved: tuple[str, ...] = ()) -> Exception:
    """The constraint that won a race, as the message its check would have given."""
    broken = _constraint_of(error)
    if broken == "botconfig_name_unique_per_user":
        return ConfigurationRefused({"name": name_taken()})
    if broken == ORDER_IN_FLIGHT:
        message = _("An order of this bot is not settled yet. Try again in a minute.")
        return ConfigurationRefused(dict.fromkeys(moved or ("symbol",), message))
    if broken and broken.startswith(KEY_OF_A_BOT):
        return ConfigurationRefused({"api_key": key_missing()})
    return error


def _constraint_of(error: IntegrityError) -> str | None:
    """The name of the broken constraint, as PostgreSQL reports it beside the message."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
