"""The pages of optimisations: the form names what is wrong and counts its sets, the board says what was found, the list
costs the same however long it is, and nobody sees somebody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.backtests import ask, store_minutes
from trading.models import Backtest, Optimization
from trading.optimization_pages.board import Board, grouped, label_of
from trading.research.optimization_running import run_lane
from trading.research.optimizations import ranked, request_optimization

TYPED = {
    "axis": ["ema_fast", "ema_slow"], "ema_fast_from": "2", "ema_fast_to": "4", "ema_fast_step": "1",
    "ema_slow_from": "5", "ema_slow_to": "8", "ema_slow_step": "3", "method": "grid", "objective": "total_return",
    "sets": "200", "min_positions": "5", "holdout_perc": "25", "windows": "0", "name": "",
    "start_time": "2025-06-17T00:00", "end_time": "2025-06-19T00:00",
}  # fmt: skip
READS = ["/optimizations/{}/", "/optimizations/{}/sets/1/adopt/"]
DEEDS = ["/optimizations/{}/cancel/", "/optimizations/{}/delete/", "/optimizations/{}/sets/1/backtest/"]


@pytest.fixture(autouse=True)
def _candles(symbols: None, settings: Any, tmp_path: Any) -> None:
    store_minutes(settings, tmp_path)


@pytest.fixture
def base(alice: Any) -> Backtest:
    return ask(alice)


@pytest.fixture
def row(alice: Any, base: Backtest) -> Optimization:
    space = {"ema_fast": [2, 3], "ema_slow": [5, 8], "stop_loss_perc": ["0.5", "1"]}
    return request_optimization(
        alice, {"backtest": base.pk, "space": space, "min_positions": 5, "name": "Night run"}
    )


@pytest.fixture
def done(row: Optimization) -> Optimization:
    assert run_lane(row.pk) == "done"
    row.refresh_from_db()
    return row


def shown(client: Any, address: str, **data: Any) -> str:
    return client.get(address, data).content.decode()


def test_without_any_the_list_says_what_one_is(alice_page: Any) -> None:
    assert "No optimisations yet" in shown(alice_page, "/optimizations/")


def test_a_search_begins_with_a_backtest_or_a_bot(alice_page: Any, base: Backtest) -> None:
    assert f'href="?backtest={base.pk}"' in shown(alice_page, "/optimizations/new/")
    page = shown(alice_page, "/optimizations/new/", backtest=base.pk)
    assert re.search(r'value="ema_fast" id="axis-ema_fast" checked', page)
    assert 'name="ema_slow_step" value="5"' in page
    assert "sets will be tried, each also on the part that is held back." in page


def test_parameters_are_named_in_the_readers_language(
    alice_page: Any, base: Backtest, done: Optimization
) -> None:
    turkish = {"headers": {"Accept-Language": "tr"}}
    form = alice_page.get("/optimizations/new/", {"backtest": base.pk}, **turkish).content.decode()
    board = alice_page.get(f"/optimizations/{done.pk}/", **turkish).content.decode()
    for page in (form, board):
        assert "Hızlı EMA" in page
        assert "Fast EMA" not in page
    assert "Hızlı ortalamanın mum sayısı." in form


def test_a_bot_leads_to_a_search_around_it(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(strategy="rsi", strategy_params={"rsi_period": 9})
    address = f"/optimizations/new/?bot={bot.pk}"
    assert f'href="{address}"' in shown(alice_page, f"/bots/{bot.pk}/")
    form = alice_page.get(address).context["form"]
    assert (form.base.name, form.lines[0].name, form.lines[0].now) == (bot.name, "rsi_period", 9)


def test_what_is_asked_is_queued(alice_page: Any, base: Backtest) -> None:
    answer = alice_page.post(f"/optimizations/new/?backtest={base.pk}", TYPED)
    row = Optimization.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/optimizations/{row.pk}/")
    assert (row.sets, row.objective, row.min_positions) == (6, "total_return", 5)


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(alice_page: Any, base: Backtest) -> None:
    typed = {**TYPED, "ema_fast_step": "0", "holdout_perc": "90", "name": "Mine"}
    answer = alice_page.post(f"/optimizations/new/?backtest={base.pk}", typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "A step must be greater than zero." in page
    assert "This must be from 5 to 50." in page
    assert 'value="Mine"' in page
    nothing = alice_page.post(f"/optimizations/new/?backtest={base.pk}", {**TYPED, "axis": []})
    assert "Choose at least one parameter to search." in nothing.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("holdout_perc", "-1", "This must be from 5 to 50."),
        ("holdout_perc", "0.00001", "This must be from 5 to 50."),
        ("windows", "-1", "This must be from 0 to 12."),
        ("start_time", "", "Say from when to when."),
        ("end_time", "", "Say from when to when."),
        ("name", "\x00", "This must be one line of readable characters."),
    ],
)
def test_what_cannot_be_searched_is_told_once_at_its_field(
    alice_page: Any, base: Backtest, field: str, value: str, text: str
) -> None:
    answer = alice_page.post(f"/optimizations/new/?backtest={base.pk}", {**TYPED, field: value})
    form = answer.context["form"]
    assert (answer.status_code, form.errors) == (400, {field: [text]})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "6 sets will be tried, each also on the part that is held back."),
        ({"method": "tpe"}, "Of 6 possible sets as many are tried as you say below."),
        ({"axis": []}, "Tick at least one parameter to search."),
        ({"ema_fast_from": "0"}, "Fast EMA: Values must lie between 1 and 200."),
        ({"axis": ["stop_loss_perc", "take_profit_perc"], "stop_loss_perc_from": "0.1", "stop_loss_perc_to": "10",
          "stop_loss_perc_step": "0.1", "take_profit_perc_from": "0.1", "take_profit_perc_to": "10",
          "take_profit_perc_step": "0.1"}, "These are more sets than the 5000 that can be tried."),
    ],
)  # fmt: skip
def test_the_number_of_sets_is_said_while_typing(
    alice_page: Any, base: Backtest, changes: Any, text: str
) -> None:
    answer = alice_page.post(f"/optimizations/new/size/?backtest={base.pk}", {**TYPED, **changes})
    assert text in answer.content.decode()


def test_a_waiting_one_listens_for_progress_and_can_be_called_off(alice_page: Any, row: Optimization) -> None:
    page = shown(alice_page, f"/optimizations/{row.pk}/")
    assert f"live:optimization-{row.pk} from:body" in page
    assert "No set has been tried yet." in page
    answer = alice_page.post(f"/optimizations/{row.pk}/cancel/")
    assert (answer.status_code, Optimization.objects.get().status) == (302, "cancelled")
    assert f"live:optimization-{row.pk}" not in shown(alice_page, f"/optimizations/{row.pk}/")


def test_what_is_below_zero_has_a_real_minus(alice_page: Any, done: Optimization) -> None:
    page = shown(alice_page, f"/optimizations/{done.pk}/")
    lost = [trial for trial in ranked(done) if trial.score < 0]
    assert lost, "this search has no set that lost"
    assert f"−{abs(lost[0].score):.3f}" in page
    assert not re.search(r">-[0-9]", page)


def test_the_board_shows_both_sides_the_verdict_and_the_map(alice_page: Any, done: Optimization) -> None:
    page = shown(alice_page, f"/optimizations/{done.pk}/")
    order = [int(number) for number in re.findall(r'id="set-(\d+)"', page)]
    assert order == list(ranked(done).values_list("number", flat=True))
    assert "How far to trust it" in page
    best = ranked(done).first()
    assert f"{abs(best.score):.3f}" in page
    assert page.count('class="heat-') == 4
    other = shown(alice_page, f"/optimizations/{done.pk}/", across="stop_loss_perc", down="ema_fast")
    assert '<th scope="col">0.5</th>' in other


def test_a_map_shows_the_best_at_each_place(done: Optimization) -> None:
    heat = Board(done, {"across": "ema_slow", "down": "ema_fast"}).heat
    assert heat is not None
    for index, (label, cells) in enumerate(heat.rows):
        for head, cell in zip(heat.heads, cells, strict=True):
            here = [
                one
                for one in ranked(done)
                if (str(one.values["ema_slow"]), str(one.values["ema_fast"])) == (head, label)
            ]
            assert cell.score == max(one.score for one in here if one.score is not None), index
    cells = [cell for _label, cells in heat.rows for cell in cells]
    assert all((cell.colour >= 4) is (cell.score is not None and cell.score > 0) for cell in cells)
    assert Board(done, {"across": "colour", "down": "x", "page": "x"}).heat is not None


def test_many_values_are_put_together() -> None:
    groups = grouped(list(range(40)))
    assert (len(groups), label_of(groups[0]), label_of(groups[-1])) == (14, "0–2", "39")
    assert [value for group in groups for value in group] == list(range(40))


def test_a_set_becomes_a_backtest_or_fills_the_bot_form(alice_page: Any, done: Optimization) -> None:
    best = ranked(done).first()
    answer = alice_page.post(f"/optimizations/{done.pk}/sets/{best.number}/backtest/")
    made = Backtest.objects.order_by("-pk").first()
    assert (answer.status_code, answer.url) == (302, f"/backtests/{made.pk}/")
    assert made.strategy_params["ema_fast"] == best.values["ema_fast"]
    adopted = alice_page.get(f"/optimizations/{done.pk}/sets/{best.number}/adopt/")
    assert f"ema_fast={best.values['ema_fast']}" in adopted.url
    assert f"stop_loss_perc={best.values['stop_loss_perc']}" in adopted.url


@pytest.mark.parametrize("stranger", ["bob_page", "charlie_page", "anonymous_page"])
def test_somebody_elses_is_not_there(request: Any, done: Optimization, base: Backtest, stranger: str) -> None:
    client = request.getfixturevalue(stranger)
    answers = [client.get(address.format(done.pk)) for address in READS]
    answers += [client.post(address.format(done.pk)) for address in DEEDS]
    answers += [client.get(f"/optimizations/new/?backtest={base.pk}")]
    expected = 302 if stranger == "anonymous_page" else 404
    assert [answer.status_code for answer in answers] == [expected] * len(answers)
    if stranger != "anonymous_page":
        assert "Night run" not in shown(client, "/optimizations/")


def test_pages_ask_as_often_for_one_as_for_thirty(alice_page: Any, done: Optimization) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert alice_page.get(address).status_code == 200
        return len(seen)

    addresses = ["/optimizations/", f"/optimizations/{done.pk}/"]
    few = [queries(address) for address in addresses]
    columns = Optimization.objects.filter(pk=done.pk).values().get()
    Optimization.objects.bulk_create(Optimization(**{**columns, "id": None}) for _row in range(29))
    first = ranked(done).first()
    type(first).objects.bulk_create(
        type(first)(optimization=done, number=100 + index, values=first.values, status="done", score=0.1,
                    inside=first.inside, outside=first.outside)
        for index in range(30)
    )  # fmt: skip
    assert [queries(address) for address in addresses] == few
