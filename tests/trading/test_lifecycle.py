"""Starting and stopping bots against the real sandbox: every refusal with its reason, and nothing half done."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings as django_settings
from django.utils import timezone

from accounts.keys import mint_paper_key
from accounts.models import ApiKey
from accounts.vault import credentials_of
from bots.configuration import ConfigurationRefused, archive_bot, change_bot
from bots.lifecycle import LifecycleRefused, set_status
from bots.models import BotConfig, BotState, BotStatus, Halt
from bots.queries import bots_of
from exchange.connect import forget_clients
from exchange.models import SymbolInfo
from exchange.symbols import forget
from tests.trading.steps import fresh, plan_buy, plan_sell, reloaded, reserved
from trading.lifecycle import queue_run, start_bot, stop_bot
from trading.models import Order, Position, Wallet
from trading.orders.execution import send

pytestmark = pytest.mark.django_db


def refusal_of(bot: BotConfig, **more: Any) -> LifecycleRefused:
    """The refusal of a start, after checking that it left the bot as it was."""
    before = (bot.is_active, fresh(bot).state.status_text)
    with pytest.raises(LifecycleRefused) as caught:
        start_bot(bot, by=bot.user, **more)
    assert (fresh(bot).is_active, fresh(bot).state.status_text) == before
    return caught.value


def queued_runs() -> list[int]:
    """Bot ids of the runs waiting in the broker."""
    broker = redis.Redis.from_url(django_settings.CELERY_BROKER_URL)
    queues = list(broker.scan_iter(match="celery*"))
    messages = [json.loads(raw) for queue in queues for raw in broker.lrange(queue, 0, -1)]
    broker.delete(*queues)
    runs = [message for message in messages if message["headers"]["task"] == "trading.run_bot_task"]
    return [json.loads(message["headers"]["argsrepr"])[0] for message in runs]


def test_a_start_makes_active_and_pending_and_queues_a_first_run(
    new_bot: Any, alice: Any, django_capture_on_commit_callbacks: Any
) -> None:
    bot = new_bot(started=False)
    queued_runs()
    with django_capture_on_commit_callbacks(execute=True):
        answer = start_bot(bot, by=alice)
    assert answer == {"message": "Bot started", "bot_config_id": bot.pk, "status": "pending"}
    assert (fresh(bot).is_active, fresh(bot).state.status_text) == (True, "pending")
    assert queued_runs() == [bot.pk]
    wallet = Wallet.objects.get(account=bot.account, market="spot", asset="USDT")
    assert (wallet.free, wallet.locked) == (10_000, 0)


def test_a_run_that_cannot_be_queued_is_no_error() -> None:
    nobody = Celery("nobody", broker="redis://127.0.0.1:9/0", set_as_current=False)
    nobody.conf.task_publish_retry_policy = django_settings.CELERY_TASK_PUBLISH_RETRY_POLICY
    queue_run(7, app=nobody)


def test_a_started_bot_is_a_409_and_a_paused_or_failed_one_starts_again(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    assert (refusal_of(bot).status_code, refusal_of(bot).message) == (409, "This bot is already started.")
    for status, detail in ((BotStatus.PAUSED, "key invalid"), (BotStatus.ERROR, "order rejected")):
        assert set_status(fresh(bot).state, status, detail)
        assert start_bot(bot, by=alice)["status"] == "pending"
        assert fresh(bot).state.status_text == "pending"


def test_a_halt_refuses_with_its_reason(new_bot: Any) -> None:
    bot = new_bot(started=False)
    Halt.objects.create(reason="Maintenance")
    assert (refusal_of(bot).status_code, refusal_of(bot).message) == (
        409, "TradeBot is halted by its operators: Maintenance",
    )  # fmt: skip


def test_a_key_known_to_be_invalid_refuses(new_bot: Any) -> None:
    bot = new_bot(started=False)
    ApiKey.objects.filter(pk=bot.api_key_id).update(is_valid=False)
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, "api_key")


def test_a_key_the_exchange_refuses_now_refuses(new_bot: Any, sandbox: Any) -> None:
    bot = new_bot(started=False)
    sandbox.control.revoke_key(credentials_of(bot.api_key).api_key)
    refusal = refusal_of(bot)
    assert (refusal.status_code, refusal.field) == (400, "api_key")
    assert ApiKey.objects.get(pk=bot.api_key_id).is_valid is False


def test_a_key_that_cannot_be_decrypted_refuses_without_a_trace_of_it(new_bot: Any) -> None:
    bot = new_bot(started=False)
    ApiKey.objects.filter(pk=bot.api_key_id).update(encrypted_secret_key=b"not sealed by us")
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, "api_key")


@pytest.mark.parametrize("change", [{"leverage": 2}, {"direction": "short"}, {"auto_transfer_funds": True}])
def test_a_row_that_asks_for_what_is_not_built_does_not_start(new_bot: Any, change: dict[str, Any]) -> None:
    bot = new_bot(started=False)
    BotConfig.objects.filter(pk=bot.pk).update(**change)
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, next(iter(change)))


def test_parameters_are_checked_again(new_bot: Any) -> None:
    bot = new_bot(started=False)
    BotConfig.objects.filter(pk=bot.pk).update(strategy_params={"ema_fast": 30, "ema_slow": 20})
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, "strategy_params")
    BotConfig.objects.filter(pk=bot.pk).update(strategy="gone")
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, "strategy")


def test_a_symbol_at_rest_or_gone_refuses(new_bot: Any) -> None:
    bot = new_bot(started=False)
    row = SymbolInfo.objects.get(symbol="BTCUSDT")
    row.info["status"] = row.status = "BREAK"
    row.save()
    forget("sandbox", "spot", ["BTCUSDT"])
    refusal = refusal_of(bot)
    assert (refusal.status_code, refusal.message) == (400, "BTCUSDT is not trading now (BREAK).")
    BotConfig.objects.filter(pk=bot.pk).update(symbol="GONEUSDT")
    assert (refusal_of(bot).status_code, refusal_of(bot).field) == (400, "symbol")


def test_with_the_exchange_away_the_bot_is_not_started(new_bot: Any, settings: Any) -> None:
    bot = new_bot(started=False)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    forget_clients()
    refusal = refusal_of(bot)
    assert (refusal.status_code, refusal.message) == (
        503, "The exchange does not answer. The bot was not started; try again in a moment.",
    )  # fmt: skip


def test_a_deleted_bot_does_not_start(new_bot: Any, alice: Any) -> None:
    bot = new_bot(started=False)
    archive_bot(bot, by=alice)
    assert (refusal_of(bot).status_code, refusal_of(bot).message) == (409, "This bot was deleted.")


def test_more_capital_than_the_account_has_is_refused_with_the_numbers(new_bot: Any) -> None:
    refusal = refusal_of(new_bot(started=False, initial_capital="10000.01"))
    assert (refusal.status_code, refusal.field) == (400, "initial_capital")
    assert refusal.message == "This bot needs 10,000.01 USDT; the account has 10,000.00 USDT."


def test_money_other_bots_claim_is_refused_with_the_numbers_and_their_names(new_bot: Any, alice: Any) -> None:
    key = mint_paper_key(alice, "Shared")
    new_bot(key=key, name="Ant", initial_capital="4000")
    new_bot(key=key, name="Bee", symbol="ETHUSDT", initial_capital="2800")
    new_bot(key=key, name="Cat", initial_capital="9000", started=False)
    new_bot(name="Elsewhere", initial_capital="10000")
    refusal = refusal_of(new_bot(key=key, name="Dog", initial_capital="5000", started=False))
    assert (refusal.status_code, refusal.field) == (409, "initial_capital")
    assert refusal.message == (
        "This bot needs 5,000.00 USDT; 3,200.00 USDT of 10,000.00 USDT are not yet claimed by other bots: Ant, Bee."
    )
    fits = new_bot(key=key, name="Eel", initial_capital="3200", started=False)
    assert start_bot(fits, by=alice)["status"] == "pending"


def test_current_capital_counts_what_was_won_and_lost(new_bot: Any, alice: Any) -> None:
    key = mint_paper_key(alice, "Shared")
    loser = new_bot(key=key, initial_capital="6000")
    BotState.objects.filter(pk=loser.pk).update(realized_pnl=Decimal(-1000))
    assert start_bot(new_bot(key=key, initial_capital="5000", started=False), by=alice)["status"] == "pending"
    broke = new_bot(initial_capital="100", started=False)
    BotState.objects.filter(pk=broke.pk).update(realized_pnl=Decimal(-100))
    assert (refusal_of(broke).status_code, refusal_of(broke).field) == (400, "initial_capital")


def test_money_in_our_open_positions_still_counts(new_bot: Any, alice: Any) -> None:
    key = mint_paper_key(alice, "Shared")
    holder = new_bot(key=key, initial_capital="6000")
    assert send(plan_buy(holder, quote=Decimal(3000)).pk).state == "filled"
    cost = Position.objects.open().get().cost
    second = new_bot(key=key, initial_capital="4000", started=False)
    assert start_bot(second, by=alice)["status"] == "pending"
    wallet = Wallet.objects.get(account=key.account, asset="USDT")
    assert wallet.total + cost == 10_000


def test_a_stop_answers_the_same_when_repeated(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    for _ in range(2):
        answer = {"message": "Bot stopped", "bot_config_id": bot.pk, "status": "stopped"}
        assert stop_bot(bot, position="keep", by=alice) == answer
        assert (fresh(bot).is_active, fresh(bot).state.status_text) == (False, "stopped")


@pytest.mark.parametrize("position", ["sell", "", "CLOSE"])
def test_a_stop_keeps_or_closes_and_nothing_else(new_bot: Any, alice: Any, position: str) -> None:
    bot = new_bot()
    with pytest.raises(LifecycleRefused) as caught:
        stop_bot(bot, position=position, by=alice)
    assert (caught.value.status_code, caught.value.field, fresh(bot).is_active) == (400, "position", True)


def test_a_stop_drops_the_planned_entry_and_frees_its_money(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    assert reserved(bot) == order.quote_quantity
    assert "pending_order" not in stop_bot(bot, position="keep", by=alice)
    assert (reloaded(order).state, reloaded(order).error_message) == ("dropped", "The bot was stopped.")
    assert (reserved(bot), fresh(bot).state.status_text, fresh(bot).state.last_error_message) == (
        0,
        "stopped",
        "",
    )
    assert send(order.pk).state == "dropped"


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_a_stop_names_an_entry_already_on_its_way(new_bot: Any, alice: Any, state: str) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    Order.objects.filter(pk=order.pk).update(state=state, claimed_at=timezone.now(), request_timestamp_ms=1)
    answer = stop_bot(bot, position="keep", by=alice)
    assert (answer["pending_order"], answer["status"]) == (order.client_order_id, "stopped")
    assert (reloaded(order).state, reserved(bot)) == (state, order.quote_quantity)


def test_a_stop_leaves_a_planned_exit_alone(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    send(plan_buy(bot).pk)
    exit_order = plan_sell(bot)
    assert "pending_order" not in stop_bot(bot, position="keep", by=alice)
    assert send(exit_order.pk).state == "filled"
    assert fresh(bot).state.in_position is False


def test_a_bot_with_an_order_in_flight_is_neither_moved_nor_deleted(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    Order.objects.filter(pk=order.pk).update(state="unknown", request_timestamp_ms=1)
    stop_bot(bot, position="keep", by=alice)
    with pytest.raises(ConfigurationRefused) as caught:
        change_bot(bot, {"symbol": "ETHUSDT"}, version=1, by=alice)
    assert caught.value.errors == {
        "symbol": ["An order of this bot is not settled yet. Try again in a minute."]
    }
    with pytest.raises(LifecycleRefused) as refused:
        archive_bot(bot, by=alice)
    assert (refused.value.status_code, fresh(bot).archived_at) == (409, None)
    assert change_bot(bot, {"timeframe": "15m"}, version=1, by=alice).version == 2


def test_charlie_finds_nothing_to_start(new_bot: Any, charlie: Any) -> None:
    new_bot(started=False)
    assert list(bots_of(charlie)) == []
