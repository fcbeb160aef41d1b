"""bots/{id}/start and stop, bot-states/{id}: one call of the lifecycle each, and its refusals as answers."""

from __future__ import annotations

import pytest

from accounts.keys import mint_paper_key
from bots.models import BotConfig, BotState

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(alice, sandbox, make_bot):
    return make_bot(mint_paper_key(alice, "At the sandbox"))


def test_a_bot_starts_and_stops(alice_api, bot):
    started = alice_api.post(f"/api/v1/bots/{bot.pk}/start")
    assert (started.status_code, started.json()) == (
        200,
        {"message": "Bot started", "bot_config_id": bot.pk, "status": "pending"},
    )
    again = alice_api.post(f"/api/v1/bots/{bot.pk}/start/", {}, format="json")
    assert (again.status_code, again.json()) == (409, {"detail": "This bot is already started."})
    assert alice_api.get(f"/api/v1/bot-states/{bot.pk}").json()["status"] == "pending"
    for body in ({}, {"position": "keep"}):
        stopped = alice_api.post(f"/api/v1/bots/{bot.pk}/stop", body, format="json")
        assert (stopped.status_code, stopped.json()) == (
            200,
            {"message": "Bot stopped", "bot_config_id": bot.pk, "status": "stopped"},
        )
    assert BotConfig.objects.get().is_active is False


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("stop", {"position": "sell"}, {"position": ['"sell" is not a valid choice.']}),
        ("stop", {"force": True}, {"force": ["Unknown field."]}),
        ("start", {"force": True}, {"force": ["Unknown field."]}),
    ],
)
def test_a_bad_body_is_a_400_and_moves_nothing(alice_api, make_bot, path, body, fields):
    bot = make_bot(is_active=True)
    answer = alice_api.post(f"/api/v1/bots/{bot.pk}/{path}", body, format="json")
    assert (answer.status_code, answer.json()) == (400, fields)
    assert BotConfig.objects.get().is_active is True


def test_too_little_money_is_a_400_with_the_numbers(alice_api, bot):
    BotConfig.objects.update(initial_capital=20_000)
    answer = alice_api.post(f"/api/v1/bots/{bot.pk}/start")
    assert answer.status_code == 400
    assert list(answer.json()) == ["initial_capital"]
    assert "10,000.00 USDT" in answer.json()["initial_capital"][0]
    assert BotState.objects.get().status == "stopped"


def test_an_exchange_away_is_a_503_and_the_bot_stays_stopped(alice_api, make_bot, symbols, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    bot = make_bot()
    answer = alice_api.post(f"/api/v1/bots/{bot.pk}/start")
    assert (answer.status_code, answer.json()) == (
        503,
        {"detail": "The exchange does not answer. The bot was not started; try again in a moment."},
    )
    assert BotConfig.objects.get().is_active is False


def test_a_state_shows_what_it_holds(alice_api, make_bot):
    bot = make_bot()
    BotState.objects.update(
        status="waiting",
        status_detail="no signal",
        in_position=True,
        position_side="long",
        entry_price="64000.50",
        current_position_size_coins="0.0156",
        last_candle_open_ms=1_772_366_400_000,
    )
    shown = alice_api.get(f"/api/v1/bot-states/{bot.pk}/").json()
    last_updated_at = shown.pop("last_updated_at")
    assert last_updated_at.endswith("Z")
    assert shown == {
        "bot_config": bot.pk,
        "status": "waiting (no signal)",
        "in_position": True,
        "position_side": "long",
        "entry_price": "64000.5",
        "current_position_size_coins": "0.0156",
        "take_profit_price": None,
        "stop_loss_price": None,
        "trailing_stop_price": None,
        "max_price_since_entry": None,
        "realized_pnl": "0",
        "daily_pnl": "0",
        "daily_trades_count": 0,
        "last_run_at": None,
        "last_candle_at": "2026-03-01T12:00:00Z",
        "last_reason": "",
        "last_error_message": "",
    }
