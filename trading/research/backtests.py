"""The verbs of a backtest: ask for one, call it off, delete it, run it again, make it a bot. They move rows and wake a
worker; the work itself is `trading.research.running`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.live import publish
from accounts.models import User
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig
from bots.scope import refusals
from bots.validation import ConfigurationRefused
from engine.results import Folded
from exchange.instants import instant_of, ms_of
from exchange.port import ExchangeError
from trading.models.research import Backtest, BacktestStep, ResearchStatus
from trading.research.checking import check_backtest
from trading.research.packing import unpack
from trading.research.periods import whole_candles
from trading.research.settings import RISK_FIELDS, settings_of_bot
from trading.research.supply import span_within_reach, stored_span
from trading.waking import queue

__all__ = [
    "again", "bot_values_of", "cancel", "delete", "folded_of", "rename", "request_backtest", "settings_of_bot",
    "tell", "values_of",
]  # fmt: skip

logger = structlog.get_logger(__name__)

RUN_TASK: Final = "trading.run_backtest"
# Unfinished ones a user may have, and how many a user may keep.
MOST_UNFINISHED: Final = 5
MOST_KEPT: Final = 500


def request_backtest(user: Any, values: Mapping[str, Any]) -> Backtest:
    """Check, store, queue. `values`: a bot's fields, `start_time`, `end_time`, `source`, fees, `slippage_perc`, `name`;
    with `bot_config` the bot says what they do not.

    Raises ConfigurationRefused (one message per field) and LifecycleRefused (too many). Outside a transaction."""
    columns = check_backtest(user, values)
    with transaction.atomic():
        _check_room(user)
        backtest: Backtest = Backtest.objects.create(user=user, **columns)
        wake(backtest)
    logger.info("backtest_asked", backtest_id=backtest.pk, symbol=backtest.symbol)
    return backtest


def _check_room(user: Any) -> None:
    """Under a lock, so that two requests at once do not count the same room."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Backtest.objects.unfinished().for_user(user).count() >= MOST_UNFINISHED:
        message = _("%(count)s of your backtests are still waiting or running. Wait for one, or cancel one.")
        raise LifecycleRefused(409, message % {"count": MOST_UNFINISHED})
    if Backtest.objects.for_user(user).count() >= MOST_KEPT:
        message = _("You keep %(count)s backtests already. Delete some of them first.")
        raise LifecycleRefused(409, message % {"count": MOST_KEPT})


def wake(backtest: Backtest) -> None:
    """Once what is written is committed: a worker, and the owner's open pages."""
    transaction.on_commit(partial(queue, RUN_TASK, backtest.pk))
    transaction.on_commit(partial(tell, backtest.user_id, backtest.pk))


def tell(user_id: int, backtest_id: int) -> None:
    publish(user_id, f"backtest-{backtest_id}", "backtests")


def cancel(backtest: Backtest) -> None:
    """A waiting one ends at once, a running one at its next step; an ended one stays as it is."""
    now = Now()
    own = Backtest.objects.filter(pk=backtest.pk)
    with transaction.atomic():
        waiting = own.filter(status=ResearchStatus.QUEUED).update(
            status=ResearchStatus.CANCELLED,
            step=BacktestStep.ENDED,
            message=_("Cancelled."),
            cancel_wanted_at=now,
            finished_at=now,
            updated_at=now,
        )
        if not waiting:
            running = own.filter(status=ResearchStatus.RUNNING, cancel_wanted_at__isnull=True)
            running.update(cancel_wanted_at=now, updated_at=now)
        transaction.on_commit(partial(tell, backtest.user_id, backtest.pk))
    backtest.refresh_from_db(fields=["status", "step", "message", "cancel_wanted_at", "finished_at"])


def delete(backtest: Backtest) -> None:
    """For good; a worker that is at it notices at its next step."""
    user_id, key = backtest.user_id, backtest.pk
    Backtest.objects.filter(pk=key).delete()
    transaction.on_commit(partial(tell, user_id, key))


def rename(backtest: Backtest, name: str) -> None:
    name = name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise ConfigurationRefused({"name": _("A name has 1 to 80 characters.")})
    Backtest.objects.filter(pk=backtest.pk).update(name=name, updated_at=Now())
    backtest.name = name


def folded_of(backtest: Backtest) -> Folded | None:
    """What was found, as vectors; None of one that is not done."""
    return unpack(backtest.results) if backtest.status == ResearchStatus.DONE else None


def values_of(backtest: Backtest) -> dict[str, Any]:
    """What `request_backtest` was asked, so that a form can start from it. Without name and period. A bot deleted since
    is left out: the values stand without it."""
    bot = backtest.bot_config
    return {
        "bot_config": bot.pk if bot is not None and bot.archived_at is None else None,
        "source": backtest.source,
        "position_type": backtest.market,
        "symbol": backtest.symbol,
        "timeframe": backtest.timeframe,
        "strategy": backtest.strategy,
        "strategy_params": dict(backtest.strategy_params),
        **backtest.settings,
    }


def again(backtest: Backtest) -> Backtest:
    """The same over as long a stretch that ends with the newest candles. Raises as `request_backtest` does, and where
    nothing newer is there."""
    newest_ms = _newest_ms(backtest)
    length = backtest.end_at - backtest.start_at
    period = whole_candles(newest_ms - int(length.total_seconds() * 1000), newest_ms, backtest.timeframe)
    if period.end_ms <= ms_of(backtest.end_at):
        raise LifecycleRefused(409, _("There are no newer candles than this backtest has seen."))
    return request_backtest(
        backtest.user,
        {
            **values_of(backtest),
            "name": backtest.name,
            "start_time": instant_of(period.start_ms),
            "end_time": instant_of(period.end_ms),
        },
    )


def _newest_ms(backtest: Backtest) -> int:
    of = (backtest.source, backtest.market, backtest.symbol)
    try:
        span = span_within_reach(*of)
    except ExchangeError:
        span = stored_span(*of)
    return span.end_ms if span else 0


def bot_values_of(backtest: Backtest) -> dict[str, Any]:
    """ "Make this a bot": values for the form or `bot-configs/`, all but the key, under a name that is still free.

    Raises LifecycleRefused where bots do not do yet what was tested."""
    kept = {"direction": "long", "leverage": 1, **backtest.settings}
    asked = {"position_type": backtest.market, **{name: kept[name] for name in ("direction", "leverage")}}
    if refusals(asked):
        message = _(
            "Bots trade on the spot market so far, long and without leverage; this was tested on futures."
        )
        raise LifecycleRefused(409, message)
    return {
        "name": _free_name(backtest.user, backtest.name),
        "symbol": backtest.symbol,
        "position_type": backtest.market,
        "timeframe": backtest.timeframe,
        "strategy": backtest.strategy,
        "strategy_params": dict(backtest.strategy_params),
        **{name: kept.get(name) for name in RISK_FIELDS},
    }


def _free_name(user: Any, wanted: str) -> str:
    taken = set(
        BotConfig.objects.for_user(user).filter(archived_at__isnull=True).values_list("name", flat=True)
    )
    candidates = [wanted.ljust(3, "."), *(f"{wanted[:74]} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in candidates if name not in taken)
