"""auth/…: register, log in, refresh, log out, who am I."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.tokens import issue_tokens
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
WRONG = {"detail": "E-mail address or password is wrong."}
NOT_VALID = {"detail": "The token is not valid or has expired."}


def login(api, email="alice@example.com", password=PASSWORD, **more):
    return api.post("/api/v1/auth/login", {"email": email, "password": password, **more}, format="json")


def me(api, access_token):
    return api.get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {access_token}")


def test_registering_answers_the_user_and_mints_a_paper_key(anonymous_api):
    body = {"email": "New@Example.com", "password": PASSWORD}
    answer = anonymous_api.post("/api/v1/auth/register", body, format="json")
    user = User.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": user.pk, "email": "new@example.com", "is_active": True},
    )
    key = ApiKey.objects.get()
    assert (key.user, key.venue, key.label, key.is_valid) == (user, "sandbox", "Paper", True)
    assert (
        me(anonymous_api, login(anonymous_api, "NEW@example.COM").json()["access_token"]).status_code == 200
    )


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email": ["This field is required."], "password": ["This field is required."]}),
        (
            {"email": "ALICE@example.com", "password": PASSWORD},
            {"email": ["A user with this e-mail address exists already."]},
        ),
        ({"email": "not an address", "password": PASSWORD}, {"email": ["Enter a valid email address."]}),
        (
            {"email": "n@example.com", "password": "short"},
            {
                "password": [
                    "This password is too short. It must contain at least 12 characters. "
                    "The password needs an upper-case letter, a digit, another character, such as - or !."
                ]
            },
        ),
        (
            {"email": "n@example.com", "password": PASSWORD, "is_staff": True},
            {"is_staff": ["Unknown field."]},
        ),
        ({"email": "n@example.com", "password": None}, {"password": ["This field may not be null."]}),
        ({"email": "n@example.com", "password": ["x"]}, {"password": ["Not a valid string."]}),
    ],
)
def test_a_bad_registration_names_its_fields_and_makes_nobody(anonymous_api, alice, body, fields):
    answer = anonymous_api.post("/api/v1/auth/register", body, format="json")
    assert (answer.status_code, answer.json()) == (400, fields)
    assert User.objects.count() == 1


def test_login_answers_tokens_and_user(anonymous_api, alice):
    answer = login(anonymous_api)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "refresh_token", "token_type", "user"}
    assert body["token_type"] == "bearer"
    assert body["user"] == {"id": alice.pk, "email": "alice@example.com", "is_active": True}
    assert answer["Cache-Control"] == "no-store"
    shown = me(anonymous_api, body["access_token"]).json()
    assert (shown["id"], shown["email"], shown["is_staff"]) == (alice.pk, "alice@example.com", False)


def test_wrong_password_unknown_and_inactive_user_answer_alike(anonymous_api, alice, charlie):
    charlie.is_active = False
    charlie.save()
    answers = [
        login(anonymous_api, password="Wrong-horse-42"),
        login(anonymous_api, email="nobody@example.com"),
        login(anonymous_api, email="charlie@example.com"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, WRONG)] * 3


def test_an_unknown_user_costs_a_password_hash_too(anonymous_api, alice, settings):
    """Time is spent in the hasher, so both ways must pass through it exactly once."""
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    from tests.accounts.counting_hasher import CountingHasher

    alice.set_password(PASSWORD)
    alice.save()
    costs = []
    for email in ("alice@example.com", "nobody@example.com"):
        CountingHasher.encoded = 0
        login(anonymous_api, email=email, password="Wrong-horse-42")
        costs.append(CountingHasher.encoded)
    assert costs == [1, 1]


@pytest.mark.parametrize(
    ("remember_me", "access_days", "refresh_days"),
    [(False, 7, 30), (True, 30, 60)],
    ids=["session", "remembered"],
)
def test_tokens_live_as_long_as_promised(anonymous_api, alice, remember_me, access_days, refresh_days):
    now = timezone.now().replace(microsecond=0) + timedelta(seconds=10)
    with time_machine.travel(now, tick=False):
        body = login(anonymous_api, remember_me=remember_me).json()
        claims = [
            jwt.decode(body[kind], settings.JWT_SIGNING_KEY, algorithms=["HS256"])
            for kind in ("access_token", "refresh_token")
        ]
        refreshed = anonymous_api.post(
            "/api/v1/auth/refresh", {"refresh_token": body["refresh_token"]}
        ).json()
        again = jwt.decode(refreshed["access_token"], settings.JWT_SIGNING_KEY, algorithms=["HS256"])
    lives = [claim["exp"] - int(now.timestamp()) for claim in (*claims, again)]
    assert lives == [access_days * 86400, refresh_days * 86400, access_days * 86400]
    assert claims[0]["user_id"] == str(alice.pk)
    assert not any("alice" in str(claim) for claim in claims)


def test_refresh_answers_as_login_and_spends_the_token(anonymous_api, alice):
    first = login(anonymous_api).json()
    answer = anonymous_api.post(
        "/api/v1/auth/refresh/", {"refresh_token": first["refresh_token"]}, format="json"
    )
    second = answer.json()
    assert answer.status_code == 200
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    assert me(anonymous_api, second["access_token"]).status_code == 200
    spent = anonymous_api.post(
        "/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]}, format="json"
    )
    assert (spent.status_code, spent.json()) == (401, NOT_VALID)


def test_logout_spends_the_refresh_token(anonymous_api, alice):
    token = login(anonymous_api).json()["refresh_token"]
    answers = [
        anonymous_api.post(f"/api/v1/auth/{verb}", {"refresh_token": token}, format="json")
        for verb in ("logout", "refresh", "logout")
    ]
    assert [answer.status_code for answer in answers] == [204, 401, 401]


def test_no_refresh_token_is_kept_in_the_database(anonymous_api, alice):
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    token = login(anonymous_api).json()["refresh_token"]
    anonymous_api.post("/api/v1/auth/logout", {"refresh_token": token}, format="json")
    assert list(OutstandingToken.objects.values_list("token", flat=True)) == [""]


def test_ids_of_spent_tokens_are_forgotten_once_they_expire(anonymous_api, alice):
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

    def log_in_and_out():
        token = login(anonymous_api).json()["refresh_token"]
        anonymous_api.post("/api/v1/auth/logout", {"refresh_token": token}, format="json")
        return token

    log_in_and_out()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        log_in_and_out()
        assert (OutstandingToken.objects.count(), BlacklistedToken.objects.count()) == (1, 1)


def forged(user, **changes):
    token = issue_tokens(user, remember_me=False)["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    return {**claims, **changes}


def bad_tokens(user):
    key = settings.JWT_SIGNING_KEY
    good = forged(user)
    past = int((timezone.now() - timedelta(days=1)).timestamp())
    return {
        "another key": jwt.encode(good, "x" * 40, algorithm="HS256"),
        "django's own key": jwt.encode(good, settings.SECRET_KEY, algorithm="HS256"),
        "no signature": jwt.encode(good, None, algorithm="none"),
        "expired": jwt.encode({**good, "exp": past}, key, algorithm="HS256"),
        "without expiry": jwt.encode({k: v for k, v in good.items() if k != "exp"}, key, algorithm="HS256"),
        "a refresh token": issue_tokens(user, remember_me=False)["refresh_token"],
        "nobody's": jwt.encode({**good, "user_id": "999999999"}, key, algorithm="HS256"),
        "without user": jwt.encode({k: v for k, v in good.items() if k != "user_id"}, key, algorithm="HS256"),
        "without instant": jwt.encode(
            {k: v for k, v in good.items() if k != "issued_at_ms"}, key, algorithm="HS256"
        ),
        "not a token": "abc",
        "not ascii": "ü.ü.ü",
    }


def test_a_forged_expired_or_foreign_token_is_refused_alike(anonymous_api, alice):
    for name, token in bad_tokens(alice).items():
        answer = me(anonymous_api, token)
        assert (answer.status_code, answer.json()) == (401, NOT_VALID), name
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"', name


def test_a_header_that_is_no_bearer_token_is_anonymous(anonymous_api, alice):
    for header in ("", "Bearer", "Basic YWxpY2U6eA==", "Token abc"):
        answer = anonymous_api.get("/api/v1/auth/me", HTTP_AUTHORIZATION=header)
        assert answer.status_code == 401, header


def test_tokens_from_before_a_password_change_are_worth_nothing(anonymous_api, alice):
    before = login(anonymous_api).json()
    alice.tokens_valid_from = timezone.now() + timedelta(milliseconds=1)
    alice.save()
    assert me(anonymous_api, before["access_token"]).json() == NOT_VALID
    refused = anonymous_api.post(
        "/api/v1/auth/refresh", {"refresh_token": before["refresh_token"]}, format="json"
    )
    assert (refused.status_code, refused.json()) == (401, NOT_VALID)


def test_an_inactive_user_is_refused(alice, alice_api):
    alice.is_active = False
    alice.save()
    answer = alice_api.get("/api/v1/auth/me")
    assert (answer.status_code, answer.json()) == (401, NOT_VALID)


def test_what_a_later_version_brings_is_refused_by_name(alice_api):
    assert [
        alice_api.patch("/api/v1/auth/me", {}).status_code,
        alice_api.delete("/api/v1/auth/me").status_code,
    ] == [405, 405]
    assert alice_api.patch("/api/v1/auth/me", {}).json() == {
        "detail": "Changing the account is not available yet."
    }


def test_a_submitted_password_is_never_echoed(anonymous_api, alice):
    secret = "Hidden-pässword-77"
    bodies = [
        ("register", {"email": "alice@example.com", "password": secret}),
        ("register", {"email": "x", "password": secret, "more": 1}),
        ("login", {"email": "alice@example.com", "password": secret}),
        ("login", {"password": secret}),
        ("login", {"email": "alice@example.com", "password": {"deep": secret}}),
        ("refresh", {"refresh_token": secret}),
        ("reset-password", {"token": "x", "new_password": secret}),
        ("reset-password", {"new_password": secret}),
    ]
    for verb, body in bodies:
        answer = anonymous_api.post(f"/api/v1/auth/{verb}", body, format="json")
        assert answer.status_code in (400, 401)
        assert secret not in answer.content.decode()
    broken = anonymous_api.generic(
        "POST", "/api/v1/auth/login", f'{{"password": "{secret}"', content_type="application/json"
    )
    assert broken.status_code == 400
    assert secret not in broken.content.decode()
