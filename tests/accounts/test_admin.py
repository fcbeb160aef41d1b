"""The admin: operators look at everything, history cannot be touched, secrets are nowhere."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.keys import mint_paper_key
from accounts.models import ApiKey, AuditEntry, User
from accounts.vault import credentials_of
from bots.models import BotConfig, BotState, Halt
from tests.api.conftest import make_trade  # noqa: F401
from trading.models import Decision, Fill, Order, Position, Trade, Wallet

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HISTORY = (Decision, Order, Fill, Position, Trade, Wallet, BotConfig, BotState, ApiKey)
NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def browser_of(user) -> Client:
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return browser


def page(model, view, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.fixture
def history(make_bot, make_trade):  # noqa: F811
    """A row of every table an operator sees."""
    bot = make_bot(name="Runner")
    trade = make_trade(bot)
    decision = Decision.objects.create(
        bot_config=bot, config_version=1, candle_open_ms=1, acts_at=NOW, action="enter", reason="signal", text="In.",
        close_price=Decimal(1),
    )  # fmt: skip
    order = Order.objects.create(
        bot_config=bot, account=bot.account, decision=decision, venue="sandbox", market="spot", symbol="BTCUSDT",
        purpose="entry", reason="entry", side="BUY", quote_quantity=Decimal(100), client_order_id="tag-1",
        planned_at=NOW,
    )  # fmt: skip
    Fill.objects.create(
        order=order, account=bot.account, market="spot", symbol="BTCUSDT", trade_id=1, price=Decimal(1),
        quantity=Decimal(1), quote_quantity=Decimal(1), commission=Decimal(0), commission_asset="BTC", filled_at=NOW,
    )  # fmt: skip
    Wallet.objects.create(account=bot.account, market="spot", asset="USDT")
    return trade


def test_an_operator_sees_every_table_and_changes_no_history(bob, history):
    browser = browser_of(bob)
    assert browser.get(reverse("admin:index")).status_code == 200
    for model in HISTORY:
        row = model.objects.get()
        assert browser.get(page(model, "changelist")).status_code == 200, model
        assert browser.get(page(model, "change", row.pk)).status_code == 200, model
        refused = [
            browser.get(page(model, "add")),
            browser.post(page(model, "add"), {}),
            browser.post(page(model, "change", row.pk), {"name": "x"}),
            browser.post(page(model, "delete", row.pk), {"post": "yes"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4, model
        assert model.objects.filter(pk=row.pk).exists()


def test_an_operator_reads_the_audit_log_and_touches_nothing(bob, paper_key):
    browser = browser_of(bob)
    entry = AuditEntry.objects.get(event="key_added")
    assert str(paper_key) in browser.get(page(AuditEntry, "changelist")).content.decode()
    assert browser.get(page(AuditEntry, "change", entry.pk)).status_code == 200
    refused = [
        browser.get(page(AuditEntry, "add")),
        browser.post(page(AuditEntry, "change", entry.pk), {"event": "bot_started"}),
        browser.post(page(AuditEntry, "delete", entry.pk), {"post": "yes"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3


def test_no_page_of_the_admin_shows_a_secret(bob, history):
    opened = credentials_of(ApiKey.objects.get())
    browser = browser_of(bob)
    hidden = [opened.api_key, opened.secret_key, bytes(ApiKey.objects.get().encrypted_secret_key).decode()]
    hidden += [User.objects.get(email="alice@example.com").password]
    for model in (*HISTORY, User):
        row = model.objects.first()
        for address in (
            page(model, "changelist"),
            page(model, "change", row.pk),
            page(model, "history", row.pk),
        ):
            text = browser.get(address).content.decode()
            assert not [secret for secret in hidden if secret in text], address
    assert "****" in browser.get(page(ApiKey, "changelist")).content.decode()


def test_tables_that_hold_secrets_are_not_in_the_admin():
    shown = {model._meta.label for model in admin.site._registry}
    assert not shown & {
        "token_blacklist.OutstandingToken", "token_blacklist.BlacklistedToken",
        "account.EmailAddress", "account.EmailConfirmation", "sessions.Session",
    }  # fmt: skip


def test_who_is_no_operator_is_sent_to_sign_in(charlie, history):
    for browser in (browser_of(charlie), Client()):
        for address in (
            reverse("admin:index"),
            page(ApiKey, "changelist"),
            page(Trade, "change", history.pk),
        ):
            answer = browser.get(address)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("admin:login")), (
                address
            )


def test_only_a_superuser_decides_who_signs_in_and_operates(bob, charlie):
    browser = browser_of(bob)
    assert browser.post(page(User, "change", charlie.pk), {"is_staff": "on"}).status_code == 403
    bob.is_superuser = True
    bob.save()
    assert (
        browser.post(page(User, "change", charlie.pk), {"is_active": "on", "is_staff": "on"}).status_code
        == 302
    )
    charlie.refresh_from_db()
    assert (charlie.is_staff, charlie.is_superuser, charlie.email) == (True, False, "charlie@example.com")
    entry = AuditEntry.objects.get(event="user_changed")
    assert (entry.actor, entry.owner, entry.before, entry.after) == (
        bob, charlie, {"is_staff": False}, {"is_staff": True},
    )  # fmt: skip
    assert browser.post(page(User, "delete", charlie.pk), {"post": "yes"}).status_code == 403


def test_an_operator_sets_and_ends_a_halt(bob, make_bot):
    browser = browser_of(bob)
    answer = browser.post(
        page(Halt, "add"), {"user": "", "bot_config": make_bot().pk, "reason": "Strange fills"}
    )
    assert answer.status_code == 302
    halt = Halt.objects.get()
    assert (halt.reason, halt.ended_at) == ("Strange fills", None)
    assert browser.post(page(Halt, "change", halt.pk), {"reason": "Other"}).status_code == 403
    browser.post(page(Halt, "changelist"), {"action": "end_halts", "_selected_action": [halt.pk]})
    halt.refresh_from_db()
    assert halt.ended_at >= halt.created_at


def test_the_admin_alone_may_evaluate(bob):
    browser = browser_of(bob)
    assert "'unsafe-eval'" in browser.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "'unsafe-eval'" not in browser.get("/api/v1/docs/")["Content-Security-Policy"]


def test_a_list_costs_the_same_for_one_and_for_thirty(bob, alice, paper_key, make_bot):
    browser = browser_of(bob)
    make_bot()
    with CaptureQueriesContext(connection) as one:
        browser.get(page(BotConfig, "changelist"))
    for number in range(29):
        make_bot(mint_paper_key(alice, f"Key {number}"))
    with CaptureQueriesContext(connection) as thirty:
        browser.get(page(BotConfig, "changelist"))
    assert len(thirty) == len(one)


def test_amounts_are_listed_in_plain_notation(bob, history):
    shown = browser_of(bob).get(page(Trade, "changelist")).content.decode()
    assert "64000.1" in shown
    assert "64000.100000000000000000" not in shown
