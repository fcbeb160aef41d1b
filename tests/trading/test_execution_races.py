"""Two at once: threads with connections of their own, on committed rows, and still one order and one booking."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.keys import client_of
from bots.models import BotConfig, BotState
from exchange.port import Stamp
from tests.races import at_once
from tests.trading.steps import fresh, go_to_signal, plan_buy, reloaded, reserved, strike, their_orders
from trading.audit import audit_fills
from trading.lifecycle import stop_bot
from trading.models import Fill, Order, Trade
from trading.orders.execution import claim, load, send
from trading.orders.settlement import settle_orders
from trading.runner import Locked, run_bot

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 20


def test_two_runs_of_one_bot_at_once_make_one_order(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    lines = at_once(*[lambda: run_bot(bot.pk)] * 3)
    entered = [line for line in lines if line.startswith("entered ")]
    assert (len(entered), set(lines) - set(entered) <= {"locked", "skipped (nothing new)"}) == (1, True)
    assert (len(their_orders(sandbox, bot)), Order.objects.count(), Trade.objects.count()) == (1, 1, 1)


def test_a_locked_bot_is_left_alone_and_stays_due(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            BotState.objects.select_for_update().get(pk=bot.pk)
            held.set()
            release.wait(WAIT_S)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(WAIT_S)
        with pytest.raises(Locked):
            run_bot(bot.pk)
    finally:
        release.set()
        holder.join(WAIT_S)
    assert fresh(bot).state.last_candle_open_ms is None
    assert not run_bot(bot.pk).startswith("skipped")


def test_two_senders_of_one_order_send_it_once(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "delay_after_ms", "ms": 100})
    at_once(*[lambda: send(order.pk)] * 4)
    assert (reloaded(order).state, their_orders(sandbox, bot)) == ("filled", [order.client_order_id])


def test_an_unknown_order_is_not_dropped_by_a_sender_that_came_second(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    at_once(*[lambda: send(order.pk)] * 4)
    assert reloaded(order).state == "unknown"
    settle_orders()
    assert (reloaded(order).state, their_orders(sandbox, bot)) == ("filled", [order.client_order_id])


def test_two_settling_passes_at_once_book_once(sandbox: Any, new_bot: Any) -> None:
    bots = [new_bot() for _ in range(3)]
    for bot in bots:
        order = plan_buy(bot)
        strike(sandbox, bot, {"kind": "execute_then_drop"})
        assert send(order.pk).state == "unknown"
    at_once(*[settle_orders] * 3)
    assert (Fill.objects.count(), Trade.objects.count(), Order.objects.unsettled().count()) == (3, 3, 0)
    assert [reserved(bot) for bot in bots] == [0, 0, 0]
    assert audit_fills(sandbox.control).details == ()


def test_a_stop_and_a_claim_at_once_agree(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """Whoever comes first: either the stop's answer names the order, or it is never sent."""
    bot = new_bot()
    for _ in range(6):
        BotConfig.objects.filter(pk=bot.pk).update(is_active=True)
        BotState.objects.filter(pk=bot.pk).update(status="waiting")
        order, client = plan_buy(bot), client_of(bot.api_key)
        stamp = Stamp(client.signing_time_ms(), 5_000)
        now_ms = client.market_time_ms(bot.symbol)
        claimed, answer = at_once(
            lambda order=order, stamp=stamp, now_ms=now_ms: claim(
                load(order.pk), stamp=stamp, market_now_ms=now_ms, at=timezone.now()
            ),
            lambda: stop_bot(bot, by=alice),
        )
        assert ("pending_order" in answer) is claimed
        assert reloaded(order).state == ("sending" if claimed else "dropped")
        assert not claim(load(order.pk), stamp=stamp, market_now_ms=now_ms, at=timezone.now())
        Order.objects.filter(pk=order.pk, state="sending").update(state="rejected", reserved=0)
    assert their_orders(sandbox, bot) == []


def test_a_stop_waits_for_the_run_that_is_planning_and_drops_what_it_planned(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot()
    planned, answered = threading.Event(), threading.Event()
    answers: list[dict[str, Any]] = []

    def stop() -> None:
        planned.wait(WAIT_S)
        answers.append(stop_bot(bot, by=alice))
        answered.set()
        connections.close_all()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        order = plan_buy(bot)
        planned.set()
        assert not answered.wait(0.3)
    stopper.join(WAIT_S)
    assert ("pending_order" in answers[0], send(order.pk).state) == (False, "dropped")
    assert their_orders(sandbox, bot) == []
