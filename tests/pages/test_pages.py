"""Pages show what the books say, plainly; fragments are the same pages without their frame."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.keys import mint_paper_key
from bots.models import BotState
from tests.pages.books import add_decision, add_trade
from trading.models import Wallet

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/bots/"}


def test_a_new_user_is_told_what_to_do(alice_page: Any) -> None:
    assert "Make your first bot" in alice_page.get("/").content.decode()
    assert "Make your first bot" in alice_page.get("/bots/").content.decode()
    assert "No trades yet" in alice_page.get("/trades/").content.decode()


def test_only_who_has_a_paper_account_is_told_so(alice: Any, alice_page: Any) -> None:
    assert "You have no API key yet." in alice_page.get("/").content.decode()
    assert "You have no key yet." in alice_page.get("/bots/new/").content.decode()
    mint_paper_key(alice, "Paper")
    assert "Your paper account of 10,000 USDT is ready." in alice_page.get("/").content.decode()


def test_the_dashboard_adds_up_todays_closed_positions(alice_page: Any, make_bot: Any) -> None:
    bot, now = make_bot(), timezone.now()
    for days, pnl in ((0, "12.50"), (0, "-2.25"), (3, "100")):
        add_trade(bot, "BUY", 64_000, at=now - timedelta(days=days))
        add_trade(bot, "SELL", 64_100, at=now - timedelta(days=days), pnl=Decimal(pnl))
    page = alice_page.get("/").context["page"]
    assert (page.today.pnl, page.today.closed, page.today.won) == (Decimal("10.25"), 2, 1)
    assert page.ever == Decimal("110.25")
    assert "+10.25" in alice_page.get("/").content.decode()


def test_money_is_added_up_over_accounts(alice: Any, alice_page: Any, paper_key: Any) -> None:
    second = mint_paper_key(alice, "Second")
    for key, free in ((paper_key, "9000.5"), (second, "10000")):
        Wallet.objects.create(
            account=key.account, market="spot", asset="USDT", free=Decimal(free), reserved=Decimal(5)
        )
    (held,) = alice_page.get("/").context["page"].holdings
    assert (held.asset, held.total, held.reserved, held.value) == (
        "USDT", Decimal("19000.5"), Decimal(10), Decimal("19000.5"),
    )  # fmt: skip


def test_the_bot_page_says_what_happened_and_why(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing")
    add_trade(bot, "BUY", Decimal("64000.5"))
    add_decision(bot, 1_763_600_000_000, "enter", "crossed", "EMA 8 crossed above EMA 21.")
    shown = alice_page.get(f"/bots/{bot.pk}/").content.decode()
    for words in (
        "Crossing",
        "EMA 8 crossed above EMA 21.",
        "64,000.50",
        "0.00999 BTC",
        "Filled",
        "Fast EMA",
    ):
        assert words in shown


def test_a_deleted_bot_is_gone_and_its_trades_stay(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Gone")
    add_trade(bot, "BUY", 64_000)
    add_trade(bot, "SELL", 64_000, pnl=Decimal(-1))
    assert alice_page.post(f"/bots/{bot.pk}/delete/").url == "/bots/"
    assert alice_page.get(f"/bots/{bot.pk}/").status_code == 404
    assert "Gone" in alice_page.get("/trades/").content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=beta", {"Beta"}),
        ("?status=error", {"Alpha"}),
        ("?symbol=ETHUSDT", {"Beta"}),
        ("?status=nonsense", {"Alpha", "Beta"}),
    ],
)
def test_the_list_of_bots_can_be_narrowed(
    alice_page: Any, make_bot: Any, query: str, expected: set[str]
) -> None:
    alpha, _beta = make_bot(name="Alpha"), make_bot(name="Beta", symbol="ETHUSDT")
    BotState.objects.filter(pk=alpha.pk).update(status="error", status_detail="price fetch")
    assert {bot.name for bot in alice_page.get(f"/bots/{query}").context["page"]} == expected


@pytest.mark.parametrize("address", ["/", "/bots/", "/trades/", "/keys/"])
def test_as_many_queries_for_thirty_rows_as_for_one(alice_page: Any, make_bot: Any, address: str) -> None:
    first = make_bot()
    add_trade(first, "BUY", 64_000)
    few = _queries(alice_page, address)
    for _number in range(29):
        add_trade(make_bot(is_active=True), "BUY", 64_000)
    assert _queries(alice_page, address) == few


def test_a_bots_page_asks_as_much_for_thirty_trades_as_for_one(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    add_trade(bot, "BUY", 64_000)
    add_trade(bot, "SELL", 64_000, pnl=Decimal(1))
    few = _queries(alice_page, f"/bots/{bot.pk}/")
    for number in range(29):
        add_trade(bot, "BUY", 64_000)
        add_trade(bot, "SELL", 64_000, pnl=Decimal(1))
        add_decision(bot, 1_763_600_000_000 + number * 60_000, "none", "no signal", "No signal.")
    assert _queries(alice_page, f"/bots/{bot.pk}/") == few


def _queries(client: Any, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_thirty_trades_come_in_pages(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    for _number in range(15):
        add_trade(bot, "BUY", 64_000)
        add_trade(bot, "SELL", 64_000, pnl=Decimal(1))
    assert len(alice_page.get("/trades/").context["page"]) == 25
    assert len(alice_page.get("/trades/?page=2").context["page"]) == 5
    assert len(alice_page.get("/trades/?side=SELL").context["page"]) == 15


def test_a_fragment_has_no_frame(alice_page: Any, make_bot: Any) -> None:
    make_bot(name="Alpha")
    fragment = alice_page.get("/bots/", headers=HTMX).content.decode()
    assert "Alpha" in fragment
    assert "<html" not in fragment


def test_a_fragment_of_an_expired_session_sends_the_page_to_sign_in(anonymous_page: Any) -> None:
    response = anonymous_page.get("/bots/", headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fbots%2F")


def test_stopping_twice_changes_nothing_twice(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    BotState.objects.filter(pk=bot.pk).update(status="running")
    row = {**HTMX, "HX-Target": f"bot-row-{bot.pk}"}
    first = alice_page.post(f"/bots/{bot.pk}/stop/", headers=row)
    after = BotState.objects.values("status", "updated_at", "last_updated_at").get(pk=bot.pk)
    second = alice_page.post(f"/bots/{bot.pk}/stop/", headers=row)
    assert BotState.objects.values("status", "updated_at", "last_updated_at").get(pk=bot.pk) == after
    for response in (first, second):
        assert response.status_code == 200
        assert f'id="bot-row-{bot.pk}"' in response.content.decode()
        assert "toasts" in response["HX-Trigger"]


def test_starting_a_started_bot_says_so_and_changes_nothing(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    BotState.objects.filter(pk=bot.pk).update(status="running")
    before = BotState.objects.values().get(pk=bot.pk)
    response = alice_page.post(f"/bots/{bot.pk}/start/", follow=True)
    assert "already started" in response.content.decode()
    assert BotState.objects.values().get(pk=bot.pk) == before


def test_reading_by_post_and_acting_by_get_are_refused(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot()
    assert alice_page.get(f"/bots/{bot.pk}/start/").status_code == 405
    assert alice_page.post("/").status_code == 405


def test_coins_in_positions_are_money_too(alice: Any, alice_page: Any, make_bot: Any) -> None:
    first, second = make_bot(), make_bot()
    for bot in (first, second):
        add_trade(bot, "BUY", 64_000)
    shown = [(held.asset, held.total, held.value) for held in alice_page.get("/").context["page"].holdings]
    assert shown == [("BTC", Decimal("0.01998"), None)]
    BotState.objects.filter(bot_config=make_bot()).update(dust_quantity=Decimal("0.000004"))
    (held,) = alice_page.get("/").context["page"].holdings
    assert (held.asset, held.total) == ("BTC", Decimal("0.019984"))


@pytest.mark.parametrize("address", ["/bots", "/trades", "/keys", "/accounts/login", "/accounts/signup"])
def test_a_page_without_its_last_slash_is_found(alice_page: Any, address: str) -> None:
    answer = alice_page.get(f"{address}?page=1")
    assert (answer.status_code, answer["Location"]) == (301, f"{address}/?page=1")
