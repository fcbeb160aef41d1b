"""A user's way with backtests: form, progress, report, comparison, and on to a bot that trades on paper; and one that
is called off while it runs. In a real browser, on real minutes, against the real sandbox.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from bots.models import BotConfig
from tests.backtests import store_futures, store_minutes
from tests.journeys.test_first_trade import sign_up, walk_until_trades
from trading.models import Backtest
from trading.models.research import BacktestStep, ResearchStatus
from trading.research.running import run_backtest

pytestmark = pytest.mark.browser
WIDE = {"width": 1440, "height": 1000}


@pytest.fixture(autouse=True)
def _candles(transactional_db: None, settings: Any, tmp_path: Path) -> None:
    store_minutes(settings, tmp_path)


def fill_in_the_form(page: Any, stop: str) -> Backtest:
    """A preset, a stop of one's own, two days; what is wrong is said where it is wrong."""
    page.goto("/backtests/new/?preset=first-look")
    expect(page.locator("#summary")).to_contain_text("It is tried on")
    page.fill("#id_name", f"Stop of {stop}")
    page.fill("#id_end_time", "2025-06-15")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#id_end_time_error")).not_to_be_empty()
    expect(page.locator("#step-market")).to_be_visible()
    page.get_by_role("button", name="All of it").click()
    expect(page.locator("#id_end_time")).to_have_value("2025-06-20")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#step-strategy")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.fill("#id_stop_loss_perc", stop)
    page.get_by_role("button", name="Continue").click()
    # The buttons move as the last step comes.
    expect(page.locator("#step-review")).to_be_visible()
    expect(page.locator("#review")).to_contain_text("Taker fee")
    page.get_by_role("button", name="Run the backtest").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Stop of {stop}")
    return Backtest.objects.order_by("-pk")[0]


def follow_to_the_report(page: Any, backtest: Backtest) -> None:
    expect(page.locator("#progress")).to_contain_text("It waits for a free worker.")
    expect(page.locator("body")).to_have_class("is-live")
    assert run_backtest(backtest.pk) == "done"
    expect(page.locator("#report")).to_be_visible()
    backtest.refresh_from_db()


def read_the_report(page: Any, backtest: Backtest) -> None:
    found = backtest.statistics
    expect(page.locator("#key-figures")).to_contain_text("Buy and hold")
    expect(page.locator("#months tbody tr")).to_have_count(1)
    expect(page.locator("#price")).to_have_attribute("data-trades", str(found["trades"]))
    expect(page.locator("#price canvas").first).to_be_visible()
    expect(page.locator("#curves canvas").first).to_be_visible()
    expect(page.locator("#positions tbody tr")).to_have_count(25)
    page.locator("#positions").get_by_role("link", name="Later").click()
    expect(page.locator("#positions tbody tr").first).to_contain_text("26")
    # A position is shown on the chart, in the backtest's own candles.
    page.locator("#positions [data-show-from]").first.click()
    expect(page.locator("#price")).to_have_attribute("data-interval", "1m")
    page.get_by_role("button", name="Whole period").click()
    expect(page.locator("#price")).to_have_attribute("data-interval", "5m")
    page.locator("#statistics summary").click()
    expect(page.locator("#statistics")).to_contain_text("Longest time below a high")
    expect(page.locator("#ground")).to_contain_text(backtest.data_fingerprint[:16])


def test_from_the_form_to_a_bot_that_trades_on_paper(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport=WIDE)
    sign_up(page, "dora@example.com")
    page.get_by_role("link", name="Backtests").click()
    page.get_by_role("link", name="Run your first backtest").click()
    first = fill_in_the_form(page, "1")
    follow_to_the_report(page, first)
    read_the_report(page, first)
    second = fill_in_the_form(page, "4")
    follow_to_the_report(page, second)

    page.goto("/backtests/")
    for backtest in (first, second):
        page.get_by_label(f"Compare {backtest.name}").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#compare-curves")).to_have_attribute("data-curves", "2")
    expect(page.locator(".differs").first).to_contain_text("Stop loss")
    page.locator("#comparison").get_by_role("link", name=first.name).click()

    page.get_by_role("link", name="Make this a bot").click()
    expect(page.locator("#id_name")).to_have_value(first.name)
    expect(page.locator("#summary")).to_contain_text("At the close of every candle")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(first.name)
    bot = BotConfig.objects.select_related("state").get(user__email="dora@example.com")
    assert (bot.strategy_params, bot.stop_loss_perc) == (first.strategy_params, 1)
    # A press before the page's scripts run is lost.
    expect(page.locator("body")).to_have_class("is-live")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#bot-status")).to_contain_text("Pending")
    walk_until_trades(sandbox, bot, 1)
    expect(page.locator("#bot-trades tbody tr")).to_have_count(1)
    # And back: as the bot is set, on the candles it trades on.
    page.get_by_role("link", name="Backtest this").click()
    expect(page.locator("#id_source")).to_have_value("sandbox")
    expect(page.locator("#summary")).to_contain_text("recorded candles of the paper market")


def test_a_running_one_is_called_off(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, "dora@example.com")
    backtest = fill_in_the_form(page, "2")
    # A worker is at it, half-way.
    Backtest.objects.filter(pk=backtest.pk).update(
        status=ResearchStatus.RUNNING, step=BacktestStep.SIGNALS, progress=50, started_at=timezone.now()
    )
    expect(page.locator("#progress")).to_contain_text("50 % done")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress")).to_contain_text("Stopping at its next step")
    assert run_backtest(backtest.pk) == "cancelled"
    expect(page.locator("#ended")).to_contain_text("It was cancelled.")
    page.get_by_role("link", name="Change and run again").click()
    expect(page.locator("#id_name")).to_have_value("Stop of 2")
    page.goto("/backtests/")
    expect(page.locator("#backtests tbody tr")).to_contain_text("Cancelled")


def test_the_form_asks_what_the_market_asks(
    open_page: Any, sandbox: Any, settings: Any, tmp_path: Path
) -> None:
    """Futures ask for direction and leverage, and have candles of Binance alone; on spot nothing of it is left."""
    store_futures(settings, tmp_path)
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, "dora@example.com")
    page.goto("/backtests/new/")
    expect(page.locator("#id_leverage")).to_be_hidden()
    page.select_option("#id_source", "sandbox")
    page.select_option("#id_position_type", "futures")
    expect(page.locator("#id_source")).to_be_hidden()
    expect(page.locator("#days")).to_contain_text("are known from 2025-05-04 15:33")
    expect(page.locator("#id_end_time")).to_have_value("2025-06-03")
    expect(page.locator("#id_taker_fee_perc")).to_have_attribute("placeholder", "0.05")
    page.select_option("#id_direction", "short")
    page.fill("#id_leverage", "5")
    expect(page.locator("#summary")).to_contain_text("Futures need a stop loss.")
    page.locator("#id_stop_loss_perc").evaluate("input => { input.value = '1'; }")
    page.locator("#id_leverage").press("Tab")
    expect(page.locator("#summary")).to_contain_text("It goes short only")
    page.select_option("#id_position_type", "spot")
    expect(page.locator("#id_leverage")).to_be_hidden()
    expect(page.locator("#id_taker_fee_perc")).to_have_attribute("placeholder", "0.1")
    expect(page.locator("#summary")).not_to_contain_text("It goes short only")
    expect(page.locator("#summary")).to_contain_text("It is tried on")
    assert page.locator("#id_direction").input_value() == "long"
