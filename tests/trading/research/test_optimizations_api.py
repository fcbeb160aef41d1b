"""optimizations/: asked for with 202, watched, its sets as JSON and CSV; one's own only."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from trading.models import Backtest, Optimization
from trading.research.optimization_running import run_lane
from trading.research.optimizations import ranked, request_optimization

pytestmark = pytest.mark.django_db
LIST = "/api/v1/optimizations/"
SPACE = {"ema_fast": [2, 3], "stop_loss_perc": ["0.5", "1"]}


@pytest.fixture
def done(alice: Any, minutes: Any, asked: Any) -> Optimization:
    row = request_optimization(alice, asked(space=SPACE, min_positions=5))
    assert run_lane(row.pk) == "done"
    row.refresh_from_db()
    return row


def test_one_is_asked_for(alice_api: Any, minutes: Any, asked: Any) -> None:
    answer = alice_api.post(LIST, asked(space=SPACE, method="random", sets=3), format="json")
    body = answer.json()
    assert answer.status_code == 202
    assert (body["status"], body["progress"], body["sets"], body["tried"]) == ("queued", 0, 3, 0)
    assert body["space"][1] == {"name": "stop_loss_perc", "of": "settings", "values": ["0.5", "1"]}
    assert alice_api.get(answer["Location"]).json() == body
    named = alice_api.patch(answer["Location"], {"name": "Night run"}, format="json")
    assert named.json()["name"] == "Night run"
    assert alice_api.post(f"{LIST}{body['id']}/cancel/").json()["status"] == "cancelled"
    assert alice_api.delete(answer["Location"]).status_code == 204


def test_what_is_wrong_is_named(alice_api: Any, minutes: Any, asked: Any) -> None:
    answer = alice_api.post(LIST, asked(space={"ema_fast": {"step": 0}}), format="json")
    assert (answer.status_code, answer.json()) == (400, {"ema_fast": ["A step must be greater than zero."]})
    for body in ([], "x", None, {"space": "x"}, {"space": [1]}):
        assert alice_api.post(LIST, body, format="json").status_code == 400
    assert Optimization.objects.count() == 0


def test_the_sets_best_first(alice_api: Any, done: Optimization) -> None:
    body = alice_api.get(f"{LIST}{done.pk}/trials/?limit=3").json()
    best = ranked(done).first()
    assert (body["count"], len(body["results"])) == (4, 3)
    assert body["results"][0] == {
        "number": best.number, "values": best.values, "score": best.score, "inside": best.inside,
        "outside": best.outside, "parts_ways": best.parts_ways,
    }  # fmt: skip
    answer = alice_api.get(f"{LIST}{done.pk}/trials.csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert len(table) == 4
    assert (table[0]["number"], table[0]["ema_fast"]) == (str(best.number), str(best.values["ema_fast"]))
    assert float(table[0]["outside_total_return"]) == best.outside["total_return"]


def test_a_set_becomes_a_backtest_or_a_bot(alice_api: Any, done: Optimization) -> None:
    best = ranked(done).first()
    answer = alice_api.post(f"{LIST}{done.pk}/trials/{best.number}/backtest/")
    assert answer.status_code == 202
    assert Backtest.objects.get().settings["stop_loss_perc"] == best.values["stop_loss_perc"]
    values = alice_api.get(f"{LIST}{done.pk}/trials/{best.number}/bot-values/").json()
    assert values["strategy_params"]["ema_fast"] == best.values["ema_fast"]
    assert alice_api.post(f"{LIST}{done.pk}/trials/99/backtest/").status_code == 404


def test_a_stranger_sees_nothing(charlie_api: Any, anonymous_api: Any, done: Optimization) -> None:
    assert charlie_api.get(LIST).json()["count"] == 0
    gets = ["", "trials/", "trials.csv", "trials/1/bot-values/"]
    posts = ["cancel/", "trials/1/backtest/"]
    assert [charlie_api.get(f"{LIST}{done.pk}/{path}").status_code for path in gets] == [404] * len(gets)
    assert [charlie_api.post(f"{LIST}{done.pk}/{path}").status_code for path in posts] == [404] * len(posts)
    assert charlie_api.delete(f"{LIST}{done.pk}/").status_code == 404
    assert anonymous_api.get(LIST).status_code == 401


def test_a_list_asks_as_often_for_one_as_for_thirty(alice_api: Any, alice: Any, done: Optimization) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert alice_api.get(f"{LIST}?limit=50&status=done").status_code == 200
        return len(seen)

    one = queries()
    columns = Optimization.objects.filter(pk=done.pk).values().get()
    Optimization.objects.bulk_create(Optimization(**{**columns, "id": None}) for _row in range(29))
    assert (queries(), alice_api.get(LIST).json()["count"]) == (one, 30)


@pytest.mark.parametrize("name", ["bot", "bot_config"])
def test_the_list_is_narrowed_to_a_bot(alice_api: Any, done: Optimization, name: str) -> None:
    answer = alice_api.get(f"/api/v1/optimizations/?{name}=7")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
