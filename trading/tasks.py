"""Wake-up calls. Every task finds its work by state in the database, so losing or repeating one changes nothing."""

from __future__ import annotations

from itertools import batched
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from trading.broken_runs import run_or_show
from trading.chart import ChartSeries
from trading.chunks import CHUNK, run_chunk
from trading.due import due_bots
from trading.entering import run_entering_bots
from trading.going_flat import keep_going_flat
from trading.limits import halt_losing_accounts
from trading.orders.protection import hear, tend
from trading.orders.settlement import settle_orders
from trading.research.optimization_resuming import resume_optimizations
from trading.research.optimization_running import run_lane
from trading.research.parity import check_next, check_parity
from trading.research.resuming import resume_backtests
from trading.research.running import run_backtest
from trading.reset import reactivate_bots
from trading.runner import Locked
from trading.studies import draw_overlay

logger = structlog.get_logger(__name__)


@shared_task(name="trading.run_bot_task", bind=True, ignore_result=True, max_retries=20, expires=120)
def run_bot_task(self: Any, bot_config_id: int) -> str:
    """Run one bot; a locked one is tried again within a second."""
    try:
        line = run_or_show(bot_config_id)
    except Locked:
        logger.info("bot_run", bot_config_id=bot_config_id, outcome="skipped (locked)")
        raise self.retry(countdown=0.5) from None
    logger.info("bot_run", bot_config_id=bot_config_id, outcome=line)
    return line


@shared_task(name="trading.run_bots_chunk", ignore_result=True, expires=50)
def run_bots_chunk(bot_ids: list[int]) -> str:
    """Run bots together; those that need the exchange are queued to be run alone."""
    outcome = dict(run_chunk(bot_ids))
    logger.info("chunk_run", count=len(bot_ids), outcome=outcome)
    return f"{outcome}"


@shared_task(name="trading.run_entering_bots", ignore_result=True, expires=60)
def run_entering_bots_task(bot_ids: list[int]) -> str:
    """Let bots of one account that have an entry signal enter, one after the other."""
    outcome = dict(run_entering_bots(bot_ids))
    logger.info("entries_run", count=len(bot_ids), outcome=outcome)
    return f"{outcome}"


@shared_task(name="trading.run_bot_task_for_all", ignore_result=True, expires=50)
def run_bot_task_for_all() -> str:
    """Every minute: queue the due bots, chunk by chunk."""
    due = due_bots()
    for chunk in batched(due, CHUNK):
        run_bots_chunk.delay(list(chunk))
    logger.info("bots_due", count=len(due))
    return f"{len(due)} bots due"


@shared_task(name="trading.settle_orders", ignore_result=True, expires=10)
def settle_orders_task() -> str:
    """Every second: bring whatever is not final closer to its end."""
    return f"settled: {dict(settle_orders())}"


@shared_task(name="trading.tend_position", ignore_result=True, expires=60)
def tend_position_task(position_id: int) -> None:
    """At once: bring a position to what it wants."""
    tend(position_id)


@shared_task(name="trading.hear_of_position", ignore_result=True, expires=10)
def hear_of_position_task(position_id: int) -> None:
    """At once: a price says that the stop or target of a position was reached."""
    hear(position_id)


@shared_task(name="trading.reactivate_bots_after_reset", ignore_result=True)
def reactivate_bots_after_reset() -> str:
    """00:00 UTC: a new day for every bot that no run has rolled yet."""
    rolled = reactivate_bots()
    for bot_id in rolled.reactivated:
        run_bot_task.delay(bot_id)
    return f"{rolled.rolled} bots on a new day, {len(rolled.reactivated)} active again"


@shared_task(name="trading.keep_going_flat", ignore_result=True, expires=10)
def keep_going_flat_task() -> str:
    """At once and every few seconds: ask for what is still to be sold."""
    return f"{keep_going_flat()} finished"


@shared_task(name="trading.halt_losing_accounts", ignore_result=True, expires=30)
def halt_losing_accounts_task() -> str:
    """Every half minute: pause the bots of accounts that have lost too much today."""
    return f"{halt_losing_accounts()} bots paused"


@shared_task(name="trading.draw_overlay", ignore_result=True, expires=30)
def draw_overlay_task(series: list[str], name: str, until_ms: int) -> str:
    """On demand: compute one overlay of a chart; `series` is venue, market, symbol and interval."""
    return f"{draw_overlay(ChartSeries(*series), name, until_ms)} lines"


# Longer than other tasks may take: years of candles may have to be fetched, and code compiled for the first time.
@shared_task(name="trading.run_backtest", ignore_result=True, soft_time_limit=540, time_limit=570)
def run_backtest_task(backtest_id: int) -> str:
    """On request: carry a backtest to its end; one that somebody is at, or that has ended, stays as it is."""
    outcome = run_backtest(backtest_id)
    logger.info("backtest_run", backtest_id=backtest_id, outcome=outcome)
    return outcome


@shared_task(name="trading.resume_backtests", ignore_result=True, expires=10)
def resume_backtests_task() -> str:
    """Every ten seconds: call again for what a lost call or a dead worker left behind."""
    return f"{resume_backtests(timezone.now())} called again"


@shared_task(name="trading.check_parity", ignore_result=True, expires=3600)
def check_parity_task(bot_config_id: int) -> str:
    """On demand: compare a bot's trades with its backtest's."""
    return check_parity(bot_config_id)


@shared_task(name="trading.check_parity_of_all", ignore_result=True)
def check_parity_of_all_task(after_id: int = 0) -> str:
    """Every night: compare the bots that work or have traded lately, one after the other."""
    return check_next(after_id)


@shared_task(name="trading.run_optimization", ignore_result=True)
def run_optimization_task(optimization_id: int, lane: int = 0) -> str:
    """On request: try sets of parameters for a second, then queue behind everything else."""
    outcome = run_lane(optimization_id, lane)
    logger.info("optimization_run", optimization_id=optimization_id, lane=lane, outcome=outcome)
    return outcome


@shared_task(name="trading.resume_optimizations", ignore_result=True, expires=10)
def resume_optimizations_task() -> str:
    """Every ten seconds: call again for what lost calls or dead workers left behind."""
    return f"{resume_optimizations(timezone.now())} called again"
