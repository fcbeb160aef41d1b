"""Forgotten, reset and changed passwords: one mail, one hour, one use; everything from before is signed out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, PasswordResetRequest, User
from accounts.reset_mail import send_reset_mails
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "Another-horse-43"
API = "/api/v1/auth"


def forgot(api, email="alice@example.com"):
    return api.post(f"{API}/forgot-password", {"email": email}, format="json")


def reset(api, token, password=NEW):
    return api.post(f"{API}/reset-password", {"token": token, "new_password": password}, format="json")


def log_in(api, password):
    return api.post(f"{API}/login", {"email": "alice@example.com", "password": password}, format="json")


def mailed_token() -> str:
    send_reset_mails(timezone.now())
    (found,) = re.findall(r"/accounts/password/reset/([\w-]+)/", mail.outbox[-1].body)
    return str(found)


def test_known_and_unknown_addresses_hear_the_same(anonymous_api, alice, django_assert_num_queries):
    for email in ("alice@example.com", "nobody@example.com"):
        with django_assert_num_queries(1):
            answer = forgot(anonymous_api, email)
        assert (answer.status_code, answer.json()) == (
            200,
            {"detail": "If there is an account with this address, a mail with a link is on its way to it."},
        )
    assert send_reset_mails(timezone.now()) == 1
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["alice@example.com"], "A new password for TradeBot")
    # In the log of an installation without mail the letter stands as it is sent: its link is whole.
    (link,) = re.findall(
        r"^http://127.0.0.1:\d+/accounts/password/reset/[\w-]{22}/$", letter.body, re.MULTILINE
    )
    assert link in letter.message().as_string()
    assert not PasswordResetRequest.objects.exists()


def test_a_token_sets_one_password_and_is_stored_as_a_hash_only(anonymous_api, alice, api_of):
    before, browser = api_of(alice), Client()
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    forgot(anonymous_api)
    token = mailed_token()
    alice.refresh_from_db()
    assert (len(alice.reset_token), token in alice.reset_token) == (64, False)
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        answer = reset(anonymous_api, token)
        assert (answer.status_code, answer.json()) == (
            200,
            {"detail": "The password is set. Sign in with it."},
        )
        assert before.get(f"{API}/me").status_code == 401
        assert browser.get(reverse("security")).status_code == 302
        assert [log_in(anonymous_api, PASSWORD).status_code, log_in(anonymous_api, NEW).status_code] == [
            401,
            200,
        ]
        again = reset(anonymous_api, token, "Third-horse-44")
    assert (again.status_code, again.json()) == (
        400,
        {"token": ["This link is not valid any more. Ask for a new one."]},
    )
    events = AuditEntry.objects.filter(owner=alice).order_by("id").values_list("event", flat=True)
    assert list(events) == [
        "signed_in",
        "password_reset_asked",
        "password_reset",
        "sign_in_failed",
        "signed_in",
    ]


def test_a_token_lives_for_an_hour_and_only_the_newest_counts(anonymous_api, alice):
    forgot(anonymous_api)
    first = mailed_token()
    forgot(anonymous_api)
    second = mailed_token()
    assert reset(anonymous_api, first).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert reset(anonymous_api, second).status_code == 400
    assert reset(anonymous_api, "").json() == {"token": ["This field may not be blank."]}


def test_a_weak_password_spends_nothing(anonymous_api, alice):
    forgot(anonymous_api)
    token = mailed_token()
    refused = reset(anonymous_api, token, "short")
    assert (refused.status_code, list(refused.json())) == (400, ["new_password"])
    assert reset(anonymous_api, token).status_code == 200


def test_who_is_deactivated_gets_no_mail(anonymous_api, alice):
    User.objects.update(is_active=False)
    forgot(anonymous_api)
    assert send_reset_mails(timezone.now()) == 0
    assert mail.outbox == []


def test_a_letter_that_could_not_be_sent_is_sent_later(anonymous_api, alice, settings):
    forgot(anonymous_api)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    now = timezone.now()
    assert send_reset_mails(now) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_reset_mails(now + timedelta(minutes=1)) == 0
    assert send_reset_mails(now + timedelta(minutes=3)) == 1
    assert len(mail.outbox) == 1


def test_changing_a_password_brings_new_tokens(alice, api_of, anonymous_api):
    api, other = api_of(alice), api_of(alice)
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        body = {"current_password": PASSWORD, "new_password": NEW}
        answer = api.post(f"{API}/change-password", body, format="json")
        assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")
        assert [api.get(f"{API}/me").status_code, other.get(f"{API}/me").status_code] == [401, 401]
        anonymous_api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access_token']}")
        assert anonymous_api.get(f"{API}/me").status_code == 200


def test_a_change_needs_the_present_password_and_the_rules(alice_api, alice):
    def change(**body):
        return alice_api.post(f"{API}/change-password", body, format="json")

    wrong = change(current_password="Wrong-horse-42", new_password=NEW)
    assert (wrong.status_code, wrong.json()) == (
        400,
        {"current_password": ["This is not your present password."]},
    )
    weak = change(current_password=PASSWORD, new_password="password")
    assert (weak.status_code, list(weak.json())) == (400, ["new_password"])
    assert list(change(current_password=PASSWORD, new_password=NEW, user=1).json()) == ["user"]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("verb", ["forgot-password", "reset-password", "change-password"])
def test_every_verb_wants_its_fields(anonymous_api, alice_api, verb):
    api = alice_api if verb == "change-password" else anonymous_api
    assert api.post(f"{API}/{verb}", {}, format="json").status_code == 400
    assert api.get(f"{API}/{verb}").status_code == 405
    assert api.post(f"{API}/{verb}/", {}, format="json").status_code == 400
