"""Pages of backtests of futures: the form asks what the market asks, the report says side, leverage, funding and
liquidations, and nobody sees somebody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.backtests import ask, ask_of_futures, run, store_futures, store_minutes
from tests.pages.test_backtest_pages import DEEDS, OF_A_BACKTEST, TYPED, shown
from trading.models import Backtest

OF_FUTURES = {
    **TYPED, "position_type": "futures", "direction": "both", "leverage": "5", "stop_loss_perc": "1",
    "start_time": "2025-05-10", "end_time": "2025-05-11",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _candles(symbols: None, settings: Any, tmp_path: Any) -> None:
    store_minutes(settings, tmp_path)
    store_futures(settings, tmp_path)


@pytest.fixture
def done(alice: Any) -> Backtest:
    return run(ask_of_futures(alice, name="Both ways"))


def test_the_form_asks_nothing_of_futures_on_spot(alice_page: Any) -> None:
    page = shown(alice_page, "/backtests/new/")
    assert 'data-market="spot"' in page
    assert 'data-empty-futures="0.05"' in page
    assert re.search(r'name="taker_fee_perc"[^>]*placeholder="0.1"', page)
    spot = alice_page.post("/backtests/validate/", TYPED).content.decode()
    of_futures = alice_page.post("/backtests/validate/", OF_FUTURES).content.decode()
    review = "<dt>Leverage</dt>"
    assert (review in spot, review in of_futures) == (False, True)
    assert ("<dt>Candles of</dt>" in spot, "<dt>Candles of</dt>" in of_futures) == (True, False)


def test_days_and_symbols_are_those_of_the_market(alice_page: Any) -> None:
    asked = {"source": "sandbox", "symbol": "btcusdt", "position_type": "futures"}
    page = shown(alice_page, "/backtests/days/", **asked)
    assert "are known from 2025-05-04 15:33 to 2025-06-03 15:32 UTC" in page
    assert re.findall(r'<option value="(\w+)"', page) == ["BTCUSDT"]
    spot = shown(alice_page, "/backtests/days/", source="binance", symbol="BTCUSDT")
    assert "are known from 2025-06-16 18:40" in spot
    assert "ETHUSDT" in spot
    for odd in ("", "x" * 300, "\x00", "spot2"):
        assert alice_page.get("/backtests/days/", {**asked, "position_type": odd}).status_code == 200


def test_what_will_be_tried_is_said_in_words_of_futures(alice_page: Any) -> None:
    page = alice_page.post("/backtests/validate/", OF_FUTURES).content.decode()
    for words in (
        "It goes long and short: where the strategy sells it also goes short, until it buys again.",
        "With leverage 5 such a position is worth about 9,925.56 USDT.",
        "If the price moves 1 % against it, it closes: a loss of about 109.18 USDT with fees.",
    ):
        assert words in page
    short = alice_page.post("/backtests/validate/", {**OF_FUTURES, "direction": "short"}).content.decode()
    assert "It goes short only" in short


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("stop_loss_perc", "", "Futures need a stop loss."),
        ("leverage", "126", "The leverage must be from 1 to 125."),
        ("source", "sandbox", "The paper market does not trade futures."),
        ("position_type", "spot", "Choose futures to go short."),
        ("symbol", "SOLUSDT", "There are no candles of SOLUSDT"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(alice_page: Any, field: str, value: str, message: str) -> None:
    answer = alice_page.post("/backtests/new/", {**OF_FUTURES, field: value})
    assert (answer.status_code, Backtest.objects.count()) == (400, 0)
    assert message in answer.content.decode()


def test_what_is_asked_is_queued_and_can_be_changed(alice_page: Any) -> None:
    assert alice_page.post("/backtests/new/", OF_FUTURES).status_code == 302
    row = Backtest.objects.get()
    assert (row.market, row.settings["direction"], row.settings["leverage"]) == ("futures", "both", 5)
    page = shown(alice_page, "/backtests/new/", backtest=row.pk)
    for given in ('data-market="futures"', '<option value="both" selected>', 'name="leverage" value="5"'):
        assert given in page
    assert "Futures, Both, 5×" in shown(alice_page, "/backtests/")


def test_the_report_says_side_leverage_funding_and_liquidations(alice_page: Any, done: Backtest) -> None:
    page = shown(alice_page, f"/backtests/{done.pk}/")
    for words in (
        "Futures, Both, 5×", "Liquidations", "Funding settlements", ">2026-03-31<",
        ">2024-10<", "Long</td>", "Short</td>",
    ):  # fmt: skip
        assert words in page
    assert "Room of a stop" not in page
    chart = alice_page.get(f"/backtests/{done.pk}/chart.json").json()
    assert sum(trade["count"] for trade in chart["trades"]) == done.statistics["trades"]


def test_spot_and_futures_side_by_side(alice: Any, alice_page: Any, done: Backtest) -> None:
    spot = run(ask(alice))
    page = alice_page.get(f"/backtests/compare/?id={done.pk}&id={spot.pk}")
    rows = {
        str(row.label): [str(cell.text) for cell in row.cells] for row in page.context["comparison"].settings
    }
    assert (rows["Market"], rows["Leverage"], rows["Direction"]) == (
        ["USD-M futures", "Spot"],
        ["5\u00a0×", "–"],
        ["Both", "–"],
    )
    figures = [str(row.label) for row in page.context["comparison"].figures]
    assert {"Funding paid", "Liquidations"} <= set(figures)
    other = run(ask(alice, stop_loss_perc="2"))
    page = alice_page.get(f"/backtests/compare/?id={other.pk}&id={spot.pk}")
    assert "Funding paid" not in [str(row.label) for row in page.context["comparison"].figures]


def test_it_cannot_become_a_bot_yet_and_says_so(alice_page: Any, done: Backtest) -> None:
    answer = alice_page.get(f"/backtests/{done.pk}/adopt/", follow=True)
    assert answer.redirect_chain == [(f"/backtests/{done.pk}/", 302)]
    assert "Bots trade on the spot market so far, long and without leverage" in answer.content.decode()


@pytest.mark.parametrize("stranger", ["bob_page", "charlie_page"])
def test_somebody_elses_is_not_there(request: Any, stranger: str, done: Backtest) -> None:
    client = request.getfixturevalue(stranger)
    before = Backtest.objects.values().get(pk=done.pk)
    assert {client.get(address.format(done.pk)).status_code for address in OF_A_BACKTEST} == {404}
    assert {client.post(address.format(done.pk)).status_code for address in DEEDS} == {404}
    assert Backtest.objects.values().get(pk=done.pk) == before
    assert "Both ways" not in shown(client, "/backtests/")
    assert 'data-market="spot"' in shown(client, "/backtests/new/", backtest=done.pk)
