"""Lists that Redis remembers: until something of the user changes, for nobody else, and never needed."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import live
from bots.models import BotState

pytestmark = pytest.mark.django_db(transaction=True)
SUMMARY, LIST = "/api/v1/bots/summary", "/api/v1/bot-configs/"


def statuses(api, path) -> list[str]:
    body = api.get(path).json()
    return [row["status"] for row in body["bots" if path == SUMMARY else "results"]]


@pytest.mark.parametrize("path", [SUMMARY, LIST])
def test_an_answer_is_remembered_until_something_changes(alice_api, alice, make_bot, path):
    bot = make_bot()
    assert statuses(alice_api, path) == ["stopped"]
    BotState.objects.filter(pk=bot.pk).update(status="error")
    with CaptureQueriesContext(connection) as remembered:
        assert statuses(alice_api, path) == ["stopped"]
    # Only who asks is looked up.
    assert len(remembered) == 1
    live.publish(alice.pk, "dashboard")
    assert statuses(alice_api, path) == ["error"]


@pytest.mark.parametrize("path", [SUMMARY, LIST])
def test_what_one_does_oneself_shows_at_once(alice_api, charlie_api, paper_key, symbols, path):
    body = {"name": "New one", "api_key": paper_key.pk, "symbol": "BTCUSDT", "initial_capital": "1000"}
    assert statuses(alice_api, path) == []
    pk = alice_api.post(LIST, body, format="json").json()["id"]
    assert statuses(alice_api, path) == ["stopped"]
    assert statuses(charlie_api, path) == []
    change = {"version": 1, "name": "Another name"}
    assert alice_api.patch(f"{LIST}{pk}", change, format="json").status_code == 200
    rows = alice_api.get(path).json()
    assert [row["name"] for row in rows["bots" if path == SUMMARY else "results"]] == ["Another name"]
    assert alice_api.delete(f"{LIST}{pk}").status_code == 204
    assert statuses(alice_api, path) == []


def test_every_question_has_its_own_answer(alice_api, make_bot):
    make_bot(), make_bot(symbol="ETHUSDT")
    asked = [f"{LIST}?symbol=BTCUSDT", LIST, f"{LIST}?limit=1", f"{LIST}?symbol=BTCUSDT"]
    assert [len(statuses(alice_api, path)) for path in asked] == [1, 2, 1, 1]
    assert alice_api.get(f"{LIST}?bogus=1").status_code == 400


def test_a_transaction_sees_what_it_wrote(alice_api, make_bot):
    assert statuses(alice_api, SUMMARY) == []
    with transaction.atomic():
        make_bot()
        assert statuses(alice_api, SUMMARY) == ["stopped"]


@pytest.mark.parametrize("path", [SUMMARY, LIST])
def test_redis_is_not_needed(alice_api, make_bot, settings, path):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    bot = make_bot()
    assert statuses(alice_api, path) == ["stopped"]
    BotState.objects.filter(pk=bot.pk).update(status="error")
    assert statuses(alice_api, path) == ["error"]
