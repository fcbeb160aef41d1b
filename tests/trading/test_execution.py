"""Sending: claimed before a byte leaves, and an honest end for every way a request can fail."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import client_of
from accounts.vault import credentials_of
from bots.models import BotConfig, Halt
from engine.amounts import e8_from_decimal
from engine.orders import Side
from exchange.port import MarketOrder, Stamp
from tests.trading.steps import (
    SPENT,
    fresh,
    make_older,
    plan,
    plan_buy,
    plan_sell,
    reloaded,
    reserved,
    settle_until_believed,
    strike,
    their_orders,
)
from trading.lifecycle import stop_bot
from trading.models import Fill, Order, Position, Trade
from trading.orders.execution import send
from trading.orders.settlement import settle_orders

pytestmark = pytest.mark.django_db
PURPOSES = ("entry", "exit")


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("fault", ["execute_then_drop", "error_503_after"])
def test_executed_and_the_answer_lost_is_found_by_query_and_booked_once(
    sandbox: Any, new_bot: Any, purpose: str, fault: str
) -> None:
    bot = new_bot()
    order = plan(bot, purpose)
    before = Fill.objects.count()
    strike(sandbox, bot, {"kind": fault})

    assert send(order.pk).state == "unknown"
    assert (Fill.objects.count(), reserved(bot)) == (before, order.reserved)

    settle_orders()
    settle_orders()
    assert reloaded(order).state == "filled"
    trades = Trade.objects.filter(client_order_id=order.client_order_id)
    assert (Fill.objects.count(), trades.count()) == (before + 1, 1)
    assert (reserved(bot), their_orders(sandbox, bot).count(order.client_order_id)) == (0, 1)
    assert fresh(bot).state.in_position is (purpose == "entry")


@pytest.mark.parametrize("fault", ["drop_before", "error_503_before"])
def test_an_entry_that_never_arrived_is_dropped_after_three_late_negatives(
    sandbox: Any, new_bot: Any, fault: str
) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": fault})
    assert send(order.pk).state == "unknown"

    settle_orders()
    assert (reloaded(order).state, reloaded(order).negative_answers) == (
        "unknown",
        0,
    )  # asked too early to count
    ended = settle_until_believed(order)
    assert (ended.state, ended.negative_answers, reserved(bot)) == ("dropped", 3, 0)
    assert (their_orders(sandbox, bot), Order.objects.unsettled().count()) == ([], 0)


@pytest.mark.parametrize("fault", ["drop_before", "error_503_before"])
def test_an_exit_that_never_arrived_is_planned_again_with_a_new_id(
    sandbox: Any, new_bot: Any, fault: str
) -> None:
    bot = new_bot()
    order = plan(bot, "exit")
    strike(sandbox, bot, {"kind": fault})
    assert send(order.pk).state == "unknown"
    # In the same pass that believes it: the position has no stop any more.
    assert settle_until_believed(order).state == "dropped"
    again = Order.objects.exclude(pk=order.pk).get(bot_config=bot, purpose="exit")
    assert (again.quantity, again.position_id, again.reason) == (
        order.quantity,
        order.position_id,
        "exit_signal",
    )
    assert again.client_order_id != order.client_order_id
    assert again.state == "filled"
    assert not fresh(bot).state.in_position
    assert their_orders(sandbox, bot)[1:] == [again.client_order_id]


def test_an_unknown_order_stays_unknown_while_the_exchange_is_silent(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    query = {"kind": "error_503_before", "method": "GET", "count": 2}
    strike(sandbox, bot, {"kind": "execute_then_drop"}, query)
    send(order.pk)
    assert [dict(settle_orders()) for _ in range(3)] == [
        {"unreachable": 1},
        {"unreachable": 1},
        {"filled": 1},
    ]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_sending_again_changes_nothing(sandbox: Any, new_bot: Any, purpose: str) -> None:
    bot = new_bot()
    order = plan(bot, purpose)
    assert [send(order.pk).state for _ in range(3)] == ["filled"] * 3
    assert their_orders(sandbox, bot).count(order.client_order_id) == 1


def test_the_row_is_claimed_with_the_timestamp_the_request_carries(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = send(plan_buy(bot).pk)
    accepted = sandbox.control.orders(uid=int(bot.account.external_id))[-1]["accepted_at"]
    assert order.recv_window_ms == 5_000
    assert order.request_timestamp_ms is not None
    assert -1_000 < accepted - order.request_timestamp_ms < 5_000
    assert order.claimed_at >= order.planned_at


def test_a_late_entry_is_dropped_and_an_exit_is_never_too_late(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = send(plan_buy(bot, late_ms=1).pk)
    assert (order.state, order.request_timestamp_ms, reserved(bot)) == ("dropped", None, 0)
    assert their_orders(sandbox, bot) == []
    send(plan_buy(bot).pk)
    exit_order = plan_sell(bot)
    sandbox.control.advance(30)
    assert send(exit_order.pk).state == "filled"


@pytest.mark.parametrize("scope", ["bot", "user", "everyone"])
def test_an_entry_halted_after_its_plan_is_dropped_and_an_exit_is_sent(
    sandbox: Any, new_bot: Any, alice: Any, scope: str
) -> None:
    bot = new_bot()
    send(plan_buy(bot).pk)
    exit_order = plan_sell(bot)
    whom = {"bot": {"bot_config": bot}, "user": {"user": alice}, "everyone": {}}[scope]
    Halt.objects.create(reason="The test says stop", **whom)
    assert send(exit_order.pk).state == "filled"
    assert send(plan_buy(bot).pk).state == "dropped"


def test_after_a_stop_answered_no_planned_entry_is_sent(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    assert "pending_order" not in stop_bot(bot, by=alice)
    assert (send(order.pk).state, reserved(bot), their_orders(sandbox, bot)) == ("dropped", 0, [])


def test_a_stop_names_the_entry_that_may_still_fill(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    assert stop_bot(bot, by=alice)["pending_order"] == order.client_order_id
    settle_orders()
    state = fresh(bot).state
    assert (reloaded(order).state, state.in_position, state.status_text) == ("filled", True, "stopped")


def test_a_refused_exit_backs_off_and_shows_on_the_bot(sandbox: Any, new_bot: Any) -> None:
    """The user sold the coins by hand: the exchange says no, and is not asked without end."""
    bot = new_bot()
    send(plan_buy(bot).pk)
    order = plan_sell(bot)
    client = client_of(bot.api_key)
    by_hand = MarketOrder(bot.symbol, Side.SELL, "by-hand", quantity_e8=e8_from_decimal(order.quantity))
    client.place_market_order(by_hand, Stamp(client.signing_time_ms(), 5_000))

    refused = send(order.pk)
    assert (refused.state, refused.error_code) == ("rejected", -2010)
    assert fresh(bot).state.last_error_message == refused.error_message != ""
    assert Position.objects.open().get(bot_config=bot).action == "exit"
    settle_orders()  # too soon after the refusal
    assert Order.objects.filter(purpose="exit").count() == 1
    make_older(order, "settled_at")
    settle_orders()
    assert [again.state for again in Order.objects.filter(purpose="exit")] == ["rejected"] * 2


@pytest.mark.parametrize(
    ("decided_at", "state"), [("1.004", "filled"), ("1.006", "rejected"), ("0.994", "rejected")]
)
def test_an_entry_at_another_price_than_the_signals_is_refused(
    sandbox: Any, new_bot: Any, decided_at: str, state: str
) -> None:
    """The book is asked after the claim: more than half a percent away, either way, nothing is sent."""
    bot = new_bot()
    now = Decimal(client_of(bot.api_key).price_e8(bot.symbol)) / 10**8
    order = send(plan_buy(bot, close_price=(now * Decimal(decided_at)).quantize(Decimal("0.01"))).pk)
    assert (order.state, reserved(bot)) == (state, 0)
    assert len(their_orders(sandbox, bot)) == (1 if state == "filled" else 0)
    assert order.error_message.startswith("price moved") is (state == "rejected")


def test_the_allowed_slippage_is_the_bots_own(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(max_slippage_perc=2)
    now = Decimal(client_of(bot.api_key).price_e8(bot.symbol)) / 10**8
    assert (
        send(plan_buy(bot, close_price=(now * Decimal("1.015")).quantize(Decimal("0.01"))).pk).state
        == "filled"
    )


def test_without_a_book_no_entry_is_sent(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    sandbox.control.set_faults([{"kind": "error_503_before", "method": "GET", "path": "/api/v3/depth"}])
    assert send(order.pk).state == "rejected"
    assert (their_orders(sandbox, bot), reserved(bot)) == ([], 0)


def test_a_definite_refusal_frees_the_money_and_says_why(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = send(plan_buy(bot, quote=Decimal("0.5")).pk)
    assert (order.state, order.error_code, reserved(bot)) == ("rejected", -1013, 0)
    assert fresh(bot).state.last_error_message == order.error_message


def test_nothing_is_claimed_while_the_exchange_cannot_be_reached(sandbox: Any, new_bot: Any) -> None:
    """The clock or the market time is not to be had: nothing left us, so the order stays planned."""
    bot = new_bot()
    order = plan_buy(bot)
    sandbox.control.set_faults([{"kind": "drop_before", "method": "GET", "path": "/api/v3/ticker/24hr"}])
    assert (send(order.pk).state, reserved(bot)) == ("planned", SPENT)
    assert send(order.pk).state == "filled"


def test_a_key_the_exchange_refuses_pauses_its_bots(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    sandbox.control.revoke_key(credentials_of(bot.api_key).api_key)
    assert send(order.pk).state == "rejected"
    bot = fresh(bot)
    assert (bot.api_key.is_valid, bot.state.status_text, reserved(bot)) == (False, "paused (key invalid)", 0)


def test_a_refused_key_pauses_all_its_bots_but_wakes_no_stopped_one(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot(initial_capital="500")
    others = [new_bot(key=bot.api_key, initial_capital="500") for _ in range(2)]
    stranger = new_bot()
    stop_bot(others[0], by=alice)
    order = plan_buy(bot)
    sandbox.control.revoke_key(credentials_of(bot.api_key).api_key)
    send(order.pk)
    assert [fresh(each).state.status_text for each in (bot, *others, stranger)] == [
        "paused (key invalid)",
        "stopped",
        "paused (key invalid)",
        "pending",
    ]
