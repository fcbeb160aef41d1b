"""PUT bot-states/{id} and close-position: a partial update of what an owner may set; the rest is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import mint_paper_key
from accounts.models import AuditEntry
from bots.models import BotConfig, BotState
from trading.models import Position

pytestmark = pytest.mark.django_db


def path(bot: BotConfig) -> str:
    return f"/api/v1/bot-states/{bot.pk}"


@pytest.fixture
def holder(alice, sandbox, make_bot):
    """A bot whose position the rows speak of; the exchange has heard of none of it."""
    from django.utils import timezone

    bot = make_bot(mint_paper_key(alice, "At the sandbox"), is_active=True)
    BotState.objects.update(
        status="running", in_position=True, position_side="long", entry_price=100,
        stop_loss_price=Decimal("1.25"), last_error_message="Old trouble",
    )  # fmt: skip
    Position.objects.create(
        bot_config=bot, sequence=1, opened_at=timezone.now(), quantity=1, stop_price=Decimal("1.25"),
        stop_reason="stop_loss", trailing_stop_perc=5,
    )  # fmt: skip
    return bot


def test_exits_are_taken_away_and_the_message_is_cleared(alice_api, holder):
    body = {"stop_loss_price": None, "last_error_message": ""}
    answer = alice_api.put(path(holder), body, format="json")
    shown = answer.json()
    assert (answer.status_code, shown["stop_loss_price"], shown["last_error_message"]) == (200, None, "")
    assert Position.objects.get().stop_price is None
    assert list(AuditEntry.objects.order_by("id").values_list("event", flat=True))[-2:] == [
        "exit_prices_changed", "bot_state_changed",
    ]  # fmt: skip


def test_status_stopped_and_pending_are_stop_and_start(alice_api, alice, sandbox, make_bot):
    bot = make_bot(mint_paper_key(alice, "At the sandbox"))
    started = alice_api.put(path(bot), {"status": "pending"}, format="json")
    assert (started.status_code, started.json()["status"]) == (200, "pending")
    again = alice_api.put(path(bot), {"status": "pending"}, format="json")
    assert (again.status_code, again.json()) == (409, {"detail": "This bot is already started."})
    stopped = alice_api.put(path(bot), {"status": "stopped"}, format="json")
    assert (stopped.json()["status"], BotConfig.objects.get().is_active) == ("stopped", False)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"in_position": False}, ["in_position"]),
        ({"entry_price": "1", "realized_pnl": "5", "hat": 1}, ["entry_price", "realized_pnl", "hat"]),
        ({"status": "running"}, ["status"]),
        ({"status": ["stopped"]}, ["status"]),
        ({"last_error_message": "All is well"}, ["last_error_message"]),
        ({"daily_pnl": "0"}, ["daily_pnl"]),
        ({"daily_trades_count": 0}, ["daily_trades_count"]),
        ({"stop_loss_price": "cheap", "status": "stopped"}, ["stop_loss_price"]),
        ({"take_profit_price": "0.01", "last_error_message": ""}, ["take_profit_price"]),
        ({"stop_loss_price": "99999999"}, ["stop_loss_price"]),
    ],
)
def test_anything_else_is_a_400_that_names_it_and_nothing_changes(alice_api, holder, body, fields):
    before = BotState.objects.values().get()
    answer = alice_api.put(path(holder), body, format="json")
    assert (answer.status_code, sorted(answer.json())) == (400, sorted(fields))
    assert all(len(messages) == 1 for messages in answer.json().values())
    after = BotState.objects.values().get()
    assert {**after, "last_updated_at": None} == {**before, "last_updated_at": None}
    assert not AuditEntry.objects.filter(subject_kind="botconfig").exists()


def test_an_empty_body_changes_nothing(alice_api, holder):
    assert alice_api.put(path(holder), {}, format="json").status_code == 200
    assert alice_api.put(path(holder), [], format="json").status_code == 400
    assert BotState.objects.get().last_error_message == "Old trouble"


def test_operators_may_set_the_counters_of_their_own_bots(bob, bob_api, make_bot):
    bot = make_bot(mint_paper_key(bob, "Bob's"))
    body = {"daily_pnl": "-12.5", "daily_trades_count": 3}
    answer = bob_api.put(path(bot), body, format="json")
    assert (answer.status_code, answer.json()["daily_pnl"], answer.json()["daily_trades_count"]) == (
        200,
        "-12.5",
        3,
    )
    entry = AuditEntry.objects.get(event="bot_state_changed")
    assert (entry.before, entry.after) == (
        {"daily_pnl": "0", "daily_trades_count": 0}, {"daily_pnl": "-12.5", "daily_trades_count": 3},
    )  # fmt: skip
    for bad in (
        {"daily_pnl": None},
        {"daily_trades_count": -1},
        {"daily_trades_count": ""},
        {"daily_pnl": "x"},
    ):
        assert (bob_api.put(path(bot), bad, format="json").status_code) == 400, bad


def test_a_position_is_closed_by_its_own_verb(alice_api, holder):
    answer = alice_api.post(f"/api/v1/bots/{holder.pk}/close-position/", {}, format="json")
    assert (answer.status_code, answer.json()) == (
        200, {"message": "Closing position", "bot_config_id": holder.pk, "status": "running"},
    )  # fmt: skip
    assert (Position.objects.get().action, Position.objects.get().exit_reason) == ("exit", "manual")
    refused = alice_api.post(f"/api/v1/bots/{holder.pk}/close-position", {"now": True}, format="json")
    assert (refused.status_code, refused.json()) == (400, {"now": ["Unknown field."]})


def test_without_a_position_there_is_nothing_to_close(alice_api, make_bot):
    answer = alice_api.post(f"/api/v1/bots/{make_bot().pk}/close-position")
    assert (answer.status_code, answer.json()) == (409, {"detail": "This bot holds no position."})


@pytest.mark.parametrize("who", ["charlie_api", "bob_api"])
def test_a_strangers_bot_is_not_there(request: Any, who: str, holder):
    api = request.getfixturevalue(who)
    for verb, where, body in (
        ("put", "bot-states/{}", {"stop_loss_price": None}),
        ("put", "bot-states/{}", {"status": "stopped"}),
        ("post", "bots/{}/close-position", {}),
    ):
        theirs, nobodys = (
            getattr(api, verb)(f"/api/v1/{where.format(pk)}", body, format="json")
            for pk in (holder.pk, 999999)
        )
        assert (theirs.status_code, theirs.content) == (404, nobodys.content), where
    assert (Position.objects.get().action, BotConfig.objects.get().is_active) == ("", True)
