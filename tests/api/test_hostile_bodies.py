"""Bodies nobody writes by accident: always a 4xx in the usual shape, never a 500, and nothing stored."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import ApiKey, User
from bots.models import BotConfig
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
BODIES = {
    "half a surrogate as a value": '{"name": "\\ud800", "label": "\\ud800", "email": "\\ud800", "venue": "\\ud800"}',
    "half a surrogate as a field": '{"\\udfff": 1}',
    "NUL as a value": '{"name": "a\\u0000bc", "label": "a\\u0000b", "email": "a\\u0000@b.c", "venue": "\\u0000"}',
    "NUL as a field": '{"\\u0000": 1}',
    "an endless number": '{"name": 1' + "0" * 5000 + "}",
    "infinity": '{"initial_capital": 1e999, "version": 1e999, "api_key": 1e999}',
    "NaN": '{"initial_capital": NaN}',
    "nested without end": "[" * 100_000 + "]" * 100_000,
    "an object for every text": '{"name": {}, "symbol": [], "email": {}, "password": [], "refresh_token": {}}',
    "numbers for texts": '{"name": 1, "symbol": 2.5, "email": 3, "password": true, "label": false, "venue": 0}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "nothing": b"",
    "a list": "[1]",
    "null": "null",
}
PATHS = (
    "auth/register", "auth/login", "auth/refresh", "auth/logout", "auth/forgot-password", "auth/reset-password",
    "auth/change-password", "api-keys/", "bot-configs/", "halts/",
    "backtests/", "backtest/run", "optimizations/",
)  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_a_4xx_in_the_usual_shape(alice_api, paper_key, make_bot, name):
    bot = make_bot()
    addresses = [("post", f"/api/v1/{path}") for path in PATHS]
    addresses += [(verb, f"/api/v1/bot-configs/{bot.pk}") for verb in ("put", "patch")]
    addresses += [("post", f"/api/v1/bot-configs/{bot.pk}/rollback")]
    for verb, path in addresses:
        answer = alice_api.generic(verb.upper(), path, BODIES[name], content_type="application/json")
        assert 400 <= answer.status_code < 500, (verb, path, answer.content[:300])
        errors = json.loads(answer.content)
        assert all(
            isinstance(messages, str)
            if field == "detail"
            else isinstance(messages, list) and len(messages) == 1
            for field, messages in errors.items()
        ), (path, errors)
    verbs = [("post", f"bots/{bot.pk}/{verb}") for verb in ("start", "stop", "close-position")]
    for verb, path in [*verbs, ("put", f"bot-states/{bot.pk}"), ("patch", f"api-keys/{paper_key.pk}")]:
        answer = alice_api.generic(
            verb.upper(), f"/api/v1/{path}", BODIES[name], content_type="application/json"
        )
        # An empty body is a start as good as any: here it finds no exchange.
        assert answer.status_code != 500, path
    assert (User.objects.count(), ApiKey.objects.count(), BotConfig.objects.count()) == (1, 1, 1)


def test_a_body_of_another_kind_is_a_415(alice_api):
    answer = alice_api.generic("POST", "/api/v1/bot-configs/", "<bot/>", content_type="application/xml")
    assert (answer.status_code, answer.json()) == (
        415,
        {"detail": 'Unsupported media type "application/xml" in request.'},
    )


def test_what_nobody_foresaw_is_a_500_that_tells_nothing(db, settings):
    settings.FERNET_KEYS = ["broken by hand"]
    client = Client(raise_request_exception=False)
    body = {"email": "new@example.com", "password": PASSWORD}
    answer = client.post("/api/v1/auth/register", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (
        500,
        {"detail": "Something went wrong on our side. It was logged."},
    )
    # The user and the paper key come together or not at all.
    assert not User.objects.exists()
