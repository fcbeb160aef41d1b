"""bot-configs/{id}/versions and rollback: what every saved change changed, and the way back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import BotConfig

pytestmark = pytest.mark.django_db
LIST = "/api/v1/bot-configs/"


@pytest.fixture
def bot(alice_api, paper_key, symbols) -> BotConfig:
    """Three versions: made, renamed, and given another size."""
    body = {"name": "First", "api_key": paper_key.pk, "symbol": "BTCUSDT", "initial_capital": "1000"}
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    for change in ({"version": 1, "name": "Second"}, {"version": 2, "position_size_perc": "50"}):
        assert alice_api.patch(f"{LIST}{pk}", change, format="json").status_code == 200
    return BotConfig.objects.get(pk=pk)


def test_every_version_says_what_it_changed(alice_api, bot):
    answer = alice_api.get(f"{LIST}{bot.pk}/versions").json()
    assert answer["count"] == 3
    assert [(row["version"], row["is_current"], row["changes"]) for row in answer["results"]] == [
        (3, True, [{"field": "position_size_perc", "before": None, "after": "50"}]),
        (2, False, [{"field": "name", "before": "First", "after": "Second"}]),
        (1, False, []),
    ]
    assert answer["results"][0]["author"] == "alice@example.com"
    page = alice_api.get(f"{LIST}{bot.pk}/versions?limit=1&offset=1").json()
    assert [row["version"] for row in page["results"]] == [2]


def test_going_back_makes_a_new_version(alice_api, bot):
    answer = alice_api.post(f"{LIST}{bot.pk}/rollback", {"to": 1, "version": 3}, format="json")
    body = answer.json()
    assert (answer.status_code, body["version"], body["name"], body["position_size_perc"]) == (
        200, 4, "First", None,
    )  # fmt: skip
    assert alice_api.get(f"{LIST}{bot.pk}/versions").json()["count"] == 4


def test_a_stale_or_impossible_way_back_is_refused(alice_api, bot):
    stale = alice_api.post(f"{LIST}{bot.pk}/rollback", {"to": 1, "version": 2}, format="json")
    assert (stale.status_code, stale.json()["version"]) == (409, 3)
    for body, field in (
        ({"to": 9}, "version"),
        ({}, "to"),
        ({"to": 1, "name": "x"}, "name"),
        ({"to": "x"}, "to"),
    ):
        answer = alice_api.post(f"{LIST}{bot.pk}/rollback", body, format="json")
        assert (answer.status_code, list(answer.json())) == (400, [field]), body
    bot.refresh_from_db()
    assert bot.version == 3


def test_a_stranger_finds_no_versions(charlie_api, bot):
    assert charlie_api.get(f"{LIST}{bot.pk}/versions").status_code == 404
    assert charlie_api.post(f"{LIST}{bot.pk}/rollback", {"to": 1}, format="json").status_code == 404


def test_versions_cost_the_same_for_three_and_for_many(alice_api, bot):
    with CaptureQueriesContext(connection) as three:
        alice_api.get(f"{LIST}{bot.pk}/versions")
    for number in range(3, 20):
        body = {"version": number, "name": f"Name {number}"}
        assert alice_api.patch(f"{LIST}{bot.pk}", body, format="json").status_code == 200
    with CaptureQueriesContext(connection) as many:
        assert alice_api.get(f"{LIST}{bot.pk}/versions").json()["count"] == 20
    assert len(many) == len(three)
