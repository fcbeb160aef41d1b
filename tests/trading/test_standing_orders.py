"""What stands at the exchange is asked about at every close, and booked only when something is new about it."""

from __future__ import annotations

from typing import Any

import pytest

from bots.models import BotConfig
from tests.trading.steps import go_to_signal
from trading.models import Order, Position
from trading.orders.asking import settle
from trading.runner import run_bot

pytestmark = pytest.mark.django_db(transaction=True)


def protected(sandbox: Any, new_bot: Any) -> tuple[BotConfig, list[Order]]:
    """A bot in a position, with its stop and its target."""
    bot = new_bot(stop_loss_perc="0.05", take_profit_perc="0.05")
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    return bot, list(Order.objects.unsettled().filter(bot_config=bot).order_by("purpose"))


def test_no_news_writes_nothing_but_when_it_was_asked(sandbox: Any, new_bot: Any) -> None:
    _bot, legs = protected(sandbox, new_bot)
    assert [leg.purpose for leg in legs] == ["stop", "target"]
    positions = list(Position.objects.values())
    for leg in legs:
        assert settle(leg.pk).state == "open"
        after = Order.objects.get(pk=leg.pk)
        assert after.asked_at > leg.asked_at
        assert after.updated_at == leg.updated_at
    assert list(Position.objects.values()) == positions


def test_a_leg_that_filled_meanwhile_is_booked_by_the_same_question(sandbox: Any, new_bot: Any) -> None:
    bot, legs = protected(sandbox, new_bot)
    sandbox.control.advance(120)
    assert {settle(leg.pk).state for leg in legs} == {"filled", "expired"}
    assert not Position.objects.open().filter(bot_config=bot).exists()
