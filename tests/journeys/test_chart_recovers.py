"""The chart while the exchange is away and after: it neither breaks nor steps back, and goes on by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.test_first_trade import make_first_look, sign_up

pytestmark = pytest.mark.browser
NEWS = "**/chart.json?since=*"


def without_the_running_candle(route: Any) -> None:
    """What the page is told when only stored candles are at hand."""
    data = json.loads(route.fetch().body())
    data["candles"] = data["candles"][:1]
    data["lines"] = [{**line, "points": line["points"][:1]} for line in data["lines"]]
    route.fulfill(json={**data, "is_current": False})


def ask_again(page: Any) -> dict[str, Any]:
    with page.expect_response(NEWS) as answer:
        page.evaluate(
            "document.body.dispatchEvent(new Event(document.getElementById('chart').dataset.event))"
        )
    return json.loads(answer.value.body())


def test_the_chart_goes_on_after_the_exchange_was_away(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_up(page, "dora@example.com")
    make_first_look(page)
    legend = page.locator("#chart-legend")
    expect(legend).to_contain_text("EMA 2")
    drawn = legend.inner_text()

    page.route(NEWS, without_the_running_candle)
    for _poll in range(3):
        assert len(ask_again(page)["candles"]) == 1
        expect(legend).to_have_text(drawn, use_inner_text=True)

    page.unroute(NEWS)
    sandbox.control.advance(5)
    # Answers of the exchange are remembered for two seconds; the page asks every three.
    expect(legend).not_to_have_text(drawn, use_inner_text=True)
    assert len(ask_again(page)["candles"]) == 2
