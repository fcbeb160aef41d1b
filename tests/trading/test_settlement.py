"""Settling: whatever a crash left behind is found by its state and brought to its one true end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import client_of
from accounts.vault import credentials_of
from exchange.port import Stamp
from tests.trading.steps import (
    fresh,
    make_older,
    plan,
    plan_buy,
    reloaded,
    reserved,
    settle_until_believed,
    strike,
    their_orders,
)
from trading.audit import audit_fills
from trading.models import Fill, Order, Position
from trading.orders.execution import _request, claim, load, send
from trading.orders.settlement import settle_orders

pytestmark = pytest.mark.django_db
PURPOSES = ("entry", "exit")


def claim_like_a_sender(order: Order, *, transmit: bool) -> Order:
    """What a sender did before it died: the claim, and perhaps the request, but never the booking."""
    client = client_of(order.bot_config.api_key)
    stamp = Stamp(client.signing_time_ms(), 5_000)
    market_ms = client.market_time_ms(order.symbol)
    assert claim(load(order.pk), stamp=stamp, market_now_ms=market_ms, at=order.planned_at)
    if transmit:
        client.place_market_order(_request(order), stamp)
    return reloaded(order)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_sender_that_died_after_the_request_left_its_order_at_the_exchange(
    sandbox: Any, new_bot: Any, purpose: str
) -> None:
    bot = new_bot()
    order = claim_like_a_sender(plan(bot, purpose), transmit=True)
    settle_orders()
    assert reloaded(order).state == "sending"  # its sender may still be waiting
    make_older(order, "claimed_at")
    settle_orders()
    assert reloaded(order).state == "filled"
    assert (reserved(bot), fresh(bot).state.in_position) == (0, purpose == "entry")
    assert audit_fills(sandbox.control).details == ()


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_sender_that_died_before_the_request_left_nothing(sandbox: Any, new_bot: Any, purpose: str) -> None:
    bot = new_bot()
    order = claim_like_a_sender(plan(bot, purpose), transmit=False)
    make_older(order, "claimed_at")
    settle_orders()
    assert reloaded(order).state == "unknown"
    assert settle_until_believed(order).state == "dropped"
    # An entry is dropped; an exit has been planned again by the pass that believed it, and made.
    assert (reserved(bot), fresh(bot).state.in_position) == (0, False)
    assert len(their_orders(sandbox, bot)) == (2 if purpose == "exit" else 0)
    assert order.client_order_id not in their_orders(sandbox, bot)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_order_hidden_from_queries_is_found_when_it_shows(
    sandbox: Any, new_bot: Any, purpose: str
) -> None:
    bot = new_bot()
    order = plan(bot, purpose)
    strike(sandbox, bot, {"kind": "hide_order_ms", "ms": 400})
    claim_like_a_sender(order, transmit=True)
    make_older(order, "claimed_at", "request_timestamp_ms")
    settle_orders()
    assert (reloaded(order).state, reloaded(order).negative_answers) == ("unknown", 1)
    assert reserved(bot) == order.reserved
    passes = 0
    while reloaded(order).state == "unknown" and passes < 500:
        settle_orders()
        passes += 1
    # Negatives within five seconds of the first never add up to a proof.
    assert reloaded(order).state == "filled"
    assert audit_fills(sandbox.control).details == ()


def test_an_exit_is_not_believed_dropped_while_its_coins_are_gone(sandbox: Any, new_bot: Any) -> None:
    """Three negatives, and yet the account no longer holds what our bots hold: the balance speaks against it."""
    bot = new_bot()
    order = plan(bot, "exit")
    strike(sandbox, bot, {"kind": "hide_order_ms", "ms": 60_000})
    claim_like_a_sender(order, transmit=True)
    make_older(order, "claimed_at", "request_timestamp_ms")
    settle_orders()
    make_older(order, "first_negative_ms")
    for _ in range(4):
        settle_orders()
    assert (reloaded(order).state, reloaded(order).negative_answers) == ("unknown", 5)


def test_an_entry_planned_and_never_sent_is_dropped_when_it_is_old(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    assert dict(settle_orders()) == {}  # its own run will send it
    make_older(order, "planned_at")
    make_older(order, "planned_at")
    assert dict(settle_orders()) == {"dropped": 1}
    assert (reserved(bot), their_orders(sandbox, bot)) == (0, [])


def test_an_exit_planned_and_never_sent_is_sent(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan(bot, "exit")
    make_older(order, "planned_at")
    make_older(order, "planned_at")
    sandbox.control.advance(20)
    assert dict(settle_orders()) == {"filled": 1}
    assert not fresh(bot).state.in_position


def test_a_key_revoked_while_an_end_is_unknown_is_shown(sandbox: Any, new_bot: Any) -> None:
    """Only the key's owner can bring the order to its end now: the bot says so instead of waiting without a word."""
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert send(order.pk).state == "unknown"
    sandbox.control.revoke_key(credentials_of(bot.api_key).api_key)
    assert dict(settle_orders()) == {"unreachable": 1}
    bot = fresh(bot)
    assert (bot.api_key.is_valid, bot.state.status_text) == (False, "paused (key invalid)")
    assert (reloaded(order).state, reserved(bot)) == ("unknown", order.reserved)


def test_one_order_that_cannot_be_settled_keeps_no_other_waiting(sandbox: Any, new_bot: Any) -> None:
    first, second = new_bot(), new_bot()
    orders = [plan_buy(bot) for bot in (first, second)]
    for bot, order in zip((first, second), orders, strict=True):
        strike(sandbox, bot, {"kind": "execute_then_drop"})
        assert send(order.pk).state == "unknown"
    strike(sandbox, first, {"kind": "error_503_before", "method": "GET"})
    assert dict(settle_orders()) == {"unreachable": 1, "filled": 1}
    assert dict(settle_orders()) == {"filled": 1}


def test_a_contradiction_is_kept_for_somebody_to_look_at(sandbox: Any, new_bot: Any) -> None:
    """A dropped order whose fill is reported after all, and a fill booked for another order: no pass breaks."""
    bot, other = new_bot(), new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    theirs = sandbox.control.fills(uid=int(bot.account.external_id))[0]
    elsewhere = send(plan_buy(other).pk)
    Fill.objects.filter(order=elsewhere).update(account=bot.account, trade_id=theirs["tradeId"])
    assert dict(settle_orders()) == {"conflict": 1}
    assert (reloaded(order).state, Fill.objects.filter(order=order).count()) == ("unknown", 0)


def test_settling_again_changes_nothing(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    assert [dict(settle_orders()) for _ in range(3)] == [{"filled": 1}, {}, {}]
    assert Fill.objects.filter(order=order).count() == 1


def test_a_position_bought_a_moment_ago_is_left_to_its_run(sandbox: Any, new_bot: Any) -> None:
    """The pass protects it once the run that bought it must have ended."""
    order = send(plan_buy(new_bot(stop_loss_perc=Decimal(2))).pk)
    bought = Position.objects.filter(pk=order.position_id, unprotected_since=order.claimed_at)
    # However slow this test is: bare since the end of it.
    assert bought.update(unprotected_since=order.claimed_at + timedelta(minutes=5)) == 1
    settle_orders()
    stops = Order.objects.filter(position=order.position_id, purpose="stop")
    assert stops.count() == 0
    Position.objects.filter(pk=order.position_id).update(
        unprotected_since=order.claimed_at - timedelta(minutes=5)
    )
    settle_orders()
    assert [stop.state for stop in stops] == ["open"]
