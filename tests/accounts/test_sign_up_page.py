"""Signing up by page brings a paper key; changing a password, wherever, ends every token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiKey, User
from tests.conftest import PASSWORD


def sign_up(client: Client, email: str = "New@Example.com"):
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post(reverse("account_signup"), form)


@pytest.mark.django_db
def test_a_page_sign_up_brings_a_paper_key():
    assert sign_up(Client())["Location"] == reverse("dashboard")
    user = User.objects.get()
    assert user.email == "new@example.com"
    assert list(ApiKey.objects.values_list("user_id", "label", "venue")) == [(user.pk, "Paper", "sandbox")]


@pytest.mark.django_db
def test_user_and_key_come_together_or_not_at_all(settings):
    settings.FERNET_KEYS = ["broken by hand"]
    assert sign_up(Client(raise_request_exception=False)).status_code == 500
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_new_password_ends_every_token(alice, api_of):
    before = api_of(alice)
    assert before.get("/api/v1/auth/me").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        alice.set_password("Another-horse-43")
        alice.save()
        assert before.get("/api/v1/auth/me").status_code == 401
        assert api_of(alice).get("/api/v1/auth/me").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_racing_refreshes_one_wins(alice):
    refresh_token = tokens.issue_tokens(alice, remember_me=False)["refresh_token"]

    def refresh(_turn: int) -> str:
        try:
            tokens.rotate(refresh_token)
        except tokens.TokenRefused:
            return "refused"
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(refresh, range(4))) == ["refused"] * 3 + ["won"]
