"""The bot form in a real browser: guided with scripts, one long form without them; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from bots.models import BotConfig
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("symbols", "paper_key")]


@pytest.fixture
def lenient_page(browser: Any, live_site: str) -> Iterator[Callable[..., Any]]:
    """A refused form is a 4xx, and Chromium writes those to its console: here they are meant."""
    contexts: list[Any] = []

    def opened(**options: Any) -> Any:
        contexts.append(browser.new_context(base_url=live_site, **options))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Any) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "alice@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#dashboard")).to_be_visible()


def test_another_strategy_brings_its_fields_and_its_words(open_page: Any) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_in(page)
    page.goto("/bots/new/?preset=steady")
    page.get_by_role("button", name="Continue").click()
    page.select_option("#id_strategy", "rsi")
    expect(page.locator("#id_rsi_period")).to_have_value("14")
    expect(page.locator("#id_ema_fast")).to_have_count(0)
    expect(page.locator("#summary")).to_contain_text("It buys when RSI (14) climbs back above 30.")
    page.fill("#id_rsi_oversold", "80")
    expect(page.locator("#id_rsi_oversold_error")).to_contain_text("Must be smaller")
    # Enter goes on; a wrong step is not left.
    page.locator("#id_rsi_oversold").press("Enter")
    expect(page.locator("#id_rsi_oversold")).to_be_focused()
    expect(page.locator("#id_rsi_oversold")).to_have_attribute("aria-invalid", "true")
    page.fill("#id_rsi_oversold", "25")
    page.locator("#id_rsi_oversold").press("Enter")
    expect(page.locator("#step-risk")).to_be_visible()
    assert BotConfig.objects.count() == 0
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Steady")
    bot = BotConfig.objects.get()
    assert (bot.strategy, bot.strategy_params["rsi_oversold"]) == ("rsi", 25)


def test_without_scripts_it_is_one_long_form(lenient_page: Any) -> None:
    page = lenient_page(java_script_enabled=False)
    sign_in(page)
    page.goto("/bots/new/")
    for step in ("market", "strategy", "risk"):
        expect(page.locator(f"#step-{step}")).to_be_visible()
    expect(page.locator("#step-review")).to_be_hidden()
    page.fill("#id_name", "By hand")
    page.select_option("#id_strategy", "rsi")
    page.get_by_role("button", name="Show the fields of this strategy").click()
    expect(page.locator("#id_name")).to_have_value("By hand")
    expect(page.locator("#id_rsi_period")).to_have_value("14")
    page.fill("#id_initial_capital", "-1")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.locator("#id_initial_capital_error")).not_to_be_empty()
    page.fill("#id_initial_capital", "500")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("By hand")


def test_an_edit_that_came_too_late_shows_the_difference_and_keeps_what_was_typed(lenient_page: Any) -> None:
    page = lenient_page(viewport={"width": 1440, "height": 900})
    sign_in(page)
    page.goto("/bots/new/?preset=steady")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Steady")
    bot = BotConfig.objects.get()
    other = page.context.new_page()
    for tab, capital in ((page, "1100"), (other, "1200")):
        tab.goto(f"/bots/{bot.pk}/edit/")
        tab.locator("#form-steps").get_by_role("button", name="Size and risk").click()
        tab.fill("#id_initial_capital", capital)
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Steady")
    other.get_by_role("button", name="Save changes").click()
    expect(other.get_by_text("Nothing was saved.")).to_be_visible()
    expect(other.locator("#id_initial_capital")).to_have_value("1200")
    assert BotConfig.objects.get().initial_capital == 1100
