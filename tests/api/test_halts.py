"""halts: an owner stops own bots, operators stop anything; what concerns nobody of yours is not there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import Halt

pytestmark = pytest.mark.django_db
LIST = "/api/v1/halts/"


def set_halt(api, **body):
    return api.post(LIST, {"reason": "Strange fills", **body}, format="json")


def ids(api, query: str = "") -> list[int]:
    answer = api.get(f"{LIST}{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_an_owner_halts_a_bot_and_ends_it(alice_api, make_bot):
    bot = make_bot(name="Runner")
    answer = set_halt(alice_api, bot_config=bot.pk)
    halt = Halt.objects.get()
    assert answer.status_code == 201
    body = answer.json()
    assert body.pop("created_at")
    assert body == {
        "id": halt.pk,
        "scope": "bot",
        "bot_config": bot.pk,
        "bot_name": "Runner",
        "user": None,
        "reason": "Strange fills",
        "may_end": True,
        "ended_at": None,
    }
    assert alice_api.get(f"{LIST}{halt.pk}").json()["id"] == halt.pk
    refused = alice_api.post(f"/api/v1/bots/{bot.pk}/start")
    assert (refused.status_code, "This bot is halted" in refused.json()["detail"]) == (409, True)
    assert [alice_api.delete(f"{LIST}{halt.pk}").status_code for _time in range(2)] == [204, 204]
    halt.refresh_from_db()
    assert halt.ended_at is not None
    assert (ids(alice_api), ids(alice_api, "?open=true"), ids(alice_api, "?open=false")) == (
        [halt.pk],
        [],
        [halt.pk],
    )


def test_a_halt_without_a_bot_is_of_all_ones_own(alice_api, alice):
    assert set_halt(alice_api).json()["scope"] == "user"
    assert Halt.objects.get().user == alice


def test_operators_halt_everything_and_everybody(bob_api, alice, alice_api, charlie_api, make_bot):
    everything = set_halt(bob_api, scope="everything").json()
    of_alice = set_halt(bob_api, scope="user", user=alice.pk).json()
    bot = set_halt(bob_api, bot_config=make_bot().pk).json()
    assert [row["scope"] for row in (everything, of_alice, bot)] == ["everything", "user", "bot"]
    assert ids(bob_api) == [bot["id"], of_alice["id"], everything["id"]]
    assert ids(alice_api) == [bot["id"], of_alice["id"], everything["id"]]
    assert ids(charlie_api) == [everything["id"]]
    refused = alice_api.delete(f"{LIST}{of_alice['id']}")
    assert (refused.status_code, list(refused.json())) == (403, ["detail"])
    assert alice_api.get(f"{LIST}{of_alice['id']}").json()["may_end"] is False
    assert bob_api.delete(f"{LIST}{of_alice['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"scope": "everything"}, 403, ["detail"]),
        ({"reason": ""}, 400, ["reason"]),
        ({"reason": "x" * 201}, 400, ["reason"]),
        ({"bot_config": 99999999}, 400, ["bot_config"]),
        ({"scope": "bot"}, 400, ["bot_config"]),
        ({"scope": "user", "user": 99999999}, 400, ["user"]),
        ({"scope": "user", "bot_config": 1}, 400, ["bot_config"]),
        ({"scope": "all"}, 400, ["scope"]),
        ({"until": "tomorrow"}, 400, ["until"]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(alice_api, body, status, fields):
    answer = set_halt(alice_api, **body)
    assert (answer.status_code, list(answer.json())) == (status, fields)
    assert not Halt.objects.exists()


def test_a_stranger_neither_sets_nor_sees_nor_ends(alice_api, charlie_api, alice, anonymous_api, make_bot):
    bot = make_bot()
    halt = set_halt(alice_api, bot_config=bot.pk).json()
    for body in ({"bot_config": bot.pk}, {"scope": "user", "user": alice.pk}):
        assert set_halt(charlie_api, **body).status_code == 400
    theirs, nobodys = charlie_api.get(f"{LIST}{halt['id']}"), charlie_api.get(f"{LIST}99999999")
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert charlie_api.delete(f"{LIST}{halt['id']}").status_code == 404
    assert ids(charlie_api) == []
    assert Halt.objects.get().ended_at is None
    assert [anonymous_api.get(LIST).status_code, set_halt(anonymous_api).status_code] == [401, 401]


def test_a_list_costs_the_same_for_one_and_for_thirty(alice_api, alice, make_bot):
    def halt() -> None:
        Halt.objects.create(bot_config=make_bot(), reason="x", set_by=alice)

    halt()
    with CaptureQueriesContext(connection) as one:
        ids(alice_api)
    for _number in range(29):
        halt()
    with CaptureQueriesContext(connection) as thirty:
        assert len(ids(alice_api)) == 30
    assert len(thirty) == len(one)
