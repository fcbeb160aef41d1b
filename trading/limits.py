"""Limits that count exits: the circuit breaker of a bot, and the daily loss of a whole exchange account.

A limit never closes a position and never refuses an exit. The daily limits of one bot are decided in the engine's step.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from accounts import live
from accounts.models import ExchangeAccount
from bots.lifecycle import roll_day, set_status
from bots.models import BotConfig, BotState, BotStatus
from bots.standing import ACCOUNT_LOSS_REACHED, CIRCUIT_BREAKER, claiming_bots
from bots.wording import money, plain
from engine.limits import BREAKER_EXITS, breaker_trips
from exchange.instants import ms_of
from trading.models import Position

logger = structlog.get_logger(__name__)

# A trailing stop that is hit has done its work; these are losses.
STOPPED_OUT: Final = ("stop_loss", "stop_gap")
MOST_PROTECTION_FAILURES: Final = 2
NOTHING: Final = Decimal(0)


def after_exit(state: BotState, position: Position) -> None:
    """What a closed position means for its bot's limits. The caller holds the bot's state row and saves it."""
    if position.exit_reason in STOPPED_OUT and position.closed_at is not None:
        closed_ms = ms_of(position.closed_at)
        state.recent_stop_exits_ms = sorted([*state.recent_stop_exits_ms, closed_ms])[-BREAKER_EXITS:]
        if breaker_trips(state.recent_stop_exits_ms, state.recent_stop_exits_ms[-1]):
            _trip(state, _("Three stop losses within ten minutes. Look at the bot, then start it again."))
    # The booking stands whatever comes of this; the schedule asks again.
    transaction.on_commit(partial(halt_losing_account, position.bot_config.account_id), robust=True)


def after_protection_failure(state: BotState) -> None:
    """The exchange refused for good to protect a position, the second time on one day: something is wrong with this
    bot. The caller holds the bot's state row and saves it."""
    state.protection_failures += 1
    if state.protection_failures >= MOST_PROTECTION_FAILURES:
        _trip(state, _("The exchange refused a stop twice. Look at the bot, then start it again."))


def _trip(state: BotState, message: str) -> None:
    """A stopped bot is not paused: its user has it in hand. What has led to a pause is not counted again."""
    if not set_status(state, BotStatus.PAUSED, CIRCUIT_BREAKER):
        return
    state.last_error_message = message
    state.recent_stop_exits_ms, state.protection_failures = [], 0
    logger.warning("circuit_breaker", bot_config_id=state.pk)


def loss_of_account(account: ExchangeAccount) -> str:
    """Why the account's bots may enter nothing more today, with the numbers; empty where they may. The day is the
    newest that any of them has reached."""
    percent = account.account_max_daily_loss_perc
    if percent is None:
        return ""
    states = BotState.objects.filter(bot_config__account=account, bot_config__archived_at__isnull=True)
    day = (
        states.order_by("-counters_date")
        .exclude(counters_date=None)
        .values_list("counters_date", flat=True)
        .first()
    )
    if day is None:
        return ""
    lost = -(states.filter(counters_date=day).aggregate(sum=Sum("daily_pnl"))["sum"] or NOTHING)
    allowed = _capital_of(account, day) * percent / 100
    if lost <= 0 or lost < allowed:
        return ""
    bot = BotConfig.objects.filter(account=account).first()
    asset = bot.quote_asset if bot else ""
    numbers = {"lost": money(lost, asset), "percent": plain(percent), "allowed": money(allowed, asset)}
    return (
        _("This account's bots have lost %(lost)s today; %(percent)s %% of their capital is %(allowed)s.")
        % numbers
    )


def _capital_of(account: ExchangeAccount, day: date) -> Decimal:
    """The initial capital of the bots at work, and of those that have traded today."""
    traded = Q(state__counters_date=day) & ~Q(state__daily_pnl=0)
    at_work = Q(pk__in=claiming_bots().values("pk")) | Q(state__in_position=True)
    bots = BotConfig.objects.filter(at_work | traded, account=account, archived_at__isnull=True)
    capital: Decimal = bots.aggregate(sum=Sum("initial_capital"))["sum"] or NOTHING
    return capital


def halt_losing_account(account_id: int) -> list[int]:
    """Pause the bots of an account that has lost too much, until the day rolls; returns them. Any number of times."""
    account = ExchangeAccount.objects.get(pk=account_id)
    reason = loss_of_account(account)
    if not reason:
        return []
    paused = []
    with transaction.atomic():
        of_account = BotState.objects.filter(
            bot_config__account=account, bot_config__archived_at__isnull=True
        )
        states = list(of_account.select_for_update(of=("self",)).select_related("bot_config").order_by("pk"))
        day = max(state.counters_date for state in states if state.counters_date is not None)
        # Paused on an older day they would be woken by the next roll to this one.
        roll_day(of_account, day)
        for state in BotState.objects.filter(pk__in=[state.pk for state in states]).select_related(
            "bot_config"
        ):
            if state.status == BotStatus.PAUSED or not set_status(
                state, BotStatus.PAUSED, ACCOUNT_LOSS_REACHED
            ):
                continue
            BotState.objects.filter(pk=state.pk).update(last_error_message=reason[:300])
            owner = state.bot_config.user_id
            transaction.on_commit(partial(live.publish, owner, f"bot-{state.pk}", "dashboard"))
            paused.append(state.pk)
    if paused:
        logger.warning("account_loss_reached", account_id=account_id, bots=paused)
    return paused


def halt_losing_accounts() -> int:
    """Every account that has a limit; for what a lost process left undone. Returns how many bots were paused."""
    limited = ExchangeAccount.objects.filter(account_max_daily_loss_perc__isnull=False).order_by("pk")
    return sum(len(halt_losing_account(account_id)) for account_id in limited.values_list("pk", flat=True))
