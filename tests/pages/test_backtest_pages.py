"""The pages of backtests: the form names what is wrong and loses nothing, the report says what was found and why, the
list costs the same however long it is, and nobody sees somebody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.backtests import ask, run, store_minutes
from trading.backtest_pages.comparison import best_of
from trading.models import Backtest
from trading.models.research import ResearchStatus
from trading.research.backtests import cancel

TYPED = {
    "name": "", "symbol": "BTCUSDT", "timeframe": "1m", "source": "binance", "start_time": "2025-06-17",
    "end_time": "2025-06-18", "strategy": "ema", "shown_strategy": "ema", "ema_fast": "2", "ema_slow": "5",
    "rsi_period": "7", "rsi_oversold": "1", "rsi_overbought": "99", "initial_capital": "2000", "stop_loss_perc": "0.5",
}  # fmt: skip
OF_A_BACKTEST = [
    "/backtests/{}/", "/backtests/{}/progress/", "/backtests/{}/positions/", "/backtests/{}/chart.json",
    "/backtests/{}/curves.json", "/backtests/{}/adopt/", "/backtests/compare/?id={}",
]  # fmt: skip
DEEDS = ["/backtests/{}/cancel/", "/backtests/{}/again/", "/backtests/{}/delete/"]


@pytest.fixture(autouse=True)
def _candles(symbols: None, settings: Any, tmp_path: Any) -> None:
    store_minutes(settings, tmp_path)


@pytest.fixture
def done(alice: Any) -> Backtest:
    return run(ask(alice))


def shown(client: Any, address: str, **data: Any) -> str:
    return client.get(address, data).content.decode()


def test_without_backtests_the_list_says_what_one_is(alice_page: Any) -> None:
    page = shown(alice_page, "/backtests/")
    assert "No backtests yet" in page
    assert 'href="/backtests/new/"' in page


def test_the_form_begins_with_everything_that_is_known(alice_page: Any) -> None:
    page = shown(alice_page, "/backtests/new/")
    assert "are known from 2025-06-16 18:40 to 2025-06-20 06:00 UTC" in page
    assert re.search(r'name="start_time" value="2025-06-16"[^>]*min="2025-06-16" max="2025-06-20"', page)
    assert '<option value="BTCUSDT"></option>' in page


def test_what_is_asked_is_queued(alice: Any, alice_page: Any) -> None:
    answer = alice_page.post("/backtests/new/", TYPED)
    row = Backtest.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/backtests/{row.pk}/")
    assert (row.user, row.status, row.source, row.name) == (
        alice,
        "queued",
        "binance",
        "EMA crossing BTCUSDT 1m",
    )
    assert (row.settings["initial_capital"], row.settings["stop_loss_perc"]) == ("2000", "0.5")


def test_the_last_known_day_ends_where_its_candles_do(alice_page: Any) -> None:
    alice_page.post("/backtests/new/", {**TYPED, "start_time": "2025-06-16", "end_time": "2025-06-20"})
    row = Backtest.objects.get()
    assert (f"{row.start_at:%d %H:%M}", f"{row.end_at:%d %H:%M}") == ("16 18:40", "20 06:00")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("symbol", "NOPEUSDT", "this symbol cannot be checked"),
        ("symbol", "", "This field is required."),
        ("start_time", "", "This field is required."),
        ("start_time", "2025-01-01", "reach from 2025-06-16 18:40 to 2025-06-20 06:00 UTC"),
        ("end_time", "2025-06-16", "The end must come after the start."),
        ("ema_fast", "50", "smaller"),
        ("initial_capital", "-1", "0"),
        ("stop_loss_perc", "120", "90"),
        ("taker_fee_perc", "9", "from 0 to 5"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    alice_page: Any, field: str, value: str, message: str
) -> None:
    answer = alice_page.post("/backtests/new/", {**TYPED, "name": "Kept as typed", field: value})
    page = answer.content.decode()
    assert (answer.status_code, Backtest.objects.count()) == (400, 0)
    assert message in str(answer.context["form"].errors[field])
    assert 'value="Kept as typed"' in page
    assert f'value="{value}"' in page or not value


@pytest.mark.parametrize("symbol", ["\x00", "BTC\x00USDT", "<script>", "é" * 400])
def test_what_no_symbol_can_be_is_refused_wherever_it_is_typed(alice_page: Any, symbol: str) -> None:
    typed = {**TYPED, "symbol": symbol}
    assert alice_page.post("/backtests/new/", typed).status_code == 400
    for address in ("/backtests/validate/", "/backtests/new/from-form/"):
        answer = alice_page.post(address, typed)
        assert answer.status_code == 200
        assert "<script>x" not in answer.content.decode()
    for source in ("binance", "sandbox", "nonsense"):
        answer = alice_page.get("/backtests/days/", {"source": source, "symbol": symbol})
        assert answer.status_code == 200


def test_too_many_at_once_are_refused_with_the_reason(alice: Any, alice_page: Any) -> None:
    for _number in range(5):
        ask(alice)
    answer = alice_page.post("/backtests/new/", TYPED)
    assert answer.status_code == 400
    assert "still waiting or running" in answer.content.decode()


def test_while_somebody_types_it_says_what_will_be_tried(alice_page: Any) -> None:
    page = alice_page.post("/backtests/validate/", TYPED).content.decode()
    assert (
        "It is tried on 2,880 recorded candles of Binance, from 2025-06-17 00:00 to 2025-06-19 00:00 UTC."
        in page
    )
    wrong = alice_page.post(
        "/backtests/validate/", {**TYPED, "end_time": "", "touched": "end_time"}
    ).content.decode()
    assert "Not complete yet" in wrong
    assert Backtest.objects.count() == 0


def test_without_scripts_a_button_shows_the_fields_of_another_strategy(alice_page: Any) -> None:
    typed = {**TYPED, "strategy": "rsi", "show_parameters": "1", "end_time": "2025-06-19"}
    page = alice_page.post("/backtests/new/", typed).content.decode()
    assert 'name="rsi_period" value="14"' in page
    assert 'name="end_time" value="2025-06-19"' in page


def test_it_begins_as_a_bot_is_set(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing", timeframe="15m", strategy_params={"ema_fast": 5, "ema_slow": 34})
    page = shown(alice_page, "/backtests/new/", bot=bot.pk)
    assert 'name="ema_slow" value="34"' in page
    assert 'id="beginnings">' in page
    assert 'id="beginnings" open>' in shown(alice_page, "/backtests/new/")
    assert f'action="/backtests/new/?bot={bot.pk}"' in page
    answer = alice_page.post(f"/backtests/new/?bot={bot.pk}", {**TYPED, "name": "Of a bot"})
    assert answer.status_code == 302
    assert Backtest.objects.get().bot_config == bot
    assert f"/backtests/new/?bot={bot.pk}" in shown(alice_page, f"/bots/{bot.pk}/")


def test_somebody_elses_bot_fills_nothing_in(charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Secret", strategy_params={"ema_fast": 5, "ema_slow": 34})
    page = shown(charlie_page, "/backtests/new/", bot=bot.pk)
    assert ("Secret" in page, 'name="ema_slow" value="34"' in page) == (False, False)


def test_it_begins_with_what_stands_in_the_bot_form(alice_page: Any) -> None:
    typed = {
        "name": "Not saved",
        "symbol": "ETHUSDT",
        "timeframe": "4h",
        "strategy": "rsi",
        "rsi_period": "21",
    }
    page = alice_page.post("/backtests/new/from-form/", typed).content.decode()
    assert 'name="rsi_period" value="21"' in page
    assert 'value="ETHUSDT"' in page
    assert 'formaction="/backtests/new/from-form/"' in shown(alice_page, "/bots/new/")


def test_a_waiting_one_can_be_called_off(alice: Any, alice_page: Any) -> None:
    row = ask(alice)
    page = shown(alice_page, f"/backtests/{row.pk}/")
    assert "It waits for a free worker." in page
    assert f"live:backtest-{row.pk} from:body" in page
    assert alice_page.post(f"/backtests/{row.pk}/cancel/").url == f"/backtests/{row.pk}/"
    assert "It was cancelled." in shown(alice_page, f"/backtests/{row.pk}/")


def test_once_it_has_ended_the_page_comes_again_whole(alice: Any, alice_page: Any) -> None:
    row = ask(alice)
    address = f"/backtests/{row.pk}/progress/"
    assert "HX-Refresh" not in alice_page.get(address)
    cancel(row)
    assert alice_page.get(address)["HX-Refresh"] == "true"


def test_a_failed_one_says_why(alice: Any, alice_page: Any) -> None:
    row = ask(alice)
    Backtest.objects.filter(pk=row.pk).update(
        status=ResearchStatus.FAILED, finished_at=row.created_at, message="No candles <b>here</b>."
    )
    for address in ("/backtests/", f"/backtests/{row.pk}/"):
        assert "No candles &lt;b&gt;here&lt;/b&gt;." in shown(alice_page, address)


def test_the_report_says_what_was_found(alice_page: Any, done: Backtest) -> None:
    page = shown(alice_page, f"/backtests/{done.pk}/")
    found = done.statistics
    for words in (
        "Quick look", "How far to trust it", "Buy and hold", "Month by month", "2025-06", "How positions ended",
        "All statistics", "Binance, at their true dates", done.data_fingerprint[:16], done.code_version,
        f"{found['positions']} positions", f"/api/v1/backtests/{done.pk}/positions.csv",
        f"/api/v1/backtests/{done.pk}/everything", f"/backtests/{done.pk}/adopt/",
    ):  # fmt: skip
        assert words in page
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []


def test_every_file_of_the_report_is_there(alice_page: Any, charlie_page: Any, done: Backtest) -> None:
    links = re.findall(r'href="(/api/v1/backtests/[^"]+)"', shown(alice_page, f"/backtests/{done.pk}/"))
    kinds = {}
    for link in links:
        answer = alice_page.get(link, headers={"Accept": "text/html,*/*;q=0.8"})
        kinds[link.rstrip("/").rpartition("/")[2]] = (answer.status_code, answer["Content-Type"])
        assert charlie_page.get(link).status_code == 404
    csv = (200, "text/csv; charset=utf-8")
    files = dict.fromkeys(("positions.csv", "trades.csv", "daily.csv", "monthly.csv"), csv)
    assert kinds == {**files, "everything?format=json": (200, "application/json")}


def test_positions_come_in_pages_and_add_up(alice_page: Any, done: Backtest) -> None:
    count = done.statistics["positions"]
    assert count > 25
    rows = [
        position
        for number in range(1, -(-count // 25) + 1)
        for position in alice_page.get(f"/backtests/{done.pk}/positions/?page={number}").context["page"]
    ]
    assert [row["number"] for row in rows] == list(range(1, count + 1))
    assert f"{sum(row['pnl'] for row in rows):f}".rstrip("0") == done.statistics["total_pnl"].rstrip("0")


def test_the_chart_has_every_trade(alice_page: Any, done: Backtest) -> None:
    whole = alice_page.get(f"/backtests/{done.pk}/chart.json").json()
    assert (whole["interval"], len(whole["candles"])) == ("3m", 960)
    assert sum(trade["count"] for trade in whole["trades"]) == done.statistics["trades"]
    assert {trade["time"] for trade in whole["trades"]} <= {row[0] for row in whole["candles"]}
    start = whole["candles"][0][0]
    near = alice_page.get(f"/backtests/{done.pk}/chart.json?from={start}&to={start + 3600}").json()
    assert (near["interval"], near["is_finest"], len(near["candles"])) == ("1m", True, 60)


@pytest.mark.parametrize("query", ["?from=9999999999999999", "?from=x&to=-1", "?from=999999999999&to=1"])
def test_a_stretch_that_is_none_is_the_whole(alice_page: Any, done: Backtest, query: str) -> None:
    answer = alice_page.get(f"/backtests/{done.pk}/chart.json{query}").json()
    assert (answer["reaches_start"], answer["reaches_end"], len(answer["candles"])) == (True, True, 960)


def test_the_curves_end_where_the_statistics_do(alice_page: Any, done: Backtest) -> None:
    curves = alice_page.get(f"/backtests/{done.pk}/curves.json").json()
    assert curves["initial"] == 2000
    assert -min(value for _at, value in curves["drawdown"]) == pytest.approx(
        done.statistics["max_drawdown"] * 100, abs=0.2
    )
    assert curves["equity"][-1][0] == curves["hold"][-1][0] == int(done.end_at.timestamp())
    assert len(curves["equity"]) <= 1200


def test_two_are_compared(alice: Any, alice_page: Any, done: Backtest) -> None:
    other = run(ask(alice, name="Wider", stop_loss_perc="3"))
    waiting = ask(alice, name="Waiting")
    page = alice_page.get(f"/backtests/compare/?id={done.pk}&id={other.pk}&id={waiting.pk}&id={done.pk}")
    text = page.content.decode()
    assert [backtest.name for backtest in page.context["comparison"].backtests] == ["Quick look", "Wider"]
    (differing,) = [row for row in page.context["comparison"].settings if row.differs]
    assert (str(differing.label), [cell.text for cell in differing.cells]) == (
        "Stop loss",
        ["0.5\u00a0%", "3\u00a0%"],
    )
    assert "is not finished, so there is nothing to compare" in text
    assert "Nothing to compare yet" in shown(alice_page, "/backtests/compare/")
    assert "Nothing to compare yet" in shown(alice_page, "/backtests/compare/", id=done.pk)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("queued", "Half &amp; half is not finished, so there is nothing to compare."),
        ("failed", "Half &amp; half failed, so there is nothing to compare."),
        ("cancelled", "Half &amp; half was cancelled, so there is nothing to compare."),
    ],
)
def test_what_cannot_be_compared_is_called_what_it_is(
    alice: Any, alice_page: Any, done: Backtest, status: str, why: str
) -> None:
    other = ask(alice, name="Half & half")
    ended = done.finished_at if status != "queued" else None
    Backtest.objects.filter(pk=other.pk).update(status=status, finished_at=ended)
    text = alice_page.get(f"/backtests/compare/?id={done.pk}&id={other.pk}").content.decode()
    assert why in text
    assert text.count("so there is nothing to compare") == 1


def test_more_than_fit_side_by_side_are_named(alice: Any, alice_page: Any, done: Backtest) -> None:
    columns = Backtest.objects.filter(pk=done.pk).values().get()
    rows = Backtest.objects.bulk_create(Backtest(**{**columns, "id": None}) for _number in range(6))
    text = "Only the first 6 are shown"
    many = [done.pk, *(row.pk for row in rows)]
    assert text in shown(alice_page, "/backtests/compare/", id=many)
    assert text not in shown(alice_page, "/backtests/compare/", id=many[:6])


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        # Of two ratios below zero the larger is no better: it may be that of the deeper fall.
        ("calmar", [-3.3, -2.5], None),
        ("calmar", [-3.3, 0.4], 0.4),
        ("total_pnl", ["-2", "-10"], "-2"),
        ("fees", ["2", "10"], "2"),
        ("positions", [3, 5], None),
        ("total_pnl", ["5", "5"], None),
    ],
)
def test_only_what_is_better_is_marked(name: str, values: list[Any], best: Any) -> None:
    assert best_of(name, values) == best


def test_it_becomes_a_bot_by_the_bot_form(alice_page: Any, paper_key: Any, done: Backtest) -> None:
    answer = alice_page.get(f"/backtests/{done.pk}/adopt/")
    assert answer.url.startswith("/bots/new/?")
    page = alice_page.get(answer.url).content.decode()
    for given in (
        'name="name" value="Quick look"', 'name="ema_fast" value="2"', 'name="stop_loss_perc" value="0.5"',
        'name="initial_capital" value="2000"', '<option value="1m" selected>',
    ):  # fmt: skip
        assert given in page
    assert '<details class="card mb-3" id="presets">' in page
    fresh = alice_page.get("/bots/new/").content.decode()
    assert '<details class="card mb-3" id="presets" open>' in fresh


def test_futures_cannot_become_a_bot_yet(alice_page: Any, done: Backtest) -> None:
    Backtest.objects.filter(pk=done.pk).update(market="futures")
    answer = alice_page.get(f"/backtests/{done.pk}/adopt/", follow=True)
    assert answer.redirect_chain == [(f"/backtests/{done.pk}/", 302)]
    assert "Bots trade on the spot market so far" in answer.content.decode()


def test_the_report_leads_to_a_search_around_it(alice_page: Any, done: Backtest) -> None:
    address = f"/optimizations/new/?backtest={done.pk}"
    assert f'href="{address}"' in shown(alice_page, f"/backtests/{done.pk}/")
    assert alice_page.get(address).context["form"].base.name == done.name


def test_newer_data_is_another_backtest_or_a_reason(alice: Any, alice_page: Any, done: Backtest) -> None:
    newer = alice_page.post(f"/backtests/{done.pk}/again/")
    row = Backtest.objects.exclude(pk=done.pk).get()
    assert newer.url == f"/backtests/{row.pk}/"
    assert f"{row.end_at:%Y-%m-%d %H:%M}" == "2025-06-20 06:00"
    refused = alice_page.post(f"/backtests/{row.pk}/again/", follow=True)
    assert "There are no newer candles" in refused.content.decode()


def test_it_can_be_changed_and_run_again(alice_page: Any, done: Backtest) -> None:
    page = shown(alice_page, "/backtests/new/", backtest=done.pk)
    for given in (
        'name="name" value="Quick look"', 'name="ema_fast" value="2"', 'name="start_time" value="2025-06-17"',
        'name="end_time" value="2025-06-18"', 'name="taker_fee_perc" value="0.1"',
    ):  # fmt: skip
        assert given in page


def test_it_can_be_deleted(alice_page: Any, done: Backtest) -> None:
    assert alice_page.post(f"/backtests/{done.pk}/delete/").url == "/backtests/"
    assert Backtest.objects.count() == 0


@pytest.mark.parametrize("stranger", ["bob_page", "charlie_page"])
def test_somebody_elses_is_not_there(request: Any, stranger: str, done: Backtest) -> None:
    client = request.getfixturevalue(stranger)
    before = Backtest.objects.values().get(pk=done.pk)
    assert {client.get(address.format(done.pk)).status_code for address in OF_A_BACKTEST} == {404}
    assert {client.post(address.format(done.pk)).status_code for address in DEEDS} == {404}
    assert "Quick look" not in shown(client, "/backtests/")
    assert 'value="Quick look"' not in shown(client, "/backtests/new/", backtest=done.pk)
    assert Backtest.objects.values().get(pk=done.pk) == before


def test_nobody_is_asked_to_sign_in(anonymous_page: Any, done: Backtest) -> None:
    for address in ("/backtests/", "/backtests/new/", *OF_A_BACKTEST):
        assert anonymous_page.get(address.format(done.pk)).status_code == 302


def test_a_long_list_costs_no_more_queries(alice: Any, alice_page: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            alice_page.get("/backtests/")
        return len(caught)

    row = ask(alice)
    cancel(row)
    one = queries()
    Backtest.objects.bulk_create(
        Backtest(
            **{
                field.attname: getattr(row, field.attname)
                for field in Backtest._meta.fields
                if field.name != "id"
            }
        )
        for _number in range(29)
    )
    assert (queries(), Backtest.objects.count()) == (one, 30)


def test_the_list_is_narrowed(alice: Any, alice_page: Any, done: Backtest) -> None:
    ask(alice, name="Other")
    for query, names in (
        ("?status=done", ["Quick look"]),
        ("?q=oth", ["Other"]),
        ("?symbol=NONE", ["Other", "Quick look"]),
    ):
        assert [row.name for row in alice_page.get(f"/backtests/{query}").context["page"]] == names
