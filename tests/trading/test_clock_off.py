"""A computer whose clock is wrong opens no position: what it calls "in time" is not (SPEC §4.3)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings

from exchange import connect
from exchange.binance.clock import ServerClock
from tests.trading.steps import fresh, go_to_signal
from trading.models import Decision, Order
from trading.runner import run_bot

pytestmark = pytest.mark.django_db


def set_clock_wrong(seconds: float) -> None:
    """Every client from now on reads a wall clock that is `seconds` ahead of the exchange's."""
    connect.forget_clients()
    connect._host(settings.SANDBOX_URL).clock = ServerClock(wall=lambda: time.time() + seconds)


@pytest.mark.parametrize("seconds", [-0.8, 0.8])
def test_a_wrong_clock_stops_entries_and_says_so(sandbox: Any, new_bot: Any, seconds: float) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    set_clock_wrong(seconds)
    assert run_bot(bot.pk) == "waiting (clock off)"
    decision = Decision.objects.get(bot_config=bot)
    assert (decision.reason, Order.objects.count()) == ("clock off", 0)
    assert decision.text.endswith(
        "this computer's clock and the exchange's differ by more than half a second."
    )


def test_a_clock_that_is_a_little_off_stops_nothing(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    set_clock_wrong(0.2)
    assert run_bot(bot.pk).startswith("entered BTCUSDT ")


def test_a_wrong_clock_stops_no_exit(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    set_clock_wrong(0.8)
    go_to_signal(sandbox, bot, "long_exit")
    assert run_bot(bot.pk).startswith("exited BTCUSDT ")
    assert not fresh(bot).state.in_position


def test_one_slow_answer_is_no_wrong_clock() -> None:
    """An answer that took two seconds on its way back looks like a clock a second off: measured again."""
    local = [0.0]
    delays = [2.0, 0.0]

    def ask() -> int:
        server_ms = int(local[0] * 1000)
        local[0] += delays.pop(0)
        return server_ms

    clock = ServerClock(monotonic=lambda: local[0], wall=lambda: local[0])
    assert (clock.offset_ms(ask), delays) == (0, [])
