"""A bot edited while it works: no run acts on what it saw before the edit, and no candle is lost between timeframes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.keys import mint_paper_key
from bots.configuration import ConfigurationRefused, archive_bot, change_bot
from tests.trading.steps import fresh, go_to_signal, plan_buy, plan_sell
from trading.due import due_bots
from trading.lifecycle import stop_bot
from trading.market_view import look
from trading.models import Decision, Order
from trading.orders.execution import send
from trading.runner import Locked, _decide_and_plan, run_bot

pytestmark = pytest.mark.django_db
MINUTE_MS = 60_000


def edit(bot: Any, **values: Any) -> None:
    change_bot(bot, values, fresh(bot).version, bot.user)


def go_past_a_five_minute_close(sandbox: Any, minutes: int) -> int:
    """Release the market to `minutes` after the next opening of a five-minute candle; its time there (ms)."""
    at = int(sandbox.control.clock()["market_ms"]) // MINUTE_MS
    sandbox.control.advance(5 - at % 5 + minutes)
    return (at + 5 - at % 5 + minutes) * MINUTE_MS


def test_a_run_that_looked_before_an_edit_decides_nothing(sandbox: Any, new_bot: Any) -> None:
    """It saw the old symbol's candles: an order for the new one would stand on nothing."""
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    view = look(fresh(bot))
    assert view is not None
    edit(bot, symbol="ETHUSDT")
    with pytest.raises(Locked), transaction.atomic():
        _decide_and_plan(bot.pk, view)
    assert (Order.objects.count(), Decision.objects.count(), due_bots()) == (0, 0, [bot.pk])


def test_a_longer_timeframe_starts_with_the_candle_that_is_running(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    now_ms = go_past_a_five_minute_close(sandbox, 2)
    run_bot(bot.pk)
    edit(bot, timeframe="5m")
    due_after = []
    for _ in range(3):
        sandbox.control.advance()
        due_after.append(due_bots())
    assert due_after == [[], [], [bot.pk]]
    run_bot(bot.pk)
    assert fresh(bot).state.last_candle_open_ms == now_ms - 2 * MINUTE_MS


def test_a_shorter_timeframe_goes_on_where_the_longer_one_ended(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot(timeframe="5m")
    now_ms = go_past_a_five_minute_close(sandbox, 2)
    run_bot(bot.pk)
    edit(bot, timeframe="1m")
    # Five minutes ended two minutes ago: the minute that ended with them has been looked at.
    assert (fresh(bot).state.last_candle_open_ms, due_bots()) == (now_ms - 3 * MINUTE_MS, [bot.pk])


def test_candles_of_two_timeframes_may_open_together(sandbox: Any, new_bot: Any) -> None:
    """A decision about the minute at :00 keeps no decision about the five minutes at :00 from being written."""
    # Nothing crosses upward at an RSI below 1: it will not enter.
    bot = new_bot(strategy_params={"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 0, "rsi_overbought": 1})
    now_ms = go_past_a_five_minute_close(sandbox, 1)
    run_bot(bot.pk)
    Decision.objects.filter(bot_config=bot).delete()
    Decision.objects.create(
        bot_config=bot,
        config_version=1,
        candle_open_ms=now_ms - MINUTE_MS,
        acts_at=timezone.now(),
        action="none",
        reason="no signal",
        text="No.",
        close_price=1,
    )
    edit(bot, timeframe="5m")
    sandbox.control.advance(4)
    run_bot(bot.pk)
    assert fresh(bot).state.last_candle_open_ms == now_ms - MINUTE_MS
    assert list(Decision.objects.values_list("config_version", "candle_open_ms").order_by("id"))[0] == (
        1,
        now_ms - MINUTE_MS,
    )


def test_a_bot_that_keeps_dust_stays_where_its_dust_is(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """Elsewhere the next exit would count these coins among its own, and ask to sell what is not there."""
    bot = new_bot()
    send(plan_buy(bot).pk)
    send(plan_sell(bot).pk)
    stop_bot(bot, by=alice)
    dust = fresh(bot).state.dust_quantity
    assert dust > 0
    with pytest.raises(ConfigurationRefused) as refused:
        edit(bot, symbol="ETHUSDT", api_key=mint_paper_key(alice, "Another").pk)
    assert refused.value.errors == dict.fromkeys(
        ("symbol", "api_key"),
        [f"This bot keeps {dust.normalize():f} BTC too small to sell. Make another bot for another place."],
    )
    edit(bot, timeframe="5m")
    assert fresh(bot).state.dust_quantity == dust


def test_a_wake_up_for_a_bot_deleted_meanwhile_does_nothing(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    stop_bot(bot, by=alice)
    archive_bot(bot, alice)
    assert run_bot(bot.pk) == "skipped (deleted)"
    assert fresh(bot).state.last_error_message == ""
