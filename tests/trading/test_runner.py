"""Running a bot: one order a candle whoever wakes it, honest words for what stands in the way, and no gap forgotten."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet

from accounts.vault import credentials_of
from bots.lifecycle import set_status
from bots.models import BotState
from exchange.connect import forget_clients
from tests.trading.steps import fresh, go_to_signal, plan_buy, settle_until_believed, strike, their_orders
from trading.due import due_bots
from trading.lifecycle import start_bot, stop_bot
from trading.models import Decision, Order, Position, Trade
from trading.orders.execution import send
from trading.orders.settlement import settle_orders
from trading.runner import run_bot

pytestmark = pytest.mark.django_db
MINUTE_MS = 60_000


def test_a_second_delivery_of_the_same_wake_up_does_nothing(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    assert run_bot(bot.pk).startswith("entered BTCUSDT ")
    assert [run_bot(bot.pk) for _ in range(2)] == ["skipped (nothing new)"] * 2
    assert len(their_orders(sandbox, bot)) == 1


def test_an_entry_of_unknown_end_blocks_the_next_and_keeps_its_money(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    strike(sandbox, bot, {"kind": "drop_before"})
    assert run_bot(bot.pk) == "entry unknown"
    order = Order.objects.get(bot_config=bot)
    go_to_signal(sandbox, bot, "long_entry")
    assert run_bot(bot.pk) == "waiting (unknown order)"
    assert (Order.objects.get(bot_config=bot).reserved, due_bots()) == (order.reserved, [bot.pk])

    assert settle_until_believed(order).state == "dropped"
    assert run_bot(bot.pk).startswith("entered ")  # the last closed candle, still fresh


def test_an_exit_signal_given_while_the_entry_was_unknown_is_not_lost(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert run_bot(bot.pk) == "entry unknown"
    go_to_signal(sandbox, bot, "long_exit")
    assert run_bot(bot.pk) == "waiting (unknown order)"
    sandbox.control.advance(1)
    assert run_bot(bot.pk) == "waiting (unknown order)"
    settle_orders()
    run_bot(bot.pk)
    # The candle after may enter again at once; the exit came first.
    assert list(Order.objects.order_by("id").values_list("purpose", "state"))[:2] == [
        ("entry", "filled"),
        ("exit", "filled"),
    ]
    assert Order.objects.get(purpose="exit").reason == "exit_signal"


def test_an_exit_of_unknown_end_blocks_entries(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    go_to_signal(sandbox, bot, "long_exit")
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert run_bot(bot.pk) == "exit unknown"
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    assert Order.objects.filter(bot_config=bot, purpose="entry").count() == 1


def test_an_entry_that_turned_out_executed_is_followed_to_its_exit(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert run_bot(bot.pk) == "entry unknown"
    settle_orders()
    go_to_signal(sandbox, bot, "long_exit")
    assert run_bot(bot.pk).startswith("exited BTCUSDT ")
    assert [trade.side for trade in Trade.objects.filter(bot_config=bot).order_by("id")] == ["BUY", "SELL"]


def test_missed_candles_are_looked_at_for_the_exit_which_acts_once_and_now(
    sandbox: Any, new_bot: Any
) -> None:
    # The last candle may have an entry signal of its own, depending on where in the recording this is.
    bot = new_bot(cooldown_candles=1)
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    signalled_at = go_to_signal(sandbox, bot, "long_exit")
    sandbox.control.advance(10)
    now_ms = signalled_at + 10 * MINUTE_MS
    assert run_bot(bot.pk).startswith("exited BTCUSDT ")
    trade, decision = (
        Trade.objects.filter(bot_config=bot).latest("id"),
        Decision.objects.latest("candle_open_ms"),
    )
    assert int(trade.timestamp.timestamp() * 1000) == now_ms
    assert decision.candle_open_ms == signalled_at - MINUTE_MS
    assert BotState.objects.get(pk=bot.pk).last_candle_open_ms == now_ms - MINUTE_MS
    assert (Order.objects.filter(bot_config=bot, purpose="exit").count(), run_bot(bot.pk)) == (
        1,
        "skipped (nothing new)",
    )


def test_missed_candles_never_lead_to_an_entry(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_exit")
    run_bot(bot.pk)
    go_to_signal(sandbox, bot, "long_entry")
    sandbox.control.advance(1)
    run_bot(bot.pk)
    assert Order.objects.filter(bot_config=bot).count() == 0


@pytest.fixture
def moving_market(sandbox: Any) -> Iterator[Any]:
    """Lets market time run; afterwards it stands again, at an opening."""

    def run_until(market_ms: int) -> None:
        sandbox.control.set_clock(mode="fast", speed=200)
        give_up_at = time.monotonic() + 20
        while sandbox.control.clock()["market_ms"] < market_ms:
            assert time.monotonic() < give_up_at, "the market stands"
            time.sleep(0.005)
        sandbox.control.set_clock(mode="real")

    yield run_until
    sandbox.control.set_clock(mode="step")


def test_an_entry_signal_seen_too_late_is_refused_by_name(
    sandbox: Any, new_bot: Any, moving_market: Any
) -> None:
    bot = new_bot()
    closed_at = go_to_signal(sandbox, bot, "long_entry")
    moving_market(closed_at + 16_000)
    assert run_bot(bot.pk) == "waiting (too late)"
    assert (Order.objects.count(), Decision.objects.get(bot_config=bot).reason) == (0, "too late")


def test_an_exchange_away_is_shown_and_forgotten_when_it_is_back(
    sandbox: Any, new_bot: Any, settings: Any, closed_port: int
) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_exit")
    settings.SANDBOX_URL = f"http://127.0.0.1:{closed_port}"
    forget_clients()
    assert run_bot(bot.pk) == "error (price fetch)"
    state = fresh(bot).state
    assert (state.status_text, state.last_error_message != "") == ("error (price fetch)", True)
    settings.SANDBOX_URL = sandbox.url
    forget_clients()
    assert run_bot(bot.pk).startswith("waiting (")
    assert fresh(bot).state.last_error_message == ""


def test_a_lost_vault_key_is_an_error_for_the_user(
    sandbox: Any, new_bot: Any, settings: Any, alice: Any
) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    kept, settings.FERNET_KEYS = settings.FERNET_KEYS, [Fernet.generate_key().decode()]
    assert run_bot(bot.pk) == "error (api key decrypt failed)"
    assert fresh(bot).state.status_text == "error (api key decrypt failed)"
    settings.FERNET_KEYS = kept
    run_bot(bot.pk)
    assert fresh(bot).state.status_text == "error (api key decrypt failed)"  # waits for its user
    start_bot(bot, by=alice)
    go_to_signal(sandbox, bot, "long_entry")
    assert run_bot(bot.pk).startswith("entered ")


def test_an_exit_waits_planned_while_its_key_cannot_be_opened(
    sandbox: Any, new_bot: Any, settings: Any
) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    go_to_signal(sandbox, bot, "long_exit")
    kept, settings.FERNET_KEYS = settings.FERNET_KEYS, [Fernet.generate_key().decode()]
    assert run_bot(bot.pk) == "error (api key decrypt failed)"
    order = Order.objects.get(bot_config=bot, purpose="exit")
    assert order.state == "planned"
    settings.FERNET_KEYS = kept
    assert send(order.pk).state == "filled"


def test_a_revoked_key_pauses_the_bot_that_wants_to_enter(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    sandbox.control.revoke_key(credentials_of(bot.api_key).api_key)
    assert run_bot(bot.pk) == "paused (key invalid)"
    state = fresh(bot).state
    assert (state.status_text, state.last_error_message != "") == ("paused (key invalid)", True)
    sandbox.control.advance()
    assert run_bot(bot.pk).startswith("paused (key invalid)")


def test_a_bot_whose_strategy_is_gone_says_so(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    type(bot).objects.filter(pk=bot.pk).update(strategy="sold")
    assert run_bot(bot.pk) == "error (strategy)"
    assert fresh(bot).state.status_text == "error (strategy)"


def test_a_paused_bot_still_exits_and_a_stopped_one_keeps_its_position(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    paused, stopped = new_bot(), new_bot()
    go_to_signal(sandbox, paused, "no_signal")
    for bot in (paused, stopped):
        send(plan_buy(bot).pk)
        run_bot(bot.pk)
    set_status(fresh(paused).state, "paused", "circuit breaker")
    stop_bot(stopped, by=alice)
    go_to_signal(sandbox, paused, "long_exit")
    assert run_bot(paused.pk).startswith("exited ")
    run_bot(stopped.pk)
    assert (fresh(paused).state.status_text, fresh(stopped).state.status_text) == (
        "paused (circuit breaker)",
        "stopped",
    )
    assert [p.bot_config_id for p in Position.objects.open()] == [stopped.pk]


def test_a_run_costs_a_bounded_number_of_queries(
    sandbox: Any, new_bot: Any, django_assert_max_num_queries: Any
) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "no_signal")
    run_bot(bot.pk)
    go_to_signal(sandbox, bot, "no_signal")
    with django_assert_max_num_queries(25):
        run_bot(bot.pk)
    go_to_signal(sandbox, bot, "long_entry")
    with django_assert_max_num_queries(90):
        assert run_bot(bot.pk).startswith("entered ")
    go_to_signal(sandbox, bot, "long_exit")
    with django_assert_max_num_queries(90):
        assert run_bot(bot.pk).startswith("exited ")
    with django_assert_max_num_queries(3):
        run_bot(bot.pk)


def test_started_again_within_a_candle_it_has_seen_a_bot_says_what_it_waits_for(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    # With such a limit it never enters.
    bot = new_bot(strategy_params={"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 0, "rsi_overbought": 1})
    sandbox.control.advance(1)
    run_bot(bot.pk)
    stop_bot(bot, by=alice)
    start_bot(bot, by=alice)
    assert run_bot(bot.pk) == "skipped (nothing new)"
    assert fresh(bot).state.status_text == "waiting (next close)"
    sandbox.control.advance(1)
    assert run_bot(bot.pk) != "skipped (nothing new)"


def test_the_bot_of_a_deactivated_user_enters_nothing_and_still_exits(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    assert run_bot(bot.pk).startswith("entered ")
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    go_to_signal(sandbox, bot, "long_exit")
    assert run_bot(bot.pk).startswith("exited ")
    go_to_signal(sandbox, bot, "long_entry")
    assert run_bot(bot.pk) == "waiting (halted)"


def test_an_entry_planned_before_its_user_was_deactivated_is_dropped(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    order = plan_buy(new_bot())
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    assert send(order.pk).state == "dropped"
    assert their_orders(sandbox, order.bot_config) == []
