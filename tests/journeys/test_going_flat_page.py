"""Stop everything and go flat, in a real browser: the list, the typed word, a receipt that watches until it is done."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.test_two_users import person
from trading.going_flat import keep_going_flat
from trading.models import Position
from trading.orders.protection import tend
from trading.runner import run_bot

pytestmark = pytest.mark.browser


def walk_into_a_position(sandbox: Any, bot: Any) -> Position:
    for _candle in range(120):
        sandbox.control.advance()
        run_bot(bot.pk)
        position: Position | None = Position.objects.open().filter(bot_config=bot).first()
        if position is not None:
            return position
    raise AssertionError("no entry within two hours of candles")


def test_from_the_list_to_the_receipt_and_on(open_page: Any, sandbox: Any) -> None:
    dora = person(open_page(viewport={"width": 1440, "height": 900}), "dora")
    page = dora.page
    assert dora.post(f"/bots/{dora.bot.pk}/start/") == 302
    position = walk_into_a_position(sandbox, dora.bot)

    page.goto("/halts/")
    page.get_by_role("link", name="Show what would be sold").click()
    expect(page.locator("#flat tbody tr")).to_have_count(1)
    expect(page.locator("#flat")).to_contain_text(dora.bot.name)
    page.fill("#id_word", "sell")
    page.fill("#id_reason", "Weekend")
    page.get_by_role("button", name="Sell it all").click()
    expect(page.locator(".receipt-state")).to_contain_text("asked again until nothing is left")
    expect(page.locator("#halt-sign")).to_contain_text("Weekend")
    page.evaluate("window.stayed = true")

    # The workers' part.
    tend(position.pk)
    assert keep_going_flat() == 1
    expect(page.locator(".receipt-state")).to_contain_text("Flat: nothing is held any more")
    expect(page.locator("#receipt tbody")).to_contain_text("Sold")
    assert page.evaluate("window.stayed") is True
    page.get_by_role("button", name="Go on trading").click()
    expect(page.locator("#halts")).to_contain_text("Nothing is halted")
    expect(page.locator("#halts")).to_contain_text("Weekend")
