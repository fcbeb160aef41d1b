"""backtests/: asked for with 202, watched, read as JSON and CSV; one's own only, and every filter by name."""

from __future__ import annotations

import csv
import datetime
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from trading.models import Backtest
from trading.research.backtests import MOST_UNFINISHED, folded_of, request_backtest
from trading.research.running import run_backtest

pytestmark = pytest.mark.django_db
LIST = "/api/v1/backtests/"


@pytest.fixture
def row(alice: Any, minutes: Any, asked: Any) -> Backtest:
    return request_backtest(alice, asked(stop_loss_perc="0.5", name="Quick look"))


@pytest.fixture
def done(row: Backtest) -> Backtest:
    run_backtest(row.pk)
    row.refresh_from_db()
    return row


def test_a_backtest_is_asked_for(alice_api: Any, minutes: Any, asked: Any) -> None:
    for path in (LIST, "/api/v1/backtest/run"):
        answer = alice_api.post(path, asked(), format="json")
        row = Backtest.objects.get(pk=answer.json()["id"])
        assert answer.status_code == 202
        assert answer["Location"] == f"http://testserver{LIST}{row.pk}/".rstrip("/") or answer[
            "Location"
        ].endswith(f"{LIST}{row.pk}")
        body = answer.json()
        assert (body["status"], body["progress"], body["start_time"], body["end_time"]) == (
            "queued", 0, "2025-06-17T00:00:00Z", "2025-06-19T00:00:00Z",
        )  # fmt: skip
        assert alice_api.get(answer["Location"]).json() == body


def test_what_is_wrong_is_named(alice_api: Any, minutes: Any, asked: Any) -> None:
    body = asked(symbol=None, **{"from": "never"}, start_time=None)
    answer = alice_api.post(LIST, body, format="json")
    assert answer.status_code == 400
    assert answer.json() == {
        "symbol": ["Choose a symbol."],
        "from": ["Give a day (2025-06-30) or an instant (2025-06-30T12:00Z)."],
    }
    for body in ([], "x", None):
        assert alice_api.post(LIST, body, format="json").status_code == 400
    assert Backtest.objects.count() == 0


def test_one_more_than_may_wait_is_a_409(alice_api: Any, bob_api: Any, minutes: Any, asked: Any) -> None:
    codes = [alice_api.post(LIST, asked(), format="json").status_code for _ in range(MOST_UNFINISHED + 1)]
    assert codes == [202] * MOST_UNFINISHED + [409]
    assert bob_api.post(LIST, asked(), format="json").status_code == 202


def test_a_finished_one_is_told_in_plain_numbers(alice_api: Any, done: Backtest) -> None:
    body = alice_api.get(f"{LIST}{done.pk}").json()
    assert (body["name"], body["status"], body["progress"]) == ("Quick look", "done", 100)
    assert body["statistics"] == done.statistics
    assert body["figures"]["total_pnl"] == done.statistics["total_pnl"]
    assert (body["candles"]["minutes"], body["verdict"]) == (2880, "unfit")
    assert alice_api.get(LIST).json()["results"][0]["verdict"] == "unfit"
    assert (body["settings"]["stop_loss_perc"], body["settings"]["taker_fee_perc"]) == ("0.5", "0.1")
    assert alice_api.get(f"/api/v1/backtest/detail/{done.pk}").json() == body


def test_tables_are_files(alice_api: Any, done: Backtest) -> None:
    folded = folded_of(done)
    assert folded is not None
    rows = {}
    for table in ("daily", "monthly", "positions", "trades"):
        answer = alice_api.get(f"{LIST}{done.pk}/{table}.csv")
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert answer["Content-Disposition"] == f'attachment; filename="backtest-{done.pk}-{table}.csv"'
        rows[table] = list(csv.DictReader(io.StringIO(answer.content.decode())))
    total = Decimal(done.statistics["total_pnl"])
    assert [day["date"] for day in rows["daily"]] == ["2025-06-17", "2025-06-18"]
    assert [month["month"] for month in rows["monthly"]] == ["2025-06"]
    for table, column in (
        ("daily", "pnl"),
        ("monthly", "pnl"),
        ("positions", "pnl"),
        ("trades", "realized_pnl"),
    ):
        assert sum(Decimal(line[column] or 0) for line in rows[table]) == total
    assert (len(rows["positions"]), len(rows["trades"])) == (len(folded.positions), len(folded.trades))
    first, second = rows["trades"][:2]
    assert (first["side"], first["reason"], first["position"], first["commission_asset"]) == (
        "BUY",
        "entry",
        "1",
        "BTC",
    )
    assert (second["side"], second["position"], second["commission_asset"]) == ("SELL", "1", "USDT")
    assert rows["positions"][0]["exit_reason"] == second["reason"]
    assert first["realized_pnl"] == ""
    assert second["realized_pnl"] == rows["positions"][0]["pnl"]


def test_everything_is_one_document(alice_api: Any, done: Backtest) -> None:
    body = alice_api.get(f"{LIST}{done.pk}/everything").json()
    assert body["backtest"] == alice_api.get(f"{LIST}{done.pk}").json()
    assert len(body["positions"]) == done.statistics["positions"]
    assert len(body["trades"]) == done.statistics["trades"]
    assert "equity" not in body
    curve = alice_api.get(f"{LIST}{done.pk}/everything?equity=bars").json()["equity"]
    assert [len(column) for column in curve.values()] == [2880, 2880]
    assert curve["at_ms"][-1] == 1_750_291_200_000
    refused = alice_api.get(f"{LIST}{done.pk}/everything?equity=all")
    assert (refused.status_code, list(refused.json())) == (400, ["equity"])


def test_without_results_there_are_no_tables(alice_api: Any, row: Backtest) -> None:
    for path in ("everything", "daily.csv", "trades.csv"):
        answer = alice_api.get(f"{LIST}{row.pk}/{path}")
        assert (answer.status_code, answer.json()) == (
            409,
            {"detail": "This backtest has no results (queued)."},
        )


def test_a_backtest_is_called_off_renamed_and_deleted(alice_api: Any, row: Backtest) -> None:
    answer = alice_api.post(f"{LIST}{row.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert alice_api.post(f"{LIST}{row.pk}/cancel").json()["status"] == "cancelled"
    for verb in (alice_api.patch, alice_api.put):
        assert verb(f"{LIST}{row.pk}", {"name": "Renamed"}, format="json").json()["name"] == "Renamed"
    refused = alice_api.patch(f"{LIST}{row.pk}", {"name": "", "symbol": "ETHUSDT"}, format="json")
    assert (refused.status_code, set(refused.json())) == (400, {"name", "symbol"})
    assert alice_api.delete(f"{LIST}{row.pk}").status_code == 204
    assert alice_api.get(f"{LIST}{row.pk}").status_code == 404


def test_a_backtest_becomes_a_bot(alice_api: Any, row: Backtest, paper_key: Any, make_bot: Any) -> None:
    make_bot(name="Quick look")
    values = alice_api.get(f"{LIST}{row.pk}/bot-values").json()
    assert values["name"] == "Quick look 2"
    answer = alice_api.post("/api/v1/bot-configs/", {**values, "api_key": paper_key.pk}, format="json")
    assert (answer.status_code, answer.json()["stop_loss_perc"]) == (201, "0.5")
    assert answer.json()["strategy_params"] == row.strategy_params


def test_again_ends_with_the_newest_candles(alice_api: Any, alice: Any, minutes: Any, asked: Any) -> None:
    row = request_backtest(alice, asked(stop_loss_perc="0.5"))
    answer = alice_api.post(f"{LIST}{row.pk}/again")
    assert answer.status_code == 202
    body = answer.json()
    assert (body["start_time"], body["end_time"]) == ("2025-06-18T06:00:00Z", "2025-06-20T06:00:00Z")
    assert (body["settings"], body["strategy_params"]) == (row.settings, row.strategy_params)
    newest = alice_api.post(f"{LIST}{body['id']}/again")
    assert (newest.status_code, newest.json()["detail"]) == (
        409, "There are no newer candles than this backtest has seen.",
    )  # fmt: skip


def test_again_without_its_deleted_bot(
    alice_api: Any, minutes: Any, alice: Any, asked: Any, make_bot: Any
) -> None:
    bot = make_bot()
    row = request_backtest(alice, asked(bot_config=bot.pk, source="binance"))
    bot.archived_at, bot.api_key = timezone.now(), None
    bot.save()
    body = alice_api.post(f"{LIST}{row.pk}/again").json()
    assert (body["bot_config"], body["settings"]) == (None, row.settings)


def test_the_list_is_narrowed(alice_api: Any, alice: Any, minutes: Any, asked: Any, make_bot: Any) -> None:
    bot = make_bot()
    first = request_backtest(alice, asked(name="One"))
    second = request_backtest(alice, asked(timeframe="5m", bot_config=bot.pk, name="Two", source="binance"))
    third = request_backtest(alice, asked(strategy="rsi", strategy_params={}, name="Three"))
    days = {"One": 1, "Two": 2, "Three": 3}
    for name, day in days.items():
        at = datetime.datetime(2026, 3, day, 12, tzinfo=datetime.UTC)
        Backtest.objects.filter(name=name).update(created_at=at)
    Backtest.objects.filter(pk=first.pk).update(status="done", finished_at=timezone.now())
    for query, found in {
        "": [third, second, first],
        "status=done": [first],
        "status=queued": [third, second],
        "symbol=btcusdt": [third, second, first],
        "symbol=ETHUSDT": [],
        "timeframe=5m": [second],
        "strategy=rsi": [third],
        "source=binance": [third, second, first],
        "source=sandbox": [],
        "market=spot": [third, second, first],
        "name=t": [third, second],
        f"bot={bot.pk}": [second],
        f"bot_config={bot.pk}": [second],
        "from=2026-03-02": [third, second],
        "to=2026-03-02": [second, first],
        "limit=1&offset=1": [second],
    }.items():
        for path in (LIST, "/api/v1/backtest/list"):
            rows = alice_api.get(f"{path}?{query}").json()["results"]
            assert [entry["id"] for entry in rows] == [one.pk for one in found], query


@pytest.mark.parametrize(
    "query", ["status=over", "source=kraken", "timeframe=7m", "bot=x", "from=yesterday", "bogus=1", "limit=x"]
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_named(alice_api: Any, query: str) -> None:
    answer = alice_api.get(f"{LIST}?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [query.split("=")[0]])


@pytest.mark.parametrize("who", ["charlie_api", "bob_api"])
def test_somebody_elses_does_not_exist(request: Any, who: str, done: Backtest) -> None:
    api = request.getfixturevalue(who)
    assert api.get(LIST).json()["count"] == 0
    for verb, path in (
        ("get", ""), ("patch", ""), ("put", ""), ("delete", ""), ("post", "/cancel"), ("post", "/again"),
        ("get", "/bot-values"), ("get", "/everything"), ("get", "/daily.csv"), ("get", "/trades.csv"),
    ):  # fmt: skip
        theirs, nobodys = (getattr(api, verb)(f"{LIST}{pk}{path}") for pk in (done.pk, 999_999_999))
        assert (theirs.status_code, theirs.content) == (404, nobodys.content), path
        assert theirs.json() == {"detail": "Not found."}
    for verb in ("get", "delete"):
        assert getattr(api, verb)(f"/api/v1/backtest/detail/{done.pk}").status_code == 404
    assert Backtest.objects.get().name == "Quick look"


def test_nobody_signed_in_sees_none(anonymous_api: Any, done: Backtest) -> None:
    for path in ("", f"{done.pk}", f"{done.pk}/trades.csv", f"{done.pk}/everything"):
        assert anonymous_api.get(f"{LIST}{path}").status_code == 401


def test_a_list_costs_the_same_for_one_and_for_thirty(alice_api: Any, alice: Any, done: Backtest) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert alice_api.get(LIST).status_code == 200
        assert not any('"results"' in query["sql"] for query in queries)
        return len(queries)

    one = cost()
    for _ in range(29):
        done.pk = None
        done.save(force_insert=True)
    assert alice_api.get(LIST).json()["count"] == 30
    assert cost() == one


def test_every_address_is_served_with_and_without_slash(alice_api: Any, done: Backtest) -> None:
    paths = ("", "/bot-values", "/everything", "/daily.csv", "/monthly.csv", "/positions.csv", "/trades.csv")
    own = [f"{LIST}{done.pk}{path}" for path in paths]
    for path in (LIST.rstrip("/"), "/api/v1/backtest/list", f"/api/v1/backtest/detail/{done.pk}", *own):
        assert [alice_api.get(spelling).status_code for spelling in (path, f"{path}/")] == [200, 200], path
