"""Passwords, tokens and keys: in no answer, no log line and no exception, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback

import pytest

from accounts import keys
from accounts.vault import credentials_of
from exchange.port import ExchangeError
from exchange.sandbox.credentials import mint_api_key, secret_for
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NO_SERVER = "http://127.0.0.1:9"


def test_no_log_line_of_sign_in_and_keys_tells_a_secret(
    anonymous_api, alice_api, sandbox, settings, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    key = mint_api_key()
    secret = secret_for(key, sandbox.key_secret)
    wrong, said = "Wrong-horse-4242", []
    body = {"venue": "sandbox", "label": "B", "api_key": key, "secret_key": secret}

    def post(api, path, sent):
        answer = api.post(f"/api/v1/{path}", sent, format="json")
        said.append(answer.content.decode())
        return answer

    post(anonymous_api, "auth/login", {"email": "alice@example.com", "password": wrong})
    tokens = post(anonymous_api, "auth/login", {"email": "alice@example.com", "password": PASSWORD}).json()
    said.pop()  # the one answer that carries tokens
    post(anonymous_api, "auth/logout", {"refresh_token": tokens["refresh_token"]})
    post(alice_api, "api-keys/", {**body, "secret_key": secret[::-1]})
    pk = post(alice_api, "api-keys/", body).json()["id"]
    post(alice_api, "api-keys/", body)
    settings.SANDBOX_URL = NO_SERVER
    post(alice_api, f"api-keys/{pk}/check", {})
    said.append(alice_api.get(f"/api/v1/api-keys/{pk}/balance").content.decode())
    logged = "".join(map(str, capfd.readouterr())) + caplog.text + "".join(said)
    for hidden in (wrong, PASSWORD, key, secret, secret[::-1], *tokens.values()):
        if isinstance(hidden, str) and hidden != "bearer":
            assert hidden not in logged


def test_no_exception_of_a_failed_request_tells_a_secret(paper_key, settings):
    settings.SANDBOX_URL = NO_SERVER
    opened = credentials_of(paper_key)
    with pytest.raises(ExchangeError) as caught:
        keys.balance_of(paper_key)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert opened.secret_key not in text
    assert opened.api_key not in text
