"""The pages of the markets: what is traded and what it costs, from a market that may be away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import FavouriteSymbol
from engine.market import last_closed_opening
from exchange import prices
from exchange.connect import forget_clients, market_data
from exchange.models import SymbolInfo
from trading.market_book import forget_depth
from trading.market_chart import series_of
from trading.markets import MARKET, VENUE, board_of, forget_board
from trading.studies import draw_overlay


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    forget_board()
    forget_depth()
    yield
    forget_board()
    forget_depth()


@pytest.fixture
def no_exchange(settings: Any) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()


def rows_of(html: str) -> list[str]:
    return re.findall(r'data-quote="(\w+)"', html)


def test_the_list_shows_every_symbol_with_its_day(alice_page: Any, sandbox: Any, symbols: None) -> None:
    (ticker,) = [row for row in market_data("sandbox").day_tickers() if row.symbol == "BTCUSDT"]
    answer = alice_page.get("/markets/?sort=symbol")
    shown = answer.content.decode()
    assert rows_of(shown) == ["BTCUSDT", "ETHUSDT"]
    assert f"{ticker.price_e8 / 1e8:,.2f}" in shown
    (row, _other) = answer.context["page"].object_list
    assert float(row.quote.change) == pytest.approx((ticker.price_e8 / ticker.open_e8 - 1) * 100)
    assert row.sparkline is not None
    assert "Live prices" in shown


@pytest.mark.parametrize(("yesterday", "colour"), [(1.5, "spark-down"), (0.5, "spark-up")])
def test_a_line_has_the_colour_of_the_change_beside_it(
    alice_page: Any, sandbox: Any, symbols: None, yesterday: float, colour: str
) -> None:
    """The line begins up to half an hour later than the 24 hours that the change is about."""
    told = market_data("sandbox").day_tickers()
    prices.publish(VENUE, MARKET, [replace(row, open_e8=int(row.price_e8 * yesterday)) for row in told])
    for address in ("/markets/", "/markets/BTCUSDT/sparkline/"):
        shown = alice_page.get(address).content.decode()
        assert set(re.findall(r"spark-(?:up|down)", shown)) == {colour}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=btc", ["BTCUSDT"]),
        ("?q=eth/usdt", ["ETHUSDT"]),
        ("?q=nothing", []),
        ("?sort=symbol", ["BTCUSDT", "ETHUSDT"]),
        ("?sort=-symbol", ["ETHUSDT", "BTCUSDT"]),
        ("?sort=-price", ["BTCUSDT", "ETHUSDT"]),
        ("?sort=price", ["ETHUSDT", "BTCUSDT"]),
    ],
)
def test_it_is_searched_and_sorted(
    alice_page: Any, sandbox: Any, symbols: None, query: str, expected: list[str]
) -> None:
    assert rows_of(alice_page.get(f"/markets/{query}").content.decode()) == expected


def test_an_order_that_is_none_is_the_usual_one(alice_page: Any, sandbox: Any, symbols: None) -> None:
    assert alice_page.get("/markets/?sort=password&page=x").context["list"].sort == "-volume"


def test_favourites_are_ones_own_and_stay_on_top(
    alice: Any, alice_page: Any, charlie_page: Any, sandbox: Any, symbols: None
) -> None:
    for _click in range(2):
        assert alice_page.post("/markets/ETHUSDT/favourite/", {"wanted": "1"}).url == "/markets/"
    assert [row.symbol for row in FavouriteSymbol.objects.for_user(alice)] == ["ETHUSDT"]
    assert rows_of(alice_page.get("/markets/?sort=symbol").content.decode()) == ["ETHUSDT", "BTCUSDT"]
    assert rows_of(alice_page.get("/markets/?favourites=1").content.decode()) == ["ETHUSDT"]
    assert rows_of(charlie_page.get("/markets/?favourites=1").content.decode()) == []
    charlie_page.post("/markets/ETHUSDT/favourite/", {"wanted": "0"})
    assert FavouriteSymbol.objects.for_user(alice).count() == 1
    alice_page.post("/markets/ETHUSDT/favourite/", {"wanted": "0"})
    assert FavouriteSymbol.objects.count() == 0


def test_as_many_queries_for_thirty_symbols_as_for_one(
    alice_page: Any, no_exchange: None, symbols: None
) -> None:
    SymbolInfo.objects.exclude(symbol="BTCUSDT").delete()
    few = queries(alice_page)
    for number in range(29):
        SymbolInfo.objects.create(
            venue="sandbox", market="spot", symbol=f"C{number}USDT", status="TRADING", base_asset=f"C{number}",
            quote_asset="USDT", info={}, fetched_at=timezone.now(),
        )  # fmt: skip
    assert queries(alice_page) == few


def queries(client: Any) -> int:
    from exchange.cache import cache

    cache().clear()
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/markets/").status_code == 200
    return len(seen)


def test_without_the_exchange_nothing_is_invented(alice_page: Any, no_exchange: None, symbols: None) -> None:
    shown = alice_page.get("/markets/?sort=symbol").content.decode()
    assert rows_of(shown) == ["BTCUSDT", "ETHUSDT"]
    assert "No prices yet: the exchange has not answered" in shown
    assert "0.00" not in shown


def test_without_exchange_and_symbols_the_page_says_so(alice_page: Any, no_exchange: None) -> None:
    assert "No markets to show" in alice_page.get("/markets/").content.decode()
    assert "its list of symbols is not known" in alice_page.get("/markets/").content.decode()
    assert "are not known yet" in alice_page.get("/markets/BTCUSDT/").content.decode()


def test_prices_that_stand_still_say_since_when(sandbox: Any, settings: Any) -> None:
    first = board_of(now=1_000_000.0)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    later = board_of(now=1_000_020.0)
    assert (later.quotes, later.learnt_at) == (first.quotes, 1_000_000.0)
    assert [later.stands_still(now) for now in (1_000_005.0, 1_000_020.0)] == [False, True]


def test_the_exchange_is_asked_at_most_every_few_seconds(sandbox: Any) -> None:
    """Whoever asks within three seconds is told the same; another process too, through Redis."""
    first = board_of(now=2_000_000.0)
    sandbox.control.advance()
    assert board_of(now=2_000_002.0) is first
    forget_board()
    assert board_of(now=2_000_002.0) == first
    assert board_of(now=2_000_004.0).quotes != first.quotes


def test_a_symbols_page_explains_its_rules_and_offers_a_bot(
    alice_page: Any, sandbox: Any, symbols: None, make_bot: Any
) -> None:
    make_bot(name="Mine here")
    make_bot(name="Mine elsewhere", symbol="ETHUSDT")
    shown = alice_page.get("/markets/BTCUSDT/").content.decode()
    for words in (
        "0.00001 BTC",
        "0.01 USDT",
        "5 USDT",
        "Stops at once",
        "Mine here",
        'href="/bots/new/?symbol=BTCUSDT"',
    ):
        assert words in shown
    assert "Mine elsewhere" not in shown
    form = alice_page.get("/bots/new/?symbol=ETHUSDT").context["form"]
    assert form["symbol"].value() == "ETHUSDT"
    # A preset chosen there keeps the symbol.
    assert "?symbol=ETHUSDT&amp;preset=calm" in alice_page.get("/bots/new/?symbol=ETHUSDT").content.decode()


def test_bots_on_a_symbols_page_are_ones_own(
    charlie_page: Any, sandbox: Any, symbols: None, make_bot: Any
) -> None:
    make_bot(name="Secret of Alice")
    assert "Secret of Alice" not in charlie_page.get("/markets/BTCUSDT/").content.decode()


@pytest.mark.parametrize(
    "address", ["", "chart.json", "book/", "sparkline/", "studies/bbands.json", "studies/eval.json"]
)
def test_a_symbol_that_is_not_listed_is_not_found(
    alice_page: Any, sandbox: Any, symbols: None, address: str
) -> None:
    assert alice_page.get(f"/markets/NOPEUSDT/{address}").status_code == 404
    if "eval" in address:
        assert alice_page.get(f"/markets/BTCUSDT/{address}").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/markets/", "/markets/BTCUSDT/", "/markets/BTCUSDT/chart.json", "/markets/BTCUSDT/book/",
     "/markets/BTCUSDT/sparkline/", "/markets/BTCUSDT/studies/bbands.json"],
)  # fmt: skip
def test_nobody_is_asked_to_sign_in(anonymous_page: Any, address: str) -> None:
    answer = anonymous_page.get(address)
    assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={address}")


def test_a_symbol_that_is_not_traded_says_so(alice_page: Any, no_exchange: None, symbols: None) -> None:
    row = SymbolInfo.objects.get(symbol="BTCUSDT")
    row.status, row.info = "BREAK", {**row.info, "status": "BREAK"}
    row.save()
    assert "the exchange says BREAK" in alice_page.get("/markets/BTCUSDT/").content.decode()
    assert rows_of(alice_page.get("/markets/").content.decode()) == ["ETHUSDT"]


def test_the_chart_has_candles_and_the_indicators_asked_for(
    alice_page: Any, sandbox: Any, symbols: None
) -> None:
    chart = alice_page.get("/markets/BTCUSDT/chart.json?interval=1h&studies=ema9,rsi14,eval").json()
    asked = market_data("sandbox").candles("BTCUSDT", "1h", start_ms=None, end_ms=None, limit=300)
    assert [row[0] * 1000 for row in chart["candles"]] == asked.open_ms.tolist()
    assert [row[4] for row in chart["candles"]] == (asked.close / 1e8).tolist()
    assert [line["name"] for line in chart["lines"]] == ["EMA 9", "RSI 14"]
    assert all(0 <= value <= 100 for _at, value in chart["lines"][1]["points"])
    part = alice_page.get(f"/markets/BTCUSDT/chart.json?interval=1h&since={chart['candles'][-2][0]}").json()
    assert part["candles"] == chart["candles"][-2:]


@pytest.mark.parametrize("query", ["interval=7m", "since=²", f"since={'9' * 5000}", "studies=" + "x," * 500])
def test_a_chart_asked_for_nonsense_is_the_usual_one(
    alice_page: Any, sandbox: Any, symbols: None, query: str
) -> None:
    chart = alice_page.get(f"/markets/BTCUSDT/chart.json?{query}").json()
    assert len(chart["candles"]) == 300
    assert chart["candles"][1][0] - chart["candles"][0][0] == 900


def test_an_overlay_is_drawn_by_a_worker_and_shared_by_all(
    alice_page: Any, charlie_page: Any, sandbox: Any, symbols: None
) -> None:
    where = "/markets/BTCUSDT/studies/bbands.json?interval=15m"
    assert alice_page.get(where).json() == {"lines": [], "is_pending": True}
    now_ms = int(timezone.now().timestamp() * 1000)
    assert draw_overlay(series_of("BTCUSDT", "15m"), "bbands", last_closed_opening(now_ms, "15m")) == 3
    for page in (alice_page, charlie_page):
        laid = page.get(where).json()
        assert [line["name"] for line in laid["lines"]] == ["BB+", "BB", "BB−"]
