"""Going flat by page: the list first, a typed word, then a receipt. Strangers see none of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bots.models import Halt
from tests.pages.books import add_trade
from trading.markets import forget_board
from trading.models import FlatLine, FlatReceipt


@pytest.fixture(autouse=True)
def _no_price_known() -> None:
    forget_board()


@pytest.fixture
def held(make_bot: Any) -> Any:
    """Alice's bot in a position of 0.00999 BTC."""
    bot = make_bot(name="Crossing", is_active=True)
    add_trade(bot, "BUY", 64_000)
    return bot


def confirm(page: Any, **values: Any) -> Any:
    return page.post("/halts/flat/", {"scope": "mine", "word": "SELL", **values})


def test_the_list_comes_first_and_changes_nothing(alice_page: Any, held: Any, sandbox: Any) -> None:
    answer = alice_page.get("/halts/flat/")
    (row,) = answer.context["rows"]
    assert (row["position"].bot, row["position"].quantity) == (held, Decimal("0.00999"))
    assert row["worth"] > 0
    assert "Type SELL to confirm" in answer.content.decode()
    assert (Halt.objects.count(), FlatReceipt.objects.count()) == (0, 0)


def test_without_a_price_the_worth_is_left_out(alice_page: Any, held: Any, settings: Any) -> None:
    from exchange.connect import forget_clients

    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    (row,) = alice_page.get("/halts/flat/").context["rows"]
    assert (row["worth"], row["result"]) == (None, None)


def test_one_bot_may_be_chosen(alice_page: Any, held: Any, make_bot: Any) -> None:
    other = make_bot(name="Elsewhere", is_active=True)
    add_trade(other, "BUY", 64_000)
    answer = alice_page.get("/halts/flat/", {"scope": "bot", "bot": other.pk})
    assert [row["position"].bot for row in answer.context["rows"]] == [other]
    assert "Choose the bot." in alice_page.get("/halts/flat/", {"scope": "bot"}).content.decode()


@pytest.mark.parametrize("word", ["", "yes", "SEL"])
def test_without_the_word_nothing_is_sold(alice_page: Any, held: Any, word: str) -> None:
    answer = confirm(alice_page, word=word, reason="Typed reason")
    assert answer.status_code == 400
    assert 'value="Typed reason"' in answer.content.decode()
    assert (Halt.objects.count(), FlatReceipt.objects.count()) == (0, 0)


@pytest.mark.parametrize(("word", "language"), [("SELL", "en"), ("sell", "en"), ("SELL", "tr")])
def test_the_word_is_taken_in_any_case_and_language(
    alice_page: Any, held: Any, word: str, language: str
) -> None:
    answer = alice_page.post(
        "/halts/flat/", {"scope": "mine", "word": word}, headers={"Accept-Language": language}
    )
    assert answer.status_code == 302


def test_confirmed_twice_it_is_one_receipt(alice: Any, alice_page: Any, held: Any) -> None:
    first, second = confirm(alice_page, reason="News"), confirm(alice_page, reason="News")
    (receipt,) = FlatReceipt.objects.all()
    assert first.url == second.url == f"/halts/flat/{receipt.pk}/"
    (halt,) = Halt.objects.all()
    assert (halt.user, halt.reason, receipt.started_by) == (alice, "News", alice)
    assert FlatLine.objects.count() == 1
    shown = alice_page.get(first.url).content.decode()
    assert "asked again until nothing is left" in shown
    assert "Crossing" in shown
    assert f'href="/halts/flat/{receipt.pk}/"' in alice_page.get("/halts/").content.decode()


def test_where_nothing_is_held_it_is_finished_at_once(alice_page: Any) -> None:
    assert "Nothing is held" in alice_page.get("/halts/flat/").content.decode()
    receipt = confirm(alice_page).url
    assert "Flat: nothing is held any more" in alice_page.get(receipt).content.decode()


def test_strangers_see_and_sell_nothing(alice_page: Any, charlie_page: Any, held: Any) -> None:
    assert "Crossing" not in charlie_page.get("/halts/flat/").content.decode()
    answer = confirm(charlie_page, scope="bot", bot=held.pk)
    assert answer.status_code == 400
    assert "Crossing" not in answer.content.decode()
    assert confirm(charlie_page, scope="everything").status_code == 400
    assert Halt.objects.count() == 0
    receipt = confirm(alice_page).url
    assert charlie_page.get(receipt).status_code == 404
    assert receipt not in charlie_page.get("/halts/").content.decode()


def test_an_operator_sells_everything_and_owners_see_their_part(
    alice_page: Any, bob_page: Any, charlie_page: Any, held: Any
) -> None:
    assert "Crossing" in bob_page.get("/halts/flat/", {"scope": "everything"}).content.decode()
    receipt = confirm(bob_page, scope="everything").url
    assert "Crossing" in alice_page.get(receipt).content.decode()
    assert "Crossing" in bob_page.get(receipt).content.decode()
    assert "Crossing" not in charlie_page.get(receipt).content.decode()


@pytest.mark.parametrize("address", ["/halts/flat/", "/halts/flat/1/"])
def test_nobody_is_asked_to_sign_in(anonymous_page: Any, address: str) -> None:
    assert anonymous_page.get(address).url == f"/accounts/login/?next={address}"
