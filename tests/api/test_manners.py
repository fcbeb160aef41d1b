"""What every address has in common: both spellings, JSON errors, CORS, an offline schema, and nothing to sign in by."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_every_path_is_served_with_and_without_slash_and_never_redirected(
    alice_api, symbols, paper_key, make_bot
):
    pk = make_bot().pk
    for path in (
        "/api/v1",
        "/api/v1/auth/me",
        "/api/v1/api-keys",
        f"/api/v1/api-keys/{paper_key.pk}",
        "/api/v1/bot-configs",
        "/api/v1/bot_config",
        f"/api/v1/bot-configs/{pk}",
        f"/api/v1/bot-configs/{pk}/versions",
        f"/api/v1/bot-states/{pk}",
        f"/api/v1/bots/{pk}/performance",
        f"/api/v1/bots/{pk}/trades",
        f"/api/v1/bots/{pk}/orders",
        f"/api/v1/bots/{pk}/decisions",
        "/api/v1/bots/summary",
        "/api/v1/trades",
        "/api/v1/halts",
        "/api/v1/strategies",
        "/api/v1/symbols/spot",
        "/api/v1/symbols/futures",
        "/api/v1/schema",
        "/api/v1/docs",
    ):
        answers = [alice_api.get(spelling).status_code for spelling in (path, f"{path}/")]
        assert answers == [200, 200], path


def test_an_unknown_address_is_a_json_404(anonymous_api, alice_api):
    for api in (anonymous_api, alice_api):
        for path in (
            "/api/v1/nothing",
            "/api/v1/bot-configs/abc",
            "/api/v1/bots/1/teleport",
        ):
            answer = api.get(path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."}), path


def test_symbols_are_open_and_futures_are_none(anonymous_api, symbols):
    anonymous_api.credentials(HTTP_AUTHORIZATION="Bearer stale")
    spot = anonymous_api.get("/api/v1/symbols/spot").json()
    assert spot["results"] == [
        {"symbol": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"},
        {"symbol": "ETHUSDT", "base_asset": "ETH", "quote_asset": "USDT"},
    ]
    futures = anonymous_api.get("/api/v1/symbols/futures").json()
    assert futures == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_strategy_describes_its_params(alice_api):
    ema, rsi, macd, bollinger, confluence = alice_api.get("/api/v1/strategies").json()
    assert (ema["name"], [param["name"] for param in ema["params"]]) == (
        "ema",
        ["ema_fast", "ema_slow", "ema_period", "rsi_period", "rsi_oversold", "rsi_overbought"],
    )
    assert (rsi["name"], [param["name"] for param in rsi["params"]]) == (
        "rsi",
        ["rsi_period", "rsi_oversold", "rsi_overbought"],
    )
    fast = ema["params"][0]
    assert (fast["type"], fast["default"], fast["minimum"], fast["maximum"]) == ("integer", 8, 1, 200)
    assert (fast["step"], fast["search"]) == (1, [3, 15])
    deviations = bollinger["params"][1]
    assert {
        name: deviations[name] for name in ("type", "default", "minimum", "maximum", "step", "search")
    } == {
        "type": "decimal",
        "default": "2",
        "minimum": "0.1",
        "maximum": "10",
        "step": "0.25",
        "search": ["1.5", "3"],
    }
    assert [entry["name"] for entry in (macd, confluence)] == ["macd", "confluence"]


def test_any_origin_may_ask_outside_production(anonymous_api):
    answer = anonymous_api.options(
        "/api/v1/auth/login", HTTP_ORIGIN="https://front.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST"
    )
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Access-Control-Allow-Origin" not in Client().get(
        "/accounts/login/", HTTP_ORIGIN="https://x.example"
    )


def test_the_schema_is_valid_and_names_no_other_host(anonymous_api, tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    page = anonymous_api.get("/api/v1/docs/").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "://" not in page.replace("http://testserver", "")
    assert "<script>" not in page


def test_a_signed_in_browser_can_browse_and_needs_its_csrf_token(alice, make_bot):
    make_bot(name="Runner")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = browser.get("/api/v1/bot-configs/", HTTP_ACCEPT="text/html")
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Runner" in page.content.decode()
    refused = browser.post(
        "/api/v1/api-keys/", {"venue": "sandbox", "label": "x"}, content_type="application/json"
    )
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]


def test_a_form_is_a_body_too(alice_api, paper_key, symbols):
    body = {"name": "By form", "api_key": paper_key.pk, "symbol": "BTCUSDT", "initial_capital": "1000"}
    answer = alice_api.post("/api/v1/bot-configs/", body, format="multipart")
    assert (answer.status_code, answer.json()["name"]) == (201, "By form")


def test_signing_up_needs_no_cookie(anonymous_api):
    body = {"email": "front@example.com", "password": PASSWORD}
    assert anonymous_api.post("/api/v1/auth/register", body, format="json").status_code == 201
    assert anonymous_api.cookies == {}
