"""The verbs of an optimisation: ask for one, call it off, delete it, and what to make of a set it has tried. They move
rows and wake workers; the work itself is `trading.research.optimization_running`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.live import publish
from accounts.models import User
from bots.lifecycle import LifecycleRefused
from bots.validation import ConfigurationRefused
from engine.strategies import params_dict
from exchange.instants import ms_of
from trading.models.optimization import Optimization, Trial, TrialStatus
from trading.models.research import Backtest, ResearchStatus
from trading.research.backtests import bot_values_of, request_backtest
from trading.research.optimization_checking import check_optimization
from trading.research.optimization_proposing import sets_to_begin
from trading.research.optimization_space import space_of
from trading.waking import queue

logger = structlog.get_logger(__name__)

RUN_TASK: Final = "trading.run_optimization"
MOST_UNFINISHED: Final = 3
MOST_KEPT: Final = 100


def request_optimization(user: Any, values: Mapping[str, Any]) -> Optimization:
    """Check, store with the sets to be tried, queue. `values` as of `request_backtest`, or `backtest` to begin from,
    and `space`, `method`, `objective`, `sets`, `min_positions`, `holdout_perc`, `windows`, `seed`.

    Raises ConfigurationRefused (one message per field) and LifecycleRefused (too many). Outside a transaction."""
    columns, space = check_optimization(user, values)
    method, seed = columns["method"], columns["seed"]
    sets = sets_to_begin(space, method=method, sets=columns["sets"], seed=seed)
    with transaction.atomic():
        _check_room(user)
        optimization: Optimization = Optimization.objects.create(user=user, **columns)
        add_trials(optimization, sets, first=1)
        wake(optimization)
    logger.info("optimization_asked", optimization_id=optimization.pk, sets=optimization.sets)
    return optimization


def add_trials(optimization: Optimization, sets: list[dict[str, Any]], *, first: int) -> None:
    Trial.objects.bulk_create(
        (
            Trial(optimization=optimization, number=number, values=values)
            for number, values in enumerate(sets, first)
        ),
        batch_size=1_000,
    )


def _check_room(user: Any) -> None:
    """Under a lock, so that two requests at once do not count the same room."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Optimization.objects.unfinished().for_user(user).count() >= MOST_UNFINISHED:
        message = _(
            "%(count)s of your optimisations are still waiting or running. Wait for one, or cancel one."
        )
        raise LifecycleRefused(409, message % {"count": MOST_UNFINISHED})
    if Optimization.objects.for_user(user).count() >= MOST_KEPT:
        message = _("You keep %(count)s optimisations already. Delete some of them first.")
        raise LifecycleRefused(409, message % {"count": MOST_KEPT})


def wake(optimization: Optimization) -> None:
    """Once what is written is committed: the first worker, who calls the others, and the owner's open pages."""
    transaction.on_commit(partial(queue, RUN_TASK, optimization.pk, 0))
    transaction.on_commit(partial(tell, optimization.user_id, optimization.pk))


def tell(user_id: int, optimization_id: int) -> None:
    publish(user_id, f"optimization-{optimization_id}", "optimizations")


def cancel(optimization: Optimization) -> None:
    """A waiting one ends at once, a running one with the sets its workers are at; an ended one stays as it is. What was
    tried is kept."""
    now = Now()
    own = Optimization.objects.filter(pk=optimization.pk)
    with transaction.atomic():
        waiting = own.filter(status=ResearchStatus.QUEUED).update(
            status=ResearchStatus.CANCELLED,
            message=_("Cancelled."),
            cancel_wanted_at=now,
            finished_at=now,
            updated_at=now,
        )
        if not waiting:
            running = own.filter(status=ResearchStatus.RUNNING, cancel_wanted_at__isnull=True)
            running.update(cancel_wanted_at=now, updated_at=now)
        transaction.on_commit(partial(tell, optimization.user_id, optimization.pk))
    optimization.refresh_from_db(fields=["status", "message", "cancel_wanted_at", "finished_at"])


def delete(optimization: Optimization) -> None:
    """For good; workers that are at it notice at their next sets."""
    user_id, key = optimization.user_id, optimization.pk
    with transaction.atomic():
        Optimization.objects.filter(pk=key).delete()
        transaction.on_commit(partial(tell, user_id, key))


def rename(optimization: Optimization, name: str) -> None:
    name = name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise ConfigurationRefused({"name": _("A name has 1 to 80 characters.")})
    Optimization.objects.filter(pk=optimization.pk).update(name=name, updated_at=Now())
    optimization.name = name


def ranked(optimization: Optimization) -> Any:
    """The sets that were tried, best first; those without a score last."""
    tried = Trial.objects.filter(optimization=optimization, status=TrialStatus.DONE)
    return tried.order_by(F("score").desc(nulls_last=True), "number")


def configuration_of(optimization: Optimization, trial: Trial) -> dict[str, Any]:
    """The whole strategy and all settings of a set: {strategy_params, settings}."""
    space = space_of(optimization)
    return {
        "strategy_params": params_dict(space.params_of(trial.values)),
        "settings": {**optimization.settings, **space.settings_of(trial.values)},
    }


def backtest_of(optimization: Optimization, trial: Trial) -> Backtest:
    """ "Backtest this set", over all of the period. Raises as `request_backtest` does."""
    chosen = configuration_of(optimization, trial)
    bot = optimization.bot_config
    return request_backtest(
        optimization.user,
        {
            "name": _name_of(optimization, trial),
            "bot_config": bot.pk if bot is not None and bot.archived_at is None else None,
            "source": optimization.source,
            "position_type": optimization.market,
            "symbol": optimization.symbol,
            "timeframe": optimization.timeframe,
            "start_time": str(ms_of(optimization.start_at)),
            "end_time": str(ms_of(optimization.end_at)),
            "strategy": optimization.strategy,
            "strategy_params": chosen["strategy_params"],
            **chosen["settings"],
        },
    )


def trial_bot_values(optimization: Optimization, trial: Trial) -> dict[str, Any]:
    """ "Make this a bot": values for the form or `bot-configs/`, all but the key."""
    return bot_values_of(
        Backtest(
            user=optimization.user,
            name=_name_of(optimization, trial),
            symbol=optimization.symbol,
            market=optimization.market,
            timeframe=optimization.timeframe,
            strategy=optimization.strategy,
            **configuration_of(optimization, trial),
        )
    )


def _name_of(optimization: Optimization, trial: Trial) -> str:
    ending = _("set %(number)s") % {"number": trial.number}
    return f"{optimization.name[: 78 - len(ending)]}, {ending}"
