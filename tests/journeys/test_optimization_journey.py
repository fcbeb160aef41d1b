"""A user's way with an optimisation: from a backtest to a search of 200 sets, its leaderboard growing while workers try
them, the verdict at its end, and on to a backtest of the best; and one that is called off while it runs. In a real
browser, on real minutes, with two lanes of workers as threads.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.backtests import ask, store_minutes
from tests.journeys.test_first_trade import sign_up
from trading.models import Optimization
from trading.research.optimization_running import run_lane

pytestmark = pytest.mark.browser
WIDE = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(autouse=True)
def _candles(transactional_db: None, symbols: None, settings: Any, tmp_path: Path) -> None:
    store_minutes(settings, tmp_path)


def ask_for_200_sets(page: Any) -> Optimization:
    """10 x 10 x 2, said before it starts; a step of nothing is refused beside its field."""
    from accounts.models import User

    base = ask(User.objects.get())
    page.goto(f"/optimizations/new/?backtest={base.pk}")
    page.fill("[name=ema_fast_from]", "2")
    page.fill("[name=ema_fast_to]", "11")
    page.fill("[name=ema_slow_from]", "12")
    page.fill("[name=ema_slow_to]", "57")
    page.check("#axis-stop_loss_perc")
    page.fill("[name=stop_loss_perc_to]", "1")
    page.fill("[name=ema_fast_step]", "0")
    expect(page.locator("#size")).to_contain_text("A step must be greater than zero.")
    page.fill("[name=ema_fast_step]", "1")
    expect(page.locator("#size")).to_contain_text("200 sets will be tried")
    page.get_by_role("button", name="Start the search").click()
    expect(page.locator("#tried")).to_have_text("0")
    expect(page.locator("body")).to_have_class("is-live")
    return Optimization.objects.order_by("-pk")[0]


def in_two_lanes(row: Optimization, work: Callable[[int, int], str]) -> list[threading.Thread]:
    """As two workers would, slice after slice."""

    def lane(number: int) -> None:
        from django.db import connections

        while work(row.pk, number) == "more":
            pass
        connections.close_all()

    threads = [threading.Thread(target=lane, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    return threads


def test_a_search_of_200_sets(open_page: Any) -> None:
    page = open_page(viewport=WIDE)
    sign_up(page, "olivia@example.com")
    row = ask_for_200_sets(page)
    assert run_lane(row.pk, 0, seconds=0.2) == "more"
    # The page moves by itself, and is not at its end.
    expect(page.locator("#tried")).not_to_have_text("0")
    seen = int(page.locator("#tried").inner_text())
    assert 0 < seen < 200
    expect(page.locator("#board tbody tr").first).to_be_visible()
    threads = in_two_lanes(row, lambda key, lane: run_lane(key, lane, seconds=0.3))
    expect(page.locator("#tried")).to_have_text("200", timeout=60_000)
    for thread in threads:
        thread.join()
    row.refresh_from_db()
    assert (row.status, row.tried) == ("done", 200)
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.locator("#heat td")).to_have_count(100)
    expect(page.locator("#board tbody tr")).to_have_count(20)
    for width in (WIDE, PHONE):
        page.set_viewport_size(width)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size(WIDE)
    page.locator("#board").get_by_role("button", name=re.compile("Backtest set")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"set {row.best['number']}")
    page.goto(f"/optimizations/{row.pk}/")
    page.locator("#board").get_by_role("link", name=re.compile("Make set")).first.click()
    expect(page.locator("#id_ema_fast")).to_have_value(str(row.best["values"]["ema_fast"]))


def test_a_search_is_called_off(open_page: Any) -> None:
    page = open_page(viewport=PHONE)
    sign_up(page, "olivia@example.com")
    row = ask_for_200_sets(page)
    assert run_lane(row.pk, 0, seconds=0.2) == "more"
    page.locator("#call-off").click()
    expect(page.locator("#progress")).to_contain_text("Stopping after the sets it is at…")
    assert run_lane(row.pk, 0) == "cancelled"
    expect(page.locator("#progress")).to_contain_text("Cancelled.")
    expect(page.locator("#call-off")).to_have_count(0)
    expect(page.locator("#board tbody tr").first).to_be_visible()
    row.refresh_from_db()
    assert 0 < row.tried < 200
