"""The transition table and the functions that move rows by it."""

from __future__ import annotations

import datetime
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.lifecycle import LifecycleRefused, activate, deactivate, fail, is_started, roll_day, set_status
from bots.models import BotConfig, BotState, BotStatus, Halt
from bots.standing import (
    AT_WORK,
    DAILY_LIMITS,
    FOLLOWS,
    RETRIED_ERRORS,
    Standing,
    can_follow,
    claiming_bots,
    rows_in,
    standing_of,
)

pytestmark = pytest.mark.django_db
DETAILS = {
    BotStatus.STOPPED: ("",),
    BotStatus.PENDING: ("",),
    BotStatus.RUNNING: ("", "in position"),
    BotStatus.WAITING: ("no signal", "too late"),
    BotStatus.PAUSED: (*DAILY_LIMITS, "key invalid", "halted", "circuit breaker"),
    BotStatus.ERROR: (*RETRIED_ERRORS, "api key decrypt failed", "order rejected"),
}
STATUSES = [(status, detail) for status, details in DETAILS.items() for detail in details]
FOUND_BY_RUNS = [pair for pair in STATUSES if pair[0] not in (BotStatus.STOPPED, BotStatus.PENDING)]
TODAY = datetime.date(2026, 3, 2)
YESTERDAY = datetime.date(2026, 3, 1)


def put(bot: BotConfig, status: str, detail: str = "", **values: Any) -> BotState:
    BotState.objects.filter(pk=bot.pk).update(status=status, status_detail=detail, **values)
    return BotState.objects.get(pk=bot.pk)


def shown(bot: BotConfig) -> str:
    return BotState.objects.get(pk=bot.pk).status_text


def test_set_status_moves_a_row_exactly_where_the_table_allows(make_bot: Any) -> None:
    bot = make_bot()
    for old, new in itertools.product(STATUSES, FOUND_BY_RUNS):
        state = put(bot, *old)
        allowed = can_follow(standing_of(*old), standing_of(*new))
        assert set_status(state, *new) is allowed, (old, new)
        assert (state.status, state.status_detail) == (new if allowed else old)
        assert shown(bot) == state.status_text


def test_the_table_in_words() -> None:
    assert set(FOLLOWS) == set(Standing)
    assert FOLLOWS[Standing.STOPPED] == {Standing.STOPPED, Standing.PENDING}
    may_work = {old for old in Standing if FOLLOWS[old] & {Standing.RUNNING, Standing.WAITING}}
    assert may_work == {Standing.PENDING, Standing.RUNNING, Standing.WAITING, Standing.RETRYING}
    assert all(can_follow(old, Standing.STOPPED) for old in Standing)
    woken = {old for old in Standing if can_follow(old, Standing.PENDING)}
    assert woken == set(Standing) - {Standing.PENDING, Standing.RUNNING, Standing.WAITING}


def test_every_row_stands_in_exactly_one_place(make_bot: Any) -> None:
    bot = make_bot()
    for status, detail in STATUSES:
        put(bot, status, detail)
        found = [standing for standing in Standing if BotState.objects.filter(rows_in(standing)).exists()]
        assert found == [standing_of(status, detail)]


@pytest.mark.parametrize("status", [BotStatus.STOPPED, BotStatus.PENDING])
def test_stopped_and_pending_are_given_by_start_and_stop_only(make_bot: Any, status: BotStatus) -> None:
    with pytest.raises(ValueError, match="activate and deactivate"):
        set_status(make_bot().state, status)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.sampled_from(FOUND_BY_RUNS)),
        st.tuples(st.just("activate"), st.none()),
        st.tuples(st.just("deactivate"), st.none()),
        st.tuples(st.just("roll"), st.integers(0, 5)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves)
def test_no_history_breaks_what_a_status_promises(make_bot: Any, moves: list[Any]) -> None:
    """Stopped and daily pauses are inactive, everything at work is active, and nothing leaves the table."""
    bot = make_bot()
    before = Standing.STOPPED
    for verb, argument in moves:
        play(bot, verb, argument)
        state = BotState.objects.select_related("bot_config").get(pk=bot.pk)
        now = standing_of(state.status, state.status_detail)
        assert now == before or can_follow(before, now)
        assert not (state.bot_config.is_active and now in (Standing.STOPPED, Standing.PAUSED_TODAY))
        assert state.bot_config.is_active or now not in AT_WORK | {Standing.RETRYING}
        before = now


def play(bot: BotConfig, verb: str, argument: Any) -> None:
    if verb == "status":
        set_status(BotState.objects.get(pk=bot.pk), *argument)
    elif verb == "deactivate":
        deactivate(bot)
    elif verb == "roll":
        roll_day(BotState.objects.filter(pk=bot.pk), TODAY + datetime.timedelta(days=argument))
    elif not is_started(BotConfig.objects.get(pk=bot.pk), BotState.objects.get(pk=bot.pk)):
        activate(bot)


def test_activate_makes_active_and_pending_at_once_and_refuses_a_started_bot(make_bot: Any) -> None:
    bot = make_bot()
    put(bot, "stopped", last_error_message="old trouble")
    activate(bot)
    assert (shown(bot), bot.is_active, BotConfig.objects.get(pk=bot.pk).is_active) == ("pending", True, True)
    assert BotState.objects.get(pk=bot.pk).last_error_message == ""
    with pytest.raises(LifecycleRefused) as refused:
        activate(bot)
    assert (refused.value.status_code, refused.value.field) == (409, None)


@pytest.mark.parametrize(
    ("status", "detail"),
    [("paused", "key invalid"), ("error", "api key decrypt failed"), ("error", "price fetch")],
)
def test_a_bot_that_waits_for_its_user_can_be_started(make_bot: Any, status: str, detail: str) -> None:
    bot = make_bot(is_active=True)
    state = put(bot, status, detail)
    assert is_started(bot, state) is False
    activate(bot)
    assert shown(bot) == "pending"


def test_deactivate_stops_and_says_whether_anything_changed(make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    put(bot, "running")
    assert deactivate(bot) is True
    assert (shown(bot), BotConfig.objects.get(pk=bot.pk).is_active) == ("stopped", False)
    assert deactivate(bot) is False


def test_a_run_that_ends_after_the_stop_changes_nothing(make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    seen_by_the_run = put(bot, "running")
    deactivate(bot)
    assert set_status(seen_by_the_run, BotStatus.WAITING, "no signal") is False
    assert shown(bot) == "stopped"


def test_fail_shows_cause_and_message(make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    state = put(bot, "running")
    assert fail(state, "The exchange does not answer.", "price fetch") is True
    assert (state.status_text, state.last_error_message) == (
        "error (price fetch)",
        "The exchange does not answer.",
    )
    state.refresh_from_db()
    assert (state.status_text, state.last_error_message) == (
        "error (price fetch)",
        "The exchange does not answer.",
    )


def test_a_failing_run_of_a_stopped_bot_shows_its_message_and_stays_stopped(make_bot: Any) -> None:
    bot = make_bot()
    assert fail(bot.state, "x" * 400, "price fetch") is False
    state = BotState.objects.get(pk=bot.pk)
    assert (state.status_text, state.last_error_message) == ("stopped", "x" * 300)


def test_a_daily_limit_makes_inactive_and_keeps_the_claim_on_money(make_bot: Any) -> None:
    bot = make_bot(is_active=True)
    assert set_status(put(bot, "waiting"), BotStatus.PAUSED, "max_daily_trades reached") is True
    assert BotConfig.objects.get(pk=bot.pk).is_active is False
    assert list(claiming_bots()) == [bot]
    deactivate(bot)
    assert list(claiming_bots()) == []


@pytest.mark.parametrize("detail", DAILY_LIMITS)
def test_a_new_day_brings_back_what_a_daily_limit_paused(make_bot: Any, detail: str) -> None:
    bot = make_bot()
    put(bot, "paused", detail, counters_date=YESTERDAY, daily_pnl=Decimal(-5), daily_trades_count=3)
    assert roll_day(BotState.objects.all(), TODAY).reactivated == (bot.pk,)
    state = BotState.objects.select_related("bot_config").get(pk=bot.pk)
    assert (state.status_text, state.bot_config.is_active) == ("pending", True)
    assert (state.daily_pnl, state.daily_trades_count, state.counters_date) == (0, 0, TODAY)


@pytest.mark.parametrize(
    ("status", "detail", "message"),
    [("stopped", "", "kept"), ("paused", "key invalid", "kept"), ("error", "order rejected", "kept"),
     ("running", "", ""), ("waiting", "no signal", "")],
)  # fmt: skip
def test_a_new_day_leaves_every_other_status_and_clears_messages_of_bots_that_run_well(
    make_bot: Any, status: str, detail: str, message: str
) -> None:
    bot = make_bot()
    put(bot, status, detail, counters_date=YESTERDAY, daily_trades_count=2, last_error_message="kept")
    assert roll_day(BotState.objects.all(), TODAY).reactivated == ()
    state = BotState.objects.get(pk=bot.pk)
    assert (state.status, state.status_detail, state.last_error_message) == (status, detail, message)
    assert (state.daily_trades_count, BotConfig.objects.get(pk=bot.pk).is_active) == (0, False)


def test_a_day_rolls_once_and_never_back(make_bot: Any) -> None:
    bot = make_bot()
    every = BotState.objects.all()
    assert roll_day(every, TODAY).rolled == 1
    BotState.objects.filter(pk=bot.pk).update(daily_trades_count=4)
    assert roll_day(every, TODAY).rolled == 0
    assert roll_day(every, YESTERDAY).rolled == 0
    state = BotState.objects.get(pk=bot.pk)
    assert (state.daily_trades_count, state.counters_date) == (4, TODAY)


def test_halting_reason_names_the_widest_open_switch(make_bot: Any, alice: Any, charlie: Any) -> None:
    from django.utils import timezone

    from bots.halts import halting_reason

    bot = make_bot()
    Halt.objects.create(user=charlie, reason="Charlie's own")
    Halt.objects.create(bot_config=make_bot(), reason="another bot")
    Halt.objects.create(reason="over", ended_at=timezone.now() + datetime.timedelta(seconds=1))
    assert halting_reason(bot) is None
    Halt.objects.create(bot_config=bot, reason="odd fills")
    assert halting_reason(bot) == "This bot is halted: odd fills"
    Halt.objects.create(user=alice, reason="holiday")
    assert halting_reason(bot) == "All your bots are halted: holiday"
    Halt.objects.create(reason="upgrade")
    assert halting_reason(bot) == "TradeBot is halted by its operators: upgrade"
