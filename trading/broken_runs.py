"""A run that ends as nobody foresaw is shown on its bot; one that a later run makes good is not."""

from __future__ import annotations

from functools import partial

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, transaction

from accounts import live
from bots.lifecycle import fail
from bots.models import BotState
from exchange.port import ExchangeError
from trading.runner import Locked, run_bot

# Database, exchange or time were not there, or a migration was not yet; the next run goes on from the database.
PASSES = (
    ExchangeError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SoftTimeLimitExceeded,
)


def run_or_show(bot_id: int) -> str:
    """`run_bot`; whatever breaks it is raised again, after its bot has been told where that is its trouble."""
    try:
        return run_bot(bot_id)
    except (Locked, *PASSES):
        raise
    except Exception as error:
        show_broken_run(bot_id, error)
        raise


def show_broken_run(bot_id: int, error: Exception) -> None:
    """The bot enters nothing until its user has looked; exits are still followed."""
    state = BotState.objects.select_related("bot_config").get(pk=bot_id)
    message = f"The run broke off: {type(error).__name__}. The operators' log says where."
    with transaction.atomic():
        fail(state, message, "run failed")
        transaction.on_commit(partial(live.publish, state.bot_config.user_id, f"bot-{bot_id}", "dashboard"))
