"""The page of keys: paper keys are added and deleted, and one that bots use is kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import mint_paper_key
from accounts.models import ApiKey, AuditEntry, AuditEvent, ExchangeAccount
from exchange.connect import forget_clients


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


def test_a_key_in_use_names_its_bots_with_their_addresses(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing")
    answer = alice_page.post(f"/keys/{bot.api_key_id}/delete/")
    assert answer.status_code == 409
    assert f'<a href="/bots/{bot.pk}/">Crossing' in answer.content.decode()


def test_the_balance_is_what_the_exchange_says(alice_page: Any, sandbox: Any, alice: Any) -> None:
    key = mint_paper_key(alice, "Fresh")
    answer = alice_page.get(f"/keys/{key.pk}/balance/")
    (held,) = answer.context["balances"]
    assert (held.asset, held.free, held.locked, held.total) == ("USDT", 10_000, 0, 10_000)
    assert answer.context["worth"] == 10_000
    assert "10,000.00" in answer.content.decode()


def test_checking_again(alice: Any, alice_page: Any, sandbox: Any) -> None:
    key = mint_paper_key(alice, "Fresh")
    ApiKey.objects.filter(pk=key.pk).update(is_valid=False, last_checked_at=None)
    shown = alice_page.post(f"/keys/{key.pk}/check/", follow=True).content.decode()
    assert "“Fresh” is valid" in shown
    key.refresh_from_db()
    assert (key.is_valid, key.last_checked_at is None) == (True, False)


def test_a_check_that_could_not_be_made_changes_nothing(
    alice_page: Any, paper_key: Any, settings: Any
) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    before = ApiKey.objects.values().get(pk=paper_key.pk)
    shown = alice_page.post(f"/keys/{paper_key.pk}/check/", follow=True).content.decode()
    assert "nothing was changed" in shown
    assert ApiKey.objects.values().get(pk=paper_key.pk) == before


def test_the_limit_of_loss_is_set_lifted_and_written_down(
    alice: Any, alice_page: Any, paper_key: Any
) -> None:
    where = f"/keys/{paper_key.pk}/loss-limit/"
    for _click in range(2):
        assert alice_page.post(where, {"percent": "7.5"}).status_code == 302
    assert ExchangeAccount.objects.get(pk=paper_key.account_id).account_max_daily_loss_perc == Decimal("7.5")
    assert 'value="7.5"' in alice_page.get("/keys/").content.decode()
    alice_page.post(where, {"percent": ""})
    assert ExchangeAccount.objects.get(pk=paper_key.account_id).account_max_daily_loss_perc is None
    written = AuditEntry.objects.filter(event=AuditEvent.ACCOUNT_LIMIT_CHANGED).order_by("pk")
    assert [(entry.actor, entry.after["account_max_daily_loss_perc"]) for entry in written] == [
        (alice, "7.5"), (alice, None),
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["0", "101", "-1", "much", "NaN"])
def test_a_limit_that_is_none_is_refused_and_what_was_typed_stays(
    alice_page: Any, paper_key: Any, typed: str
) -> None:
    answer = alice_page.post(f"/keys/{paper_key.pk}/loss-limit/", {"percent": typed})
    assert answer.status_code == 400
    assert f'value="{typed}"' in answer.content.decode()
    assert ExchangeAccount.objects.get(pk=paper_key.account_id).account_max_daily_loss_perc is None


def test_a_paper_account_begins_anew_when_nothing_of_it_is_in_use(alice_page: Any, make_bot: Any) -> None:
    bot = make_bot(name="Crossing", is_active=True)
    key, before = bot.api_key, bot.account_id
    refused = alice_page.post(f"/keys/{key.pk}/reset/", follow=True).content.decode()
    assert "In use by Crossing" in refused
    assert ApiKey.objects.get(pk=key.pk).account_id == before
    type(bot).objects.filter(pk=bot.pk).update(is_active=False)
    assert "begins anew" in alice_page.post(f"/keys/{key.pk}/reset/", follow=True).content.decode()
    assert ApiKey.objects.get(pk=key.pk).account_id != before


@pytest.mark.parametrize("deed", ["check", "loss-limit", "reset", "delete", "balance"])
def test_a_strangers_key_is_not_there(charlie_page: Any, bob_page: Any, paper_key: Any, deed: str) -> None:
    before = ApiKey.objects.values().get(pk=paper_key.pk)
    for page in (charlie_page, bob_page):
        where = f"/keys/{paper_key.pk}/{deed}/"
        answer = page.get(where) if deed == "balance" else page.post(where, {"percent": "5"})
        assert answer.status_code == 404
    assert ApiKey.objects.values().get(pk=paper_key.pk) == before
    assert ExchangeAccount.objects.get(pk=paper_key.account_id).account_max_daily_loss_perc is None
