"""The markets live in a real browser: a price moves without a reload, a search leaves the rest alone, a symbol's chart
goes on, and away from the exchange the page says since when prices stand still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.test_first_trade import sign_up
from trading.market_book import forget_depth
from trading.markets import forget_board

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    forget_board()
    forget_depth()
    yield
    forget_board()
    forget_depth()


def price_of(page: Any, symbol: str) -> Any:
    return page.locator(f"[data-quote={symbol}] [data-price]")


def test_a_price_moves_without_a_reload(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_up(page, "dora@example.com")
    page.get_by_role("link", name="Markets").click()
    expect(page.locator("#price-pulse")).to_have_text("Live prices")
    page.evaluate("window.stayed = true")
    before = price_of(page, "BTCUSDT").inner_text()
    assert before != "–"
    sandbox.control.advance()
    expect(price_of(page, "BTCUSDT")).not_to_have_text(before)

    # A search swaps the rows; what comes later is laid into the new ones.
    page.fill("#id_q", "eth")
    expect(page.locator("[data-quote]")).to_have_count(1)
    expect(page.locator("#id_q")).to_be_focused()
    before = price_of(page, "ETHUSDT").inner_text()
    sandbox.control.advance()
    expect(price_of(page, "ETHUSDT")).not_to_have_text(before)
    assert page.evaluate("window.stayed") is True


def test_a_star_is_kept(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, "dora@example.com")
    page.goto("/markets/?sort=symbol")
    star = page.get_by_role("button", name="ETHUSDT as a favourite")
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(star).to_be_focused()
    page.reload()
    expect(page.locator("[data-quote]").first).to_have_attribute("data-quote", "ETHUSDT")
    page.get_by_text("Favourites").click()
    expect(page.locator("[data-quote]")).to_have_count(1)


def test_a_symbols_page_lives(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_up(page, "dora@example.com")
    page.goto("/markets/BTCUSDT/?interval=1m")
    chart, legend = page.locator("#market-chart"), page.locator("#chart-legend")
    expect(chart.locator("canvas").first).to_be_visible()
    expect(legend).to_contain_text("EMA 21")
    last = chart.get_attribute("data-last")
    sandbox.control.advance()
    expect(chart).not_to_have_attribute("data-last", str(last))

    page.get_by_text("RSI 14").click()
    expect(legend).to_contain_text("RSI 14")
    page.get_by_text("4h", exact=True).click()
    expect(page).to_have_url("/markets/BTCUSDT/?interval=4h")
    page.get_by_role("link", name="Create bot here").first.click()
    expect(page).to_have_url("/bots/new/?symbol=BTCUSDT")


def test_prices_that_stand_still_say_so_and_go_on(open_page: Any, sandbox: Any) -> None:
    """What the page makes of the server's words; when the server says so: tests/trading/test_market_stream.py."""
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_up(page, "dora@example.com")
    still = 'event: prices\ndata: {"at": 1763640000000, "still": true, "rows": {}}\n\n'
    page.route("**/markets/stream", lambda route: route.fulfill(content_type="text/event-stream", body=still))
    page.goto("/markets/")
    pulse, price = page.locator("#price-pulse"), price_of(page, "BTCUSDT")
    expect(pulse).to_have_text("Prices stand still since 12:00:00 UTC")
    assert price.inner_text() != "–"
    page.unroute("**/markets/stream")
    expect(pulse).to_have_text("Live prices")
