"""Beginning a paper account anew: fresh money, the books stay, and nothing is in use meanwhile."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, ExchangeAccount
from accounts.vault import credentials_of
from bots.models import BotState
from tests.api.test_bot_views import make_order, make_position
from trading.models import Position

pytestmark = pytest.mark.django_db


def reset(api, key):
    return api.post(f"/api/v1/api-keys/{key.pk}/reset-paper-balance")


def test_the_key_gets_a_fresh_account_and_the_history_stays(
    alice_api, alice, sandbox, paper_key, make_bot, make_trade
):
    bot = make_bot()
    trade = make_trade(bot)
    BotState.objects.filter(pk=bot.pk).update(dust_quantity=Decimal("0.1"), dust_cost=Decimal(5))
    old, before = paper_key.account, credentials_of(paper_key)
    ExchangeAccount.objects.update(account_max_daily_loss_perc=Decimal(3))
    answer = reset(alice_api, paper_key)
    assert (answer.status_code, answer.json()["id"], answer.json()["label"]) == (200, paper_key.pk, "Paper")
    key = ApiKey.objects.get()
    after = credentials_of(key)
    assert key.account != old
    assert (key.account.user, key.account.account_max_daily_loss_perc, key.is_valid) == (
        alice,
        Decimal(3),
        True,
    )
    assert after.api_key != before.api_key
    assert answer.json()["api_key"] == f"{after.api_key[:4]}****{after.api_key[-4:]}"
    for record in (bot, trade):
        record.refresh_from_db()
    assert (bot.account, trade.account) == (key.account, old)
    state = BotState.objects.get()
    assert (state.dust_quantity, state.dust_cost) == (0, 0)
    balance = alice_api.get(f"/api/v1/api-keys/{key.pk}/balance").json()
    assert balance["total_usdt"] == "10000"
    entry = AuditEntry.objects.get(event="paper_reset")
    assert (entry.actor, entry.before, entry.after) == (
        alice, {"account": old.external_id}, {"account": key.account.external_id},
    )  # fmt: skip


@pytest.mark.parametrize("use", ["running", "position", "order"])
def test_it_is_refused_while_anything_is_in_use(alice_api, paper_key, make_bot, use):
    bot = make_bot(name="Busy", is_active=use == "running")
    make_bot(name="Idle")
    if use == "position":
        Position.objects.create(bot_config=bot, sequence=1, opened_at=timezone.now())
    if use == "order":
        make_order(bot, 1, state="unknown", position=make_position(bot, 1, "0"))
    answer = reset(alice_api, paper_key)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "In use by Busy. Stop these bots and close their positions first."},
    )
    fresh = ApiKey.objects.get()
    assert (fresh.account_id, fresh.fingerprint) == (paper_key.account_id, paper_key.fingerprint)


def test_a_real_account_is_never_reset(alice_api, paper_key):
    ApiKey.objects.update(venue="testnet")
    assert reset(alice_api, paper_key).status_code == 400


def test_a_stranger_resets_nothing(charlie_api, bob_api, anonymous_api, paper_key):
    assert [reset(api, paper_key).status_code for api in (charlie_api, bob_api, anonymous_api)] == [
        404,
        404,
        401,
    ]
    assert ApiKey.objects.get().fingerprint == paper_key.fingerprint
