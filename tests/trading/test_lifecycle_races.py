"""Two at once, on two connections: money is claimed once, and a stop wins against every claim that follows it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.keys import mint_paper_key
from bots.lifecycle import activate
from bots.models import BotConfig
from exchange.port import Stamp
from tests.races import WAIT_S, at_once, wait_until_somebody_waits
from tests.trading.steps import fresh, plan_buy, reloaded
from trading.lifecycle import start_bot, stop_bot
from trading.models import Order, Wallet
from trading.orders.execution import claim
from trading.paper_reset import reset_paper_balance

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 25


def test_of_two_bots_starting_for_the_same_money_exactly_one_starts(new_bot: Any, alice: Any) -> None:
    key = mint_paper_key(alice, "Shared")
    bots = [new_bot(key=key, initial_capital="6000", started=False) for _ in range(2)]
    ends = at_once(*(lambda bot=bot: start_bot(bot, by=alice)["status"] for bot in bots))
    assert sorted(ends, key=str) == [409, "pending"]
    active = [bot for bot in map(fresh, bots) if bot.is_active]
    assert [bot.state.status_text for bot in active] == ["pending"]


def test_one_bot_started_twice_at_once_starts_once(new_bot: Any, alice: Any) -> None:
    bot = new_bot(started=False)
    ends = at_once(*(lambda: start_bot(bot, by=alice)["status"] for _ in range(3)))
    assert sorted(ends, key=str) == [409, 409, "pending"]


def test_a_stop_wins_against_every_claim_that_follows_its_answer(new_bot: Any, alice: Any) -> None:
    """An entry is either dropped by the stop, or was claimed before it and named in its answer: never neither."""
    bot = new_bot()
    seen = set()
    for number in range(ROUNDS):
        order = plan_buy(bot)
        ends = at_once(
            _claim(order, wait_ms=number % 5), _stop(bot, alice, wait_ms=random.Random(number).randint(0, 4))
        )
        claimed, answer = ends
        state = reloaded(order).state
        assert (claimed, state) in {(True, "sending"), (False, "dropped")}
        assert answer.get("pending_order") == (order.client_order_id if claimed else None)
        assert _claim(order, wait_ms=0)() is False
        seen.add(state)
        _settle_and_start_again(bot, order)
    assert seen <= {"sending", "dropped"}


def test_nothing_is_claimed_after_the_answer_even_if_a_run_still_plans(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    stop_bot(bot, position="keep", by=alice)
    order = plan_buy(fresh(bot))
    assert at_once(_claim(order, wait_ms=0), _claim(order, wait_ms=0)) == [False, False]
    assert reloaded(order).state == "planned"


def _claim(order: Order, *, wait_ms: int) -> Callable[[], bool]:
    def call() -> bool:
        time.sleep(wait_ms / 1000)  # spreads who comes first; the promise holds for every order
        return claim(order, stamp=Stamp(1, 5_000), market_now_ms=order.fresh_until_ms, at=timezone.now())

    return call


def _stop(bot: BotConfig, by: Any, *, wait_ms: int) -> Callable[[], dict[str, Any]]:
    def call() -> dict[str, Any]:
        time.sleep(wait_ms / 1000)
        return stop_bot(bot, position="keep", by=by)

    return call


def _settle_and_start_again(bot: BotConfig, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(state="dropped", reserved=0)
    Wallet.objects.filter(account_id=bot.account_id).update(reserved=Decimal(0))
    activate(bot)


def test_a_reset_that_waited_for_another_begins_anew_once_more(
    paper_key: Any, alice: Any, make_bot: Any
) -> None:
    """What it waited for gave the key another account: the row it locks is not the row it looked for."""
    bot, ends = make_bot(), []

    def reset() -> None:
        try:
            ends.append(reset_paper_balance(paper_key, by=alice).account_id)
        finally:
            connection.close()

    second = threading.Thread(target=reset)
    with transaction.atomic():
        first = reset_paper_balance(paper_key, by=alice).account_id
        second.start()
        wait_until_somebody_waits()
    second.join(WAIT_S)
    assert ends == [fresh(bot).account_id]
    assert len({first, paper_key.account_id, *ends}) == 3
