"""Start, stop, close, halt and moved exits at the same moment, on connections of their own: one sale, one truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from bots.lifecycle import activate
from bots.models import BotConfig, BotState
from exchange.connect import market_data
from tests.races import at_once, wait_until_somebody_waits
from tests.trading.steps import fresh, plan_buy, reloaded
from trading.audit import audit_fills
from trading.exit_prices import change_exit_prices
from trading.going_flat import go_flat, keep_going_flat
from trading.halts import halt
from trading.lifecycle import close_position, start_bot, stop_bot
from trading.models import FlatReceipt, Order, Position, Trade
from trading.orders.execution import send
from trading.orders.protection import tend

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


def holding(bot: BotConfig) -> Position:
    BotConfig.objects.filter(pk=bot.pk).update(stop_loss_perc=5, take_profit_perc=5)
    assert send(plan_buy(fresh(bot)).pk).state == "filled"
    position: Position = Position.objects.open().get(bot_config=bot)
    tend(position.pk)
    return position


def sales(bot: BotConfig) -> list[str]:
    return list(Trade.objects.filter(bot_config=bot, side="SELL").values_list("reason", flat=True))


def test_many_who_close_and_tend_at_once_sell_once(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    for _ in range(ROUNDS):
        position = holding(bot)
        at_once(
            lambda: close_position(bot, by=alice),
            lambda: stop_bot(bot, position="close", by=alice),
            lambda: go_flat(alice, bot=bot, reason="Odd").pk,
            *[lambda position=position: tend(position.pk)] * 2,
        )
        tend(position.pk)
        keep_going_flat()
        position.refresh_from_db()
        assert (position.closed_at is None, len(sales(bot))) == (False, position.sequence)
        assert Order.objects.unsettled().count() == 0
        for receipt in FlatReceipt.objects.filter(halt__ended_at__isnull=True).select_related("halt"):
            type(receipt.halt).objects.filter(pk=receipt.halt_id).update(ended_at=receipt.finished_at)
        activate(bot)
    assert FlatReceipt.objects.filter(finished_at__isnull=True).count() == 0
    assert audit_fills(sandbox.control).details == ()


def test_exits_moved_while_the_position_is_closed_come_before_it_or_not_at_all(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot()
    for _ in range(ROUNDS):
        position = holding(bot)
        last = Decimal(market_data("sandbox").price_e8(bot.symbol)) / 10**8
        wanted = {"stop_loss_price": str((last * Decimal("0.97")).quantize(Decimal("0.01")))}
        moved, closed = at_once(
            lambda wanted=wanted: change_exit_prices(bot, wanted, by=alice),
            lambda: close_position(bot, by=alice)["message"],
        )
        assert (moved in (None, 409), closed) == (True, "Closing position")
        tend(position.pk)
        assert Position.objects.open().count() == Order.objects.unsettled().count() == 0
    assert sales(bot) == ["manual"] * ROUNDS
    assert audit_fills(sandbox.control).details == ()


def test_start_and_stop_at_once_leave_one_of_the_two(new_bot: Any, alice: Any) -> None:
    bot = new_bot(started=False)
    for number in range(ROUNDS * 2):
        at_once(_after(number % 3, lambda: start_bot(bot, by=alice)), lambda: stop_bot(bot, by=alice))
        state = fresh(bot).state
        assert (fresh(bot).is_active, state.status_text) in {(True, "pending"), (False, "stopped")}
        stop_bot(bot, by=alice)


def test_a_halt_beats_every_start_that_has_not_ended_before_it(new_bot: Any, alice: Any, bob: Any) -> None:
    """Whoever comes first: no entry planned afterwards is sent."""
    for number in range(ROUNDS):
        bot = new_bot(started=False)
        _halted, started = at_once(
            lambda bot=bot: halt(bob, bot=bot, reason="Odd").pk,
            _after(number % 3, lambda bot=bot: start_bot(bot, by=alice)["status"]),
        )
        assert started in ("pending", 409)
        order = plan_buy(fresh(bot))
        assert (send(order.pk).state, reloaded(order).reserved) == ("dropped", 0)


def test_one_person_halting_twice_at_once_sets_one_halt(new_bot: Any, alice: Any) -> None:
    bots = [new_bot() for _ in range(3)]
    ends = at_once(*[lambda: halt(alice, user=alice, reason="Holiday").pk] * 3)
    assert len(set(ends)) == 1
    assert [fresh(bot).state.status_text for bot in bots] == ["paused (halted)"] * 3


def test_going_flat_twice_at_once_is_one_receipt(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    position = holding(bot)
    ends = at_once(*[lambda: go_flat(alice, bot=bot, reason="Odd").pk] * 3)
    assert len(set(ends)) == 1
    at_once(*[lambda: tend(position.pk)] * 2, keep_going_flat)
    tend(position.pk)
    assert (keep_going_flat() <= 1, sales(bot)) == (True, ["close_all"])


def test_a_close_waits_for_the_run_that_is_planning(new_bot: Any, alice: Any) -> None:
    """What a run has planned when the close comes is dropped by it, or sold after it: never bought unseen."""
    bot = new_bot()
    planned, answers = threading.Event(), []

    def stop() -> None:
        planned.wait(20)
        answers.append(stop_bot(bot, position="close", by=alice))
        connection.close()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=bot.pk)
        order = plan_buy(bot)
        planned.set()
        wait_until_somebody_waits()
        assert answers == []
    stopper.join(20)
    assert ("pending_order" in answers[0], send(order.pk).state) == (False, "dropped")


def _after(milliseconds: int, call: Callable[[], Any]) -> Callable[[], Any]:
    def later() -> Any:
        time.sleep(milliseconds / 1000)  # spreads who comes first; the promise holds for every order
        return call()

    return later
