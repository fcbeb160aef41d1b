"""The page of keys: paper keys are added and deleted, and one that bots use is kept."""

from __future__ import annotations

from typing import Any

from accounts.models import ApiKey


def test_a_paper_key_is_added_once(alice: Any, alice_page: Any) -> None:
    assert alice_page.post("/keys/paper/", {"label": "Second"}).url == "/keys/"
    again = alice_page.post("/keys/paper/", {"label": "Second"})
    assert again.status_code == 400
    assert "You already have a key with this label." in again.content.decode()
    assert ApiKey.objects.filter(user=alice, label="Second").count() == 1


def test_a_key_in_use_is_kept_and_its_bots_are_named(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing")
    shown = alice_page.post(f"/keys/{bot.api_key_id}/delete/", follow=True).content.decode()
    assert "Crossing" in shown
    assert ApiKey.objects.filter(pk=bot.api_key_id).count() == 1


def test_an_unused_key_goes(alice_page: Any, paper_key: Any) -> None:
    alice_page.post(f"/keys/{paper_key.pk}/delete/")
    assert ApiKey.objects.filter(pk=paper_key.pk).count() == 0


def test_no_secret_and_no_whole_key_is_shown(alice_page: Any, paper_key: Any) -> None:
    from accounts.vault import credentials_of

    opened, shown = credentials_of(paper_key), alice_page.get("/keys/").content.decode()
    assert paper_key.masked_key in shown
    assert opened.api_key not in shown
    assert opened.secret_key not in shown


def test_a_balance_that_cannot_be_read_is_no_zero(alice_page: Any, paper_key: Any) -> None:
    shown = alice_page.get(f"/keys/{paper_key.pk}/balance/").content.decode()
    assert "could not be asked" in shown
    assert "0.00" not in shown
