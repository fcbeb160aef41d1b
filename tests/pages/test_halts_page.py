"""The page of halts: who may halt and end what, who sees it, and the sign on every page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import BotState, Halt


def open_halts() -> list[tuple[Any, Any, str]]:
    found = Halt.objects.filter(ended_at__isnull=True).order_by("pk")
    return [(halt.user_id, halt.bot_config_id, halt.reason) for halt in found]


def begin(page: Any, **values: Any) -> Any:
    return page.post("/halts/begin/", {"scope": "mine", "reason": "News", **values})


def test_all_my_bots_and_on_again(alice: Any, alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    BotState.objects.filter(pk=bot.pk).update(status="running")
    for _click in range(2):
        assert begin(alice_page).url == "/halts/"
    assert open_halts() == [(alice.pk, None, "News")]
    shown = alice_page.get("/").content.decode()
    assert "All your bots are halted" in shown
    assert "News" in shown
    bot.state.refresh_from_db()
    assert bot.state.status_text == "paused (halted)"
    (halt,) = Halt.objects.all()
    for _click in range(2):
        assert alice_page.post(f"/halts/{halt.pk}/end/").url == "/halts/"
    assert open_halts() == []
    assert "All your bots are halted" not in alice_page.get("/").content.decode()
    assert "News" in alice_page.get("/halts/").content.decode()


def test_one_bot(alice_page: Any, charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing")
    begin(alice_page, scope="bot", bot=bot.pk)
    assert open_halts() == [(None, bot.pk, "News")]
    assert "Crossing is halted" in alice_page.get("/bots/").content.decode()
    assert "Crossing" not in charlie_page.get("/halts/").content.decode()
    assert "is halted" not in charlie_page.get("/bots/").content.decode()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scope": "bot"}, "bot"),
        ({"scope": "everything"}, "scope"),
        ({"scope": "user", "email": "alice@example.com"}, "scope"),
        ({"scope": ""}, "scope"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 201}, "reason"),
    ],
)
def test_what_is_not_for_a_user_to_halt(alice_page: Any, values: dict[str, str], field: str) -> None:
    answer = begin(alice_page, **values)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert open_halts() == []


def test_a_strangers_bot_cannot_be_chosen(charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Secret of Alice")
    answer = begin(charlie_page, scope="bot", bot=bot.pk)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["bot"])
    assert "Secret of Alice" not in answer.content.decode()
    assert open_halts() == []


def test_operators_halt_users_and_everything(
    alice: Any, alice_page: Any, bob_page: Any, charlie_page: Any
) -> None:
    begin(bob_page, scope="user", email="ALICE@example.com", reason="A complaint")
    begin(bob_page, scope="everything", reason="Maintenance")
    assert open_halts() == [(alice.pk, None, "A complaint"), (None, None, "Maintenance")]
    hers, his = alice_page.get("/halts/").content.decode(), charlie_page.get("/halts/").content.decode()
    assert ("A complaint" in hers, "A complaint" in his) == (True, False)
    assert ("Maintenance" in hers, "Maintenance" in his) == (True, True)
    assert "bob@example.com" not in hers
    assert "TradeBot is halted" in his
    answer = begin(bob_page, scope="user", email="nobody@example.com")
    assert list(answer.context["form"].errors) == ["email"]


def test_what_an_operator_has_set_an_operator_ends(alice_page: Any, charlie_page: Any, bob_page: Any) -> None:
    begin(bob_page, scope="user", email="alice@example.com")
    (halt,) = Halt.objects.all()
    assert f"/halts/{halt.pk}/end/" not in alice_page.get("/halts/").content.decode()
    shown = alice_page.post(f"/halts/{halt.pk}/end/", follow=True).content.decode()
    assert "Only operators may end it" in shown
    assert charlie_page.post(f"/halts/{halt.pk}/end/").status_code == 404
    assert len(open_halts()) == 1
    bob_page.post(f"/halts/{halt.pk}/end/")
    assert open_halts() == []


@pytest.mark.parametrize("address", ["/halts/", "/halts/sign/"])
def test_nobody_is_asked_to_sign_in(anonymous_page: Any, address: str) -> None:
    assert anonymous_page.get(address).url == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("address", ["/halts/", "/halts/sign/", "/"])
def test_as_many_queries_for_thirty_halts_as_for_one(alice_page: Any, make_bot: Any, address: str) -> None:
    begin(alice_page, scope="bot", bot=make_bot().pk)
    Halt.objects.create(bot_config=make_bot(), reason="Over", ended_at="2100-01-01T00:00:00Z")
    few = queries(alice_page, address)
    for _number in range(29):
        begin(alice_page, scope="bot", bot=make_bot().pk)
        Halt.objects.create(bot_config=make_bot(), reason="Over", ended_at="2100-01-01T00:00:00Z")
    assert queries(alice_page, address) == few


def queries(client: Any, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)
