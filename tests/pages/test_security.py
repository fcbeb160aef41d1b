"""The security pages: forgotten password by mail, own sessions, own log; a stranger's are not there."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, BrowserSession
from accounts.reset_mail import send_reset_mails
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "Another-horse-43"
SECURITY = "/accounts/security/"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def signed_in(email: str, password: str = PASSWORD, **headers) -> Client:
    browser = Client(**headers)
    answer = browser.post(reverse("account_login"), {"login": email, "password": password})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def test_a_forgotten_password_is_set_anew_by_mail(alice, settings):
    browser = Client()
    asked = browser.post(reverse("password-forgot"), {"email": "alice@example.com"}, follow=True)
    assert "is on its way" in asked.content.decode()
    assert "logs/worker.log" not in asked.content.decode()
    send_reset_mails(timezone.now())
    link = re.search(r"http://[^/]+(/accounts/\S+)", mail.outbox[0].body)[1]
    chosen = browser.get(link, follow=True)
    assert [address for address, _status in chosen.redirect_chain] == [reverse("password-reset")]
    unequal = browser.post(reverse("password-reset"), {"new_password": NEW, "repeated": "x"})
    assert (unequal.status_code, "The two passwords are not the same." in unequal.content.decode()) == (
        400,
        True,
    )
    weak = browser.post(reverse("password-reset"), {"new_password": "short", "repeated": "short"})
    assert (weak.status_code, "too short" in weak.content.decode()) == (400, True)
    done = browser.post(reverse("password-reset"), {"new_password": NEW, "repeated": NEW})
    assert (done.status_code, done.url) == (302, reverse("account_login"))
    signed_in("alice@example.com", NEW)
    used = browser.get(link, follow=True)
    assert (used.status_code, "not valid any more" in used.content.decode()) == (400, True)


def test_an_installation_without_mail_says_where_the_letter_is(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "logs/worker.log" in Client().get(reverse("password-forgot-sent")).content.decode()
    settings.IN_PRODUCTION = True
    assert "logs/worker.log" not in Client().get(reverse("password-forgot-sent")).content.decode()


def test_a_changed_password_signs_out_everywhere_else(alice):
    here, there = signed_in(alice.email), signed_in(alice.email)
    refused = here.post(
        reverse("password-change"), {"current_password": "x", "new_password": NEW, "repeated": NEW}
    )
    assert (refused.status_code, "not your present password" in refused.content.decode()) == (400, True)
    body = {"current_password": PASSWORD, "new_password": NEW, "repeated": NEW}
    assert here.post(reverse("password-change"), body).url == SECURITY
    page = here.get(SECURITY)
    assert page.status_code == 200
    assert there.get(SECURITY).status_code == 302
    assert BrowserSession.objects.count() == 1
    assert page.content.decode().count("This browser") == 1


def test_sessions_are_listed_and_ended(alice, charlie):
    here = signed_in(alice.email, headers={"user-agent": DESKTOP})
    there = signed_in(alice.email, headers={"user-agent": PHONE})
    stranger = signed_in(charlie.email)
    page = here.get(SECURITY).content.decode()
    assert ("Firefox · Linux" in page, "Safari · iPhone" in page) == (True, True)
    other = BrowserSession.objects.get(browser=PHONE)
    assert stranger.post(reverse("session-end", args=[other.pk])).status_code == 404
    assert there.get(SECURITY).status_code == 200
    assert here.post(reverse("session-end", args=[other.pk])).url == SECURITY
    assert there.get(SECURITY).status_code == 302
    own = BrowserSession.objects.get(browser=DESKTOP)
    assert here.post(reverse("session-end", args=[own.pk])).url == reverse("account_login")
    assert here.get(SECURITY).status_code == 302


def test_signing_in_and_out_is_in_ones_own_log_only(alice, charlie):
    browser = signed_in(alice.email)
    browser.post(reverse("account_logout"))
    events = AuditEntry.objects.filter(owner=alice).order_by("id").values_list("event", "actor", "address")
    assert list(events) == [("signed_in", alice.pk, "127.0.0.1"), ("signed_out", alice.pk, "127.0.0.1")]
    assert "Signed out" in signed_in(alice.email).get(SECURITY).content.decode()
    assert "Signed out" not in signed_in(charlie.email).get(SECURITY).content.decode()


def test_a_failed_sign_in_is_in_the_log_of_whom_it_concerns(alice):
    for email in ("alice@example.com", "nobody@example.com"):
        Client().post(reverse("account_login"), {"login": email, "password": "Wrong-horse-42"})
    entries = AuditEntry.objects.order_by("id").values_list("event", "owner", "actor", "subject")
    assert list(entries) == [("sign_in_failed", alice.pk, None, ""), ("sign_in_failed", None, None, "")]


def test_operators_sign_in_by_the_same_door(bob, charlie):
    sent = Client().get("/admin/login/?next=/admin/accounts/user/")
    assert (sent.status_code, sent.url) == (302, "/accounts/login/?next=%2Fadmin%2Faccounts%2Fuser%2F")
    assert Client().post("/admin/login/", {"username": bob.email, "password": PASSWORD}).status_code == 302
    assert signed_in(charlie.email).get("/admin/", follow=True).status_code == 403
    assert signed_in(bob.email).get("/admin/").status_code == 200


def test_the_page_costs_the_same_however_much_there_is(alice):
    browser = signed_in(alice.email)
    with CaptureQueriesContext(connection) as few:
        browser.get(SECURITY)
    for _number in range(30):
        other = Client()
        other.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    with CaptureQueriesContext(connection) as many:
        browser.get(SECURITY)
    assert len(many) == len(few)
