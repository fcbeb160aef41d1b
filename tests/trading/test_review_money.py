"""What a stranger tried in order to lose money: each of these once ended badly."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from bots.models import BotConfig
from tests.trading.steps import fresh, go_to_signal, plan_buy, reloaded, strike
from tests.trading.test_protection import (
    BOTH,
    LIST,
    STOP_ONLY,
    again,
    ask_to_close,
    check_agreement,
    check_closed,
    enter,
    make_all_older,
    move,
    protect,
    reach,
    standing,
    theirs,
)
from trading.models import Decision, Order, Position
from trading.orders.execution import send
from trading.orders.protection import _next_act, hear, tend
from trading.orders.settlement import settle_orders
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


def test_a_price_that_reached_a_stop_is_followed_by_a_question(sandbox: Any, new_bot: Any) -> None:
    """Tending compares wishes with what was last heard; the stop itself is not asked about for 20 s."""
    position = protect(new_bot, **BOTH)
    first = reach(sandbox, position, above=position.target_price, below=position.stop_price)
    make_all_older(position)
    tend(position.pk)
    assert again(position).closed_at is None
    hear(position.pk)
    check_closed(sandbox, position, "stop_loss" if first == "stop" else "take_profit")


def test_what_a_lost_sender_bought_is_looked_for_at_once(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(**BOTH)
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    # Its process ended while the answer was on its way.
    Order.objects.filter(pk=order.pk).update(
        state="sending", claimed_at=F("claimed_at") - timedelta(seconds=4)
    )
    settle_orders()
    assert reloaded(order).state == "filled"
    assert [state for _, state, _ in standing(Position.objects.get(bot_config=bot))] == ["open", "open"]
    check_agreement(sandbox)


def test_a_sender_that_only_takes_long_is_not_overtaken(sandbox: Any, new_bot: Any) -> None:
    """Its order is not there yet: nothing is concluded from that."""
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "drop_before"})
    send(order.pk)
    Order.objects.filter(pk=order.pk).update(
        state="sending", claimed_at=F("claimed_at") - timedelta(seconds=4)
    )
    settle_orders()
    found = reloaded(order)
    assert (found.state, found.negative_answers) == ("sending", 0)


def test_a_stop_on_its_way_out_is_left_to_what_replaces_it(sandbox: Any, new_bot: Any) -> None:
    """Another worker passes while one is about to replace a stop: cancelling it would leave nothing standing."""
    position = protect(new_bot, **STOP_ONLY)
    tighter = position.stop_price + 1
    move(position, trailing_stop_price=tighter)
    replace_it = _next_act(position.pk)
    assert replace_it is not None
    tend(position.pk)
    settle_orders()
    assert len(theirs(position)) == 1
    replace_it()
    assert theirs(position) == [("STOP_LOSS_LIMIT", tighter)]
    tend(position.pk)
    assert standing(position) == [("stop", "open", tighter)]
    assert again(position).unprotected_since is None


def test_an_exit_is_sent_soon_after_the_exchange_is_back(sandbox: Any, new_bot: Any) -> None:
    """Its protection is gone already: what says nothing about the order must not lengthen the pause."""
    position = protect(new_bot, **BOTH)
    ask_to_close(position)
    busy = {"kind": "reject_with", "code": -1008, "msg": "Server is currently overloaded.", "status": 400}
    strike(sandbox, position.bot_config, {**busy, "count": 6})
    for _ in range(7):
        tend(position.pk)
        earlier = F("settled_at") - timedelta(seconds=4)
        Order.objects.filter(position=position, purpose="exit", state="rejected").update(settled_at=earlier)
    check_closed(sandbox, position, "exit_signal")


def test_a_market_that_pauses_is_no_reason_to_sell(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, **BOTH)
    closed = {"kind": "reject_with", "code": -2010, "msg": "Market is closed.", "status": 400}
    strike(sandbox, position.bot_config, {**LIST, **closed})
    tend(position.pk)
    assert (again(position).action == "exit", theirs(position)) == (False, [])
    assert fresh(position.bot_config).state.status != "error"
    Order.objects.filter(position=position).update(settled_at=F("settled_at") - timedelta(seconds=9))
    settle_orders()
    assert [state for _, state, _ in standing(position)] == ["open", "open"]
