"""Due: managed bots with a closed candle they have not seen, by their venue's market time and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.lifecycle import set_status
from bots.models import BotConfig, BotState
from exchange.connect import forget_clients
from tests.trading.steps import fresh, plan_buy, plan_sell, strike
from trading.chunks import run_chunk
from trading.due import due_bots
from trading.lifecycle import stop_bot
from trading.models import Order
from trading.orders.execution import send
from trading.orders.settlement import settle_orders
from trading.runner import run_bot

pytestmark = pytest.mark.django_db


def test_a_started_bot_is_due_at_once_and_then_at_each_close(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    assert due_bots() == [bot.pk]
    run_bot(bot.pk)
    assert due_bots() == []
    sandbox.control.advance()
    assert due_bots() == [bot.pk]


def test_a_longer_timeframe_is_due_at_its_own_closes(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot(timeframe="5m")
    run_bot(bot.pk)
    left = 5 - int(sandbox.control.clock()["market_ms"]) // 60_000 % 5
    due_after = []
    for _ in range(left + 5):
        sandbox.control.advance()
        due_after.append(due_bots() == [bot.pk])
        run_bot(bot.pk)
    assert [index for index, is_due in enumerate(due_after, start=1) if is_due] == [left, left + 5]


def test_a_stopped_bot_is_due_only_while_something_of_it_is_open(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot()
    stop_bot(bot, by=alice)
    assert due_bots() == []
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    BotConfig.objects.filter(pk=bot.pk).update(is_active=True)
    order = plan_buy(bot)
    send(order.pk)
    stop_bot(fresh(bot), by=alice)
    assert due_bots() == [bot.pk]  # its order's end is still to come
    settle_orders()
    assert due_bots() == [bot.pk]  # it holds a position
    send(plan_sell(bot).pk)
    assert (due_bots(), Order.objects.unsettled().count()) == ([], 0)


def test_a_bot_never_started_or_deleted_is_not_due(sandbox: Any, new_bot: Any) -> None:
    new_bot(started=False)
    deleted = new_bot()
    BotConfig.objects.filter(pk=deleted.pk).update(archived_at=timezone.now(), is_active=False)
    assert due_bots() == []


def test_a_bot_that_a_limit_paused_is_due_on_the_next_day(sandbox: Any, new_bot: Any) -> None:
    # Nothing crosses upward at an RSI below 1: it holds no position that would keep it due.
    bot = new_bot(strategy_params={"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 0, "rsi_overbought": 1})
    run_bot(bot.pk)
    sandbox.control.advance()
    today = fresh(bot).state.counters_date
    set_status(fresh(bot).state, "paused", "max_daily_trades reached")
    assert due_bots() == []
    BotState.objects.update(counters_date=today - timedelta(days=1), daily_trades_count=7)
    assert due_bots() == [bot.pk]
    assert set(run_chunk(due_bots())) & {"waiting (no signal)", "alone"}
    bot = fresh(bot)
    assert (bot.is_active, bot.state.daily_trades_count, bot.state.counters_date) == (True, 0, today)
    # Any other pause waits for its user.
    set_status(bot.state, "paused", "circuit breaker")
    BotConfig.objects.update(is_active=False)
    BotState.objects.update(counters_date=today - timedelta(days=1), last_candle_open_ms=None)
    assert due_bots() == []


def test_a_venue_away_is_shown_on_its_bots(
    sandbox: Any, new_bot: Any, settings: Any, closed_port: int
) -> None:
    bot = new_bot()
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    assert due_bots() == []
    assert fresh(bot).state.status_text == "error (price fetch)"
    settings.SANDBOX_URL = sandbox.url
    forget_clients()
    assert due_bots() == [bot.pk]


def test_the_number_of_queries_does_not_grow_with_the_bots(
    sandbox: Any, new_bot: Any, django_assert_num_queries: Any
) -> None:
    key = None
    for wanted in (1, 10):
        while BotConfig.objects.count() < wanted:
            bot = new_bot(key=key, initial_capital="500")
            key = key or bot.api_key
        with django_assert_num_queries(3):
            assert len(due_bots()) == wanted
