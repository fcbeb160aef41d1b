"""Kill switches: who may, what happens at once, and who runs again when one ends."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry
from bots.lifecycle import LifecycleRefused, activate, set_status
from bots.models import BotConfig, BotState, BotStatus, Halt
from tests.trading.steps import fresh, plan_buy, reloaded, reserved
from trading.halts import end_halt, halt, halts_seen_by, may_end
from trading.lifecycle import start_bot, stop_bot
from trading.orders.execution import send

pytestmark = pytest.mark.django_db


def statuses(*bots: BotConfig) -> list[str]:
    return [fresh(bot).state.status_text for bot in bots]


@pytest.fixture
def bots(make_bot: Any) -> list[BotConfig]:
    """Alice's: two at work, one stopped, one paused by a daily limit."""
    made = [make_bot() for _ in range(4)]
    for bot in (*made[:2], made[3]):
        activate(bot)
    set_status(fresh(made[1]).state, BotStatus.WAITING, "no signal")
    set_status(fresh(made[3]).state, BotStatus.PAUSED, "max_daily_trades reached")
    return made


def test_a_halt_pauses_the_bots_at_work_and_its_end_wakes_them(bots: list[BotConfig], alice: Any) -> None:
    standing = halt(alice, user=alice, reason="Holiday")
    assert statuses(*bots) == [
        "paused (halted)",
        "paused (halted)",
        "stopped",
        "paused (max_daily_trades reached)",
    ]
    assert [fresh(bot).is_active for bot in bots] == [True, True, False, False]
    ended = end_halt(standing, alice)
    assert statuses(*bots) == ["pending", "pending", "stopped", "paused (max_daily_trades reached)"]
    assert (ended.ended_by, ended.ended_at >= ended.created_at) == (alice, True)


def test_halting_the_same_again_is_the_same_halt(bots: list[BotConfig], alice: Any, bob: Any) -> None:
    first = halt(alice, user=alice, reason="Holiday")
    assert halt(alice, user=alice, reason="Holiday, once more") == first
    assert halt(bob, user=alice, reason="Operators have reasons too") != first
    for _ in range(2):
        end_halt(first, alice)
    # The operator's still stands.
    assert statuses(bots[0]) == ["paused (halted)"]
    assert list(AuditEntry.objects.order_by("id").values_list("event", flat=True))[-3:] == [
        "halt_set", "halt_set", "halt_ended",
    ]  # fmt: skip


def test_a_bot_stopped_under_a_halt_stays_stopped(bots: list[BotConfig], alice: Any) -> None:
    standing = halt(alice, bot=bots[0], reason="Odd")
    stop_bot(bots[0], by=alice)
    end_halt(standing, alice)
    assert statuses(*bots[:2]) == ["stopped", "waiting (no signal)"]


def test_a_halted_bot_does_not_start(bots: list[BotConfig], alice: Any) -> None:
    halt(alice, bot=bots[2], reason="Odd")
    with pytest.raises(LifecycleRefused) as caught:
        start_bot(bots[2], by=alice)
    assert (caught.value.status_code, caught.value.message) == (409, "This bot is halted: Odd")


@pytest.mark.parametrize("scope", ["bot", "user", "everything"])
def test_from_a_halt_on_nothing_planned_is_sent(new_bot: Any, alice: Any, bob: Any, scope: str) -> None:
    bot, other = new_bot(), new_bot()
    order, kept = plan_buy(bot), plan_buy(other)
    target = {"bot": {"bot": bot}, "user": {"user": alice}, "everything": {"everything": True}}[scope]
    halt(bob, **target, reason="Odd")
    assert (reloaded(order).state, reserved(bot), fresh(bot).state.last_error_message) == ("dropped", 0, "")
    assert reloaded(kept).state == ("planned" if scope == "bot" else "dropped")
    late = plan_buy(bot)
    assert send(late.pk).state == "dropped"


def test_only_operators_halt_what_is_not_theirs(
    make_bot: Any, alice: Any, bob: Any, charlie: Any, bots: list[BotConfig]
) -> None:
    for target in ({"bot": bots[0]}, {"user": alice}, {"everything": True}):
        with pytest.raises(LifecycleRefused) as caught:
            halt(charlie, **target, reason="Because")
        assert caught.value.status_code == 403
    with pytest.raises(LifecycleRefused):
        halt(alice, everything=True, reason="Because")
    assert Halt.objects.count() == 0
    assert statuses(bots[0]) == ["pending"]
    assert halt(bob, everything=True, reason="Because").set_by == bob


@pytest.mark.parametrize("target", [{}, {"everything": True, "user": 1}, {"everything": True, "reason": " "}])
def test_a_halt_says_what_and_why(bob: Any, target: dict[str, Any]) -> None:
    if "user" in target:
        target = {**target, "user": bob}
    with pytest.raises(LifecycleRefused) as caught:
        halt(bob, **{"reason": "Because", **target})
    assert (caught.value.status_code, Halt.objects.count()) == (400, 0)


def test_whoever_set_it_may_end_it_and_operators_any(alice: Any, bob: Any, bots: list[BotConfig]) -> None:
    own, theirs = halt(alice, bot=bots[0], reason="Mine"), halt(bob, bot=bots[1], reason="Operators")
    assert [may_end(own, alice), may_end(own, bob), may_end(theirs, bob), may_end(theirs, alice)] == [
        True, True, True, False,
    ]  # fmt: skip
    with pytest.raises(LifecycleRefused) as caught:
        end_halt(theirs, alice)
    assert (caught.value.status_code, statuses(bots[1])) == (403, ["paused (halted)"])


def test_everybody_sees_the_halts_that_concern_them(
    alice: Any, bob: Any, charlie: Any, bots: list[BotConfig]
) -> None:
    of_bot = halt(alice, bot=bots[0], reason="Odd")
    of_user = halt(alice, user=alice, reason="Holiday")
    of_all = halt(bob, everything=True, reason="Upgrade")
    assert list(halts_seen_by(alice)) == [of_all, of_user, of_bot]
    assert list(halts_seen_by(charlie)) == [of_all]
    assert list(halts_seen_by(bob)) == [of_all, of_user, of_bot]


def test_a_day_that_rolls_under_a_halt_wakes_nobody(bots: list[BotConfig], alice: Any) -> None:
    import datetime

    from bots.lifecycle import roll_day

    halt(alice, user=alice, reason="Holiday")
    BotState.objects.update(counters_date=datetime.date(2026, 3, 1))
    roll_day(BotState.objects.all(), datetime.date(2026, 3, 2))
    # The limit's pause is over; what it may do is for the halt to say, at the claim and in every decision.
    assert statuses(*bots) == ["paused (halted)", "paused (halted)", "stopped", "pending"]
