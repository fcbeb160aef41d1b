"""Limits of signing in and resetting: per address and per e-mail, for pages and API together, without Redis none."""

from __future__ import annotations

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.client_address import client_address, neighbourhood
from exchange.cache import cache
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/api/v1/auth/login"
FORGOT = "/api/v1/auth/forgot-password"


def log_in(api, email="alice@example.com", password=PASSWORD, **headers):
    return api.post(LOGIN, {"email": email, "password": password}, format="json", **headers)


def test_the_sixth_attempt_of_a_minute_waits(anonymous_api, alice):
    answers = [log_in(anonymous_api, password="Wrong-horse-42") for _number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    wait = int(answers[5]["Retry-After"])
    assert 50 <= wait <= 60
    assert answers[5].json() == {"detail": f"Too many attempts. Try again in {wait} seconds."}
    # The right password does not help, another address does.
    assert log_in(anonymous_api).status_code == 429
    assert log_in(anonymous_api, REMOTE_ADDR="203.0.113.7").status_code == 200


def test_pages_and_api_count_together(anonymous_api, alice):
    for _number in range(5):
        log_in(anonymous_api, password="Wrong-horse-42")
    answer = Client().post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 429
    wait = answer["Retry-After"]
    assert f"Too many attempts. Try again in {wait} seconds." in answer.content.decode()
    assert 'value="alice@example.com"' in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_ten_attempts_an_hour_for_one_e_mail_wherever_from(anonymous_api, alice):
    spelled = ["alice@example.com", "ALICE@example.com "]
    answers = [
        log_in(anonymous_api, spelled[number % 2], "Wrong-horse-42", REMOTE_ADDR=f"203.0.113.{number}")
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 3500 <= int(answers[10]["Retry-After"]) <= 3600
    assert log_in(anonymous_api, "bob@example.com", REMOTE_ADDR="203.0.113.99").status_code == 401


def test_asking_for_resets_is_limited_apart_from_signing_in(anonymous_api, alice):
    for _number in range(5):
        log_in(anonymous_api, password="Wrong-horse-42")
    answers = [anonymous_api.post(FORGOT, {"email": f"u{n}@example.com"}, format="json") for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    page = Client().post(reverse("password-forgot"), {"email": "alice@example.com"})
    assert (page.status_code, page["Retry-After"] in page.content.decode()) == (429, True)


def test_the_limits_are_settings(anonymous_api, alice, settings):
    settings.SIGN_IN_LIMIT_PER_MINUTE = 2
    assert [log_in(anonymous_api).status_code for _number in range(3)] == [200, 200, 429]


def test_without_redis_everybody_signs_in_and_the_log_says_so(anonymous_api, alice, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with structlog.testing.capture_logs() as logs:
        assert [log_in(anonymous_api).status_code for _number in range(7)] == [200] * 7
    assert {line["event"] for line in logs} >= {"attempts_not_limited", "redis_away"}


def test_a_window_begins_with_its_first_count_and_says_how_long_it_lasts():
    assert cache().add_in_window("attempts:x", window_seconds=60) == (1, 60)
    count, left = cache().add_in_window("attempts:x", window_seconds=60)
    assert (count, 59 <= left <= 60) == (2, True)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "127.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (2, "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_address_is_what_the_last_trusted_proxy_saw(rf, settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    assert client_address(rf.get("/", HTTP_X_FORWARDED_FOR=forwarded)) == address


def test_a_forged_header_buys_no_attempts(anonymous_api, alice):
    answers = [log_in(anonymous_api, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}").status_code for n in range(6)]
    assert answers == [200] * 5 + [429]


def test_an_ipv6_network_is_one_neighbour():
    assert neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert neighbourhood("192.0.2.1") == "192.0.2.1"


def test_the_log_names_no_forged_address(rf, settings):
    from django_structlog.middlewares import RequestMiddleware

    bound = {}

    def look(_request):
        bound.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    request = rf.get("/", HTTP_X_FORWARDED_FOR="203.0.113.7")
    request.user = None
    RequestMiddleware(look)(request)
    assert bound["ip"] == "127.0.0.1"
