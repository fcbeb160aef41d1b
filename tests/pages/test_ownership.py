"""Alice owns, Bob is staff, Charlie must see nothing, and who is nobody is asked to sign in."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import ApiKey
from bots.models import BotConfig
from tests.pages.books import add_trade

PAGES = ["/", "/bots/", "/bots/new/", "/trades/", "/keys/"]
OF_A_BOT = [
    "/bots/{}/", "/bots/{}/edit/", "/bots/{}/chart.json", "/bots/{}/performance/", "/bots/{}/why/", "/bots/{}/exits/",
    "/bots/{}/versions/",
]  # fmt: skip
DEEDS = [
    "/bots/{}/start/", "/bots/{}/stop/", "/bots/{}/close/", "/bots/{}/exits/", "/bots/{}/versions/1/rollback/",
    "/bots/{}/delete/",
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_nobody_is_asked_to_sign_in(anonymous_page: Any, address: str) -> None:
    response = anonymous_page.get(address)
    assert (response.status_code, response.url) == (302, f"/accounts/login/?next={address}")


@pytest.mark.parametrize("address", [*OF_A_BOT, *DEEDS])
def test_nobody_reaches_no_bot(anonymous_page: Any, make_bot: Any, address: str) -> None:
    where = address.format(make_bot().pk)
    response = anonymous_page.post(where) if address in DEEDS else anonymous_page.get(where)
    assert (response.status_code, response.url) == (302, f"/accounts/login/?next={where}")


@pytest.mark.parametrize("address", OF_A_BOT)
@pytest.mark.parametrize("stranger", ["bob_page", "charlie_page"])
def test_somebody_elses_bot_is_not_there(
    request: Any, make_bot: Any, symbols: None, stranger: str, address: str
) -> None:
    client = request.getfixturevalue(stranger)
    assert client.get(address.format(make_bot().pk)).status_code == 404


@pytest.mark.parametrize("address", DEEDS)
def test_somebody_elses_bot_cannot_be_moved(charlie_page: Any, make_bot: Any, address: str) -> None:
    bot = make_bot(is_active=True)
    before = BotConfig.objects.values().get(pk=bot.pk)
    assert charlie_page.post(address.format(bot.pk)).status_code == 404
    assert BotConfig.objects.values().get(pk=bot.pk) == before


@pytest.mark.parametrize("address", ["/keys/{}/balance/", "/keys/{}/delete/"])
def test_somebody_elses_key_is_not_there(charlie_page: Any, paper_key: Any, address: str) -> None:
    where = address.format(paper_key.pk)
    response = charlie_page.post(where) if "delete" in where else charlie_page.get(where)
    assert response.status_code == 404
    assert ApiKey.objects.filter(pk=paper_key.pk).count() == 1


@pytest.mark.parametrize("address", ["/", "/bots/", "/trades/", "/keys/"])
def test_lists_show_only_what_is_ours(
    alice_page: Any, charlie_page: Any, make_bot: Any, address: str
) -> None:
    bot = make_bot(name="Secret of Alice", symbol="ETHUSDT")
    add_trade(bot, "BUY", 64_000)
    shown = {"/keys/": bot.api_key.masked_key}.get(address, "Secret of Alice")
    assert shown in alice_page.get(address).content.decode()
    strange = charlie_page.get(address).content.decode()
    assert shown not in strange
    assert "ETHUSDT" not in strange


def test_a_filter_cannot_reach_another_users_bot(charlie_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Secret of Alice")
    add_trade(bot, "BUY", 64_000)
    assert "Secret of Alice" not in charlie_page.get(f"/trades/?bot={bot.pk}").content.decode()


def test_pages_of_allauth_that_we_do_not_offer_are_not_there(alice_page: Any) -> None:
    assert alice_page.get("/accounts/email/").status_code == 404
