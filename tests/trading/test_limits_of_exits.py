"""The circuit breaker of a bot and the daily loss of an account: what trips them, whom they pause, and until when."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import mint_paper_key
from accounts.models import ExchangeAccount
from bots.lifecycle import LifecycleRefused, activate, deactivate, fail, roll_day, set_status
from bots.models import BotConfig, BotState, BotStatus
from tests.trading.steps import fresh
from trading.lifecycle import start_bot
from trading.limits import after_exit, after_protection_failure, halt_losing_account, halt_losing_accounts
from trading.models import Position

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
TODAY = NOON.date()


@pytest.fixture
def bot(make_bot: Any) -> BotConfig:
    made = make_bot()
    activate(made)
    return fresh(made)


def leave(bot: BotConfig, *, minute: float, reason: str = "stop_loss") -> str:
    """A position that closed so many minutes past noon, as the ledger leaves it; the status afterwards."""
    at = NOON + datetime.timedelta(minutes=minute)
    sequence = Position.objects.filter(bot_config=bot).count() + 1
    position = Position.objects.create(
        bot_config=bot, sequence=sequence, opened_at=at, closed_at=at, exit_reason=reason
    )
    state = BotState.objects.select_for_update().get(pk=bot.pk)
    after_exit(state, position)
    state.save()
    return fresh(bot).state.status_text


def test_three_stops_within_ten_minutes_pause_until_the_user_starts(bot: BotConfig) -> None:
    assert [leave(bot, minute=minute) for minute in (0, 4, 10)] == [
        "pending",
        "pending",
        "paused (circuit breaker)",
    ]
    assert fresh(bot).state.last_error_message.startswith("Three stop losses within ten minutes.")
    roll_day(BotState.objects.all(), TODAY + datetime.timedelta(days=1))
    assert fresh(bot).state.status_text == "paused (circuit breaker)"
    activate(bot)
    assert [leave(bot, minute=minute) for minute in (10.5, 10.6)] == ["pending"] * 2
    assert leave(bot, minute=11) == "paused (circuit breaker)"


def test_stops_further_apart_than_ten_minutes_do_not(bot: BotConfig) -> None:
    assert {leave(bot, minute=minute) for minute in (0, 5, 10.1, 15.2, 20.3)} == {"pending"}
    assert leave(bot, minute=20) == "paused (circuit breaker)"


def test_only_losses_count(bot: BotConfig) -> None:
    reasons = ("stop_loss", "take_profit", "trailing_stop", "exit_signal", "manual", "stop_gap")
    assert {leave(bot, minute=1, reason=reason) for reason in reasons} == {"pending"}
    assert leave(bot, minute=2, reason="stop_gap") == "paused (circuit breaker)"


def test_a_stopped_bot_stays_stopped(bot: BotConfig) -> None:
    deactivate(bot)
    assert {leave(bot, minute=1) for _ in range(4)} == {"stopped"}


def test_two_refused_protections_on_one_day_trip_it_too(bot: BotConfig) -> None:
    def refuse() -> str:
        state = BotState.objects.select_for_update().get(pk=bot.pk)
        fail(state, "The exchange refused the stop.", "protection refused")
        after_protection_failure(state)
        state.save()
        return fresh(bot).state.status_text

    assert refuse() == "error (protection refused)"
    activate(bot)
    assert refuse() == "paused (circuit breaker)"
    activate(bot)
    assert refuse() == "error (protection refused)"
    roll_day(BotState.objects.all(), TODAY)
    activate(bot)
    assert refuse() == "error (protection refused)"


@pytest.fixture
def account(alice: Any) -> ExchangeAccount:
    key = mint_paper_key(alice, "Shared")
    ExchangeAccount.objects.filter(pk=key.account_id).update(account_max_daily_loss_perc=5)
    return ExchangeAccount.objects.get(pk=key.account_id)


def on(
    account: ExchangeAccount, make_bot: Any, *, pnl: int, day: datetime.date = TODAY, **values: Any
) -> BotConfig:
    """A bot at work on the account, with 1,000 and today's result."""
    bot: BotConfig = make_bot(account.keys.get(), **values)
    activate(bot)
    BotState.objects.filter(pk=bot.pk).update(daily_pnl=pnl, counters_date=day)
    return bot


def text(bot: BotConfig) -> str:
    return fresh(bot).state.status_text


LIMIT = "paused (account_max_daily_loss reached)"


def test_an_account_that_loses_too_much_pauses_all_its_bots_until_the_day_rolls(
    account: ExchangeAccount, make_bot: Any
) -> None:
    winner, loser = on(account, make_bot, pnl=20), on(account, make_bot, pnl=-119)
    bystander = make_bot(initial_capital=Decimal(1))
    activate(bystander)
    assert (halt_losing_account(account.pk), text(winner)) == ([], "pending")
    BotState.objects.filter(pk=loser.pk).update(daily_pnl=-120)
    assert halt_losing_accounts() == 2
    assert [text(bot) for bot in (winner, loser, bystander)] == [LIMIT, LIMIT, "pending"]
    assert fresh(loser).state.last_error_message == (
        "This account's bots have lost 100.00 USDT today; 5 % of their capital is 100.00 USDT."
    )
    assert halt_losing_accounts() == 0
    tomorrow = TODAY + datetime.timedelta(days=1)
    assert set(roll_day(BotState.objects.all(), tomorrow).reactivated) == {winner.pk, loser.pk}
    assert (halt_losing_accounts(), text(winner), fresh(winner).is_active) == (0, "pending", True)


def test_nobody_starts_a_bot_past_that_limit(account: ExchangeAccount, make_bot: Any, alice: Any) -> None:
    loser = on(account, make_bot, pnl=-51)
    halt_losing_account(account.pk)
    for bot in (loser, make_bot(account.keys.get())):
        with pytest.raises(LifecycleRefused) as caught:
            start_bot(bot, by=alice)
        assert (caught.value.status_code, "lost 51.00 USDT" in caught.value.message) == (409, True)


def test_a_bot_still_on_yesterday_is_paused_for_today(account: ExchangeAccount, make_bot: Any) -> None:
    """Its old result is not of today, and no later roll to this day wakes it."""
    late = on(account, make_bot, pnl=-900, day=TODAY - datetime.timedelta(days=1))
    on(account, make_bot, pnl=-99)
    assert halt_losing_account(account.pk) == []
    BotState.objects.filter(daily_pnl=-99).update(daily_pnl=-100)
    assert len(halt_losing_account(account.pk)) == 2
    roll_day(BotState.objects.all(), TODAY)
    assert text(late) == LIMIT


def test_bots_at_rest_lend_the_limit_no_capital(account: ExchangeAccount, make_bot: Any) -> None:
    on(account, make_bot, pnl=-50)
    make_bot(account.keys.get(), initial_capital=Decimal(1_000_000))
    assert len(halt_losing_account(account.pk)) == 1


def test_stopped_failed_and_paused_bots_keep_their_status(account: ExchangeAccount, make_bot: Any) -> None:
    stopped, paused = on(account, make_bot, pnl=-200), on(account, make_bot, pnl=0)
    deactivate(stopped)
    set_status(fresh(paused).state, BotStatus.PAUSED, "key invalid")
    assert halt_losing_account(account.pk) == []
    assert [text(stopped), text(paused)] == ["stopped", "paused (key invalid)"]
