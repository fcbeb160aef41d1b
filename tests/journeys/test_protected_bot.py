"""A user's way with a protected bot: the guided form, a first trade, why it came, the stop moved on the chart, and the
end: stopped, its position sold. In a real browser against the real sandbox.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from bots.models import BotConfig, BotState
from tests.journeys.test_first_trade import sign_up, walk_until_trades
from trading.models import Order, Position, Trade
from trading.orders.settlement import settle_orders

pytestmark = pytest.mark.browser
WIDE = {"width": 1440, "height": 1000}


def fill_in_the_form(page: Any) -> BotConfig:
    """Step by step: the form says what is wrong where it is wrong, and goes on once it is right."""
    page.get_by_role("link", name="Make your first bot").click()
    page.get_by_role("link", name="First look").click()
    steps = page.locator("#form-steps")
    expect(steps.locator("[aria-current=step]")).to_contain_text("Market and key")
    page.fill("#id_name", "ab")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#id_name_error")).to_have_text("A name has 3 to 80 characters.")
    expect(page.locator("#id_name")).to_be_focused()
    page.fill("#id_name", "Guarded")
    page.get_by_role("button", name="Continue").click()
    expect(steps.locator("[aria-current=step]")).to_contain_text("Strategy")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#step-risk")).to_be_visible()
    page.fill("#id_stop_loss_perc", "1")
    page.fill("#id_take_profit_perc", "3")
    expect(page.locator("#summary")).to_contain_text("If the price falls 1 % below the entry it sells")
    page.get_by_role("button", name="Continue").click()
    # Not before: the buttons move as the last step comes, and a press on one that moves is none.
    expect(page.locator("#step-review")).to_be_visible()
    expect(page.locator("#review")).to_contain_text("Take profit")
    page.get_by_role("button", name="Make this bot").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Guarded")
    return BotConfig.objects.select_related("state").get(user__email="dora@example.com")


def drag(page: Any, handle: Any, *, up: int) -> None:
    """By mouse, as many pixels up."""
    box = handle.bounding_box()
    x, y = box["x"] + 20, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4, y - up, steps=4)
    page.mouse.up()


def test_from_the_form_to_a_moved_stop_and_a_closed_position(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport=WIDE)
    sign_up(page, "dora@example.com")
    bot = fill_in_the_form(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#bot-status")).to_contain_text("Pending")
    walk_until_trades(sandbox, bot, 1)
    expect(page.locator("#bot-trades tbody tr")).to_have_count(1)
    expect(page.locator("#bot-cover")).to_contain_text("Protected on the exchange")
    expect(page.locator("#bot-orders")).to_contain_text("Stop and target, placed together")

    # Why: the newest decision in words, and any other candle by its opening.
    expect(page.locator("#bot-decisions .why").first).to_contain_text("Entry signal")
    opened = Trade.objects.get(bot_config=bot).timestamp
    page.fill("#why-at", f"{opened:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#why-candle")).to_contain_text("Candle of")

    move_the_stop(page, bot)

    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("Sell it at market").check()
    page.get_by_role("button", name="Stop the bot").click()
    expect(page.locator("#bot-status")).to_contain_text("Stopped")
    until_settled(bot)
    expect(page.locator("#bot-position")).to_contain_text("A stopped bot buys nothing.")
    expect(page.locator("#bot-trades tbody tr")).to_have_count(2)
    assert Position.objects.get(bot_config=bot).exit_reason == "manual"
    assert BotState.objects.get(pk=bot.pk).in_position is False


def move_the_stop(page: Any, bot: BotConfig) -> None:
    before = Position.objects.get(bot_config=bot).stop_price
    assert before is not None
    handle = page.locator(".exit-handle.exit-stop")
    expect(handle).to_be_visible()
    drag(page, handle, up=25)
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-change=stop_loss_price]")).to_be_visible()
    dialog.get_by_role("button", name="Leave them").click()
    expect(handle).to_contain_text(f"{before:,.2f}")

    handle.focus()
    for _press in range(3):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(dialog.locator("[data-change=stop_loss_price]")).to_be_visible()
    dialog.get_by_role("button", name="Set these prices").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("The new prices are set.")
    after = Position.objects.get(bot_config=bot).stop_price
    assert after is not None
    assert before < after < before * Decimal("1.005")
    expect(handle).to_contain_text(f"{after:,.2f}")
    until_settled(bot)
    expect(page.locator("#bot-cover")).to_contain_text("Protected on the exchange")
    standing = Order.objects.get(bot_config=bot, purpose="stop", state="open")
    assert standing.stop_price == after


def until_settled(bot: BotConfig) -> None:
    """As the schedule would: look until what the position wants is so."""
    for _look in range(8):
        settle_orders()


def test_a_price_that_cannot_be_is_refused_in_the_dialog(open_page: Any, sandbox: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    sign_up(page, "dora@example.com")
    bot = fill_in_the_form(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#bot-status")).to_contain_text("Pending")
    walk_until_trades(sandbox, bot, 1)
    page.get_by_role("link", name="Move stop or target").click()
    # What is typed before htmx has taken the dialog in hand is heard with the next key only.
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator(".htmx-added, .htmx-settling")).to_have_count(0)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Stop loss").fill("9999999")
    expect(dialog.get_by_role("alert")).to_contain_text("A stop lies below the last price")
    expect(dialog.get_by_role("button", name="Set these prices")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
