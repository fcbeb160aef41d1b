"""A forgotten password in a real browser: letter, new password, and signing out everywhere else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from accounts.reset_mail import send_reset_mails
from tests.conftest import PASSWORD, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW, NEWER = "Another-horse-43", "Another-horse-44"


def sign_in(page: Any, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "alice@example.com")
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    expect(page).to_have_url("/")


def test_a_forgotten_password_is_set_and_changed(open_page: Any) -> None:
    person("alice@example.com")
    here, phone = open_page(), open_page(viewport={"width": 390, "height": 800})
    sign_in(phone, PASSWORD)

    here.goto("/accounts/login/")
    here.get_by_role("link", name="Forgotten your password?").click()
    here.get_by_label("E-mail").fill("alice@example.com")
    here.get_by_role("button", name="Send me the link").click()
    expect(here.get_by_role("heading", name="Look into your mail")).to_be_visible()
    assert send_reset_mails(timezone.now()) == 1
    link = re.search(r"http://[^/]+(/accounts/\S+)", mail.outbox[-1].body)
    assert link is not None

    here.goto(link[1])
    expect(here).to_have_url("/accounts/password/reset/")
    here.get_by_label("New password", exact=True).fill(NEW)
    here.get_by_label("New password again").fill(NEW)
    here.get_by_role("button", name="Set the password").click()
    expect(here.get_by_text("The password is set. Sign in with it.")).to_be_visible()
    phone.reload()
    expect(phone).to_have_url(re.compile("/accounts/login/"))

    sign_in(here, NEW)
    sign_in(phone, NEW)
    here.goto("/accounts/security/")
    expect(here.get_by_text("This browser")).to_have_count(1)
    expect(here.get_by_role("button", name="Sign out in")).to_have_count(2)
    here.get_by_label("Present password").fill(NEW)
    here.get_by_label("New password", exact=True).fill(NEWER)
    here.get_by_label("New password again").fill(NEWER)
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_text("Everywhere else you are signed out.")).to_be_visible()
    expect(here.get_by_role("button", name="Sign out in")).to_have_count(1)
    expect(here.get_by_role("cell", name="Password changed")).to_be_visible()
    phone.reload()
    expect(phone).to_have_url(re.compile("/accounts/login/"))
