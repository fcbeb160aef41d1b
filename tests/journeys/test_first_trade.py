"""A user's way from signing up to a first trade, in a real browser against the real sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from bots.models import BotConfig
from tests.conftest import PASSWORD
from trading.models import Trade
from trading.runner import run_bot

pytestmark = pytest.mark.browser


def sign_up(page: Any, email: str) -> None:
    page.goto("/accounts/signup/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator("#dashboard")).to_be_visible()


def make_first_look(page: Any) -> BotConfig:
    page.get_by_role("link", name="Make your first bot").click()
    page.get_by_role("link", name="First look").click()
    expect(page.locator("#summary")).to_contain_text("At the close of every candle")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("First look")
    return BotConfig.objects.select_related("state").get(user__email="dora@example.com")


def walk_until_trades(sandbox: Any, bot: BotConfig, count: int) -> None:
    """Candle after candle, as the schedule would, until the bot has traded `count` times."""
    for _candle in range(120):
        sandbox.control.advance()
        run_bot(bot.pk)
        if Trade.objects.filter(bot_config=bot).count() >= count:
            return
    raise AssertionError("no trade within two hours of candles")


def test_from_sign_up_to_a_trade_that_appears_by_itself(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    sign_up(page, "dora@example.com")
    expect(page.locator("#dashboard")).to_contain_text("Three steps to your first trade")
    bot = make_first_look(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#bot-status")).to_contain_text("Pending")
    expect(page.locator("body")).to_have_class("is-live")
    expect(page.locator("#chart canvas").first).to_be_visible()

    page.evaluate("window.stayed = true")
    expect(page.locator("#bot-trades tbody tr")).to_have_count(0)
    walk_until_trades(sandbox, bot, 1)
    expect(page.locator("#bot-trades tbody tr")).to_have_count(1)
    expect(page.locator("#bot-position")).to_contain_text("Entry price")
    expect(page.locator("#chart")).to_have_attribute("data-trades", "1")
    walk_until_trades(sandbox, bot, 2)
    expect(page.locator("#bot-trades tbody tr")).to_have_count(2)
    expect(page.locator("#chart")).to_have_attribute("data-trades", "2")
    assert page.evaluate("window.stayed") is True

    # Out of the position: there is nothing to ask about.
    expect(page.locator("#bot-position")).to_contain_text("None.")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#bot-status")).to_contain_text("Stopped")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url("/accounts/login/")


def test_start_and_stop_in_place(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, "dora@example.com")
    bot = make_first_look(page)
    page.goto("/bots/")
    page.evaluate("window.stayed = true")
    row = page.locator(f"#bot-row-{bot.pk}")
    row.get_by_role("button", name="Start First look").click()
    expect(row).to_contain_text("Pending")
    expect(page.locator("#toasts")).to_contain_text("First look was started.")
    row.get_by_role("button", name="Stop First look").click()
    expect(row).to_contain_text("Stopped")
    assert page.evaluate("window.stayed") is True
    assert BotConfig.objects.get(pk=bot.pk).is_active is False


def test_two_people_see_nothing_of_each_other(open_page: Any, sandbox: Any) -> None:
    dora, emil = open_page(), open_page()
    sign_up(dora, "dora@example.com")
    bot = make_first_look(dora)
    sign_up(emil, "emil@example.com")
    for address in ("/", "/bots/", "/trades/"):
        emil.goto(address)
        expect(emil.locator("body")).not_to_contain_text("First look BTC")
        expect(emil.locator(f"a[href='/bots/{bot.pk}/']")).to_have_count(0)
    answer = emil.request.get(f"/bots/{bot.pk}/")
    assert answer.status == 404
    assert User.objects.count() == 2


def test_a_wrong_password_says_so_and_a_right_one_is_remembered(open_page: Any, alice: Any) -> None:
    page = open_page()
    page.goto("/bots/")
    page.fill("input[name=login]", "Alice@Example.com")
    page.fill("input[name=password]", "Wrong-horse-42")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("input[name=password]", PASSWORD)
    page.check("input[name=remember]")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/bots/")
    (session,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
    assert session["expires"] > 0


def test_dark_is_remembered(open_page: Any, alice: Any) -> None:
    page = open_page(color_scheme="light")
    page.goto("/accounts/login/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Dark or light").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
