"""What a stranger tried in order to lose money: each of these once ended badly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bots.models import BotConfig
from tests.trading.steps import fresh, go_to_signal
from trading.models import Decision, Order
from trading.runner import run_bot

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_entry_is_made_that_its_stop_could_not_sell(sandbox: Any, new_bot: Any) -> None:
    """Worth enough at the close, too little at a stop of 10 % whose limit lies 2 % below it."""
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(position_size_fixed="5.9", stop_loss_perc="10")
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    assert fresh(bot).state.status_text == "waiting (below minimum notional)"
    assert "at its stop" in Decision.objects.filter(bot_config=bot).latest("pk").text
    assert not Order.objects.filter(bot_config=bot).exists()
    BotConfig.objects.filter(pk=bot.pk).update(position_size_fixed=Decimal(8))
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    placed = Order.objects.filter(bot_config=bot).order_by("pk").values_list("purpose", "state")
    assert list(placed) == [("entry", "filled"), ("stop", "open")]
