"""Stop with `close`, and close-position: what the bot holds is sold, what it is about to buy is sold too."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from bots.configuration import archive_bot
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from tests.trading.steps import fresh, plan_buy, reloaded, reserved, strike
from trading.audit import audit_fills
from trading.lifecycle import close_position, start_bot, stop_bot
from trading.models import Order, Position, Trade
from trading.orders.execution import send
from trading.orders.protection import tend
from trading.orders.settlement import settle_orders

pytestmark = pytest.mark.django_db


def holding(bot: BotConfig) -> Position:
    """The bot with a position, protected as configured."""
    assert send(plan_buy(bot).pk).state == "filled"
    position: Position = Position.objects.open().get(bot_config=bot)
    tend(position.pk)
    return position


def protect(bot: BotConfig, **values: Any) -> BotConfig:
    """Exits of the row, whatever forms accept today."""
    BotConfig.objects.filter(pk=bot.pk).update(**values)
    return fresh(bot)


def acts(bot: BotConfig) -> list[str]:
    entries = AuditEntry.objects.filter(subject_kind="botconfig", subject_id=bot.pk).order_by("id")
    return [entry.event for entry in entries]


def test_a_stop_with_close_sells_what_the_bot_holds(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    position = holding(bot)
    answer = stop_bot(bot, position="close", by=alice)
    assert answer == {"message": "Bot stopped", "bot_config_id": bot.pk, "status": "stopped"}
    tend(position.pk)
    state = fresh(bot).state
    assert (state.in_position, state.status_text) == (False, "stopped")
    assert list(Trade.objects.order_by("pk").values_list("reason", flat=True)) == ["entry", "manual"]
    assert acts(bot)[-1] == "bot_stopped"
    assert audit_fills(sandbox.control).details == ()


def test_protection_goes_before_the_sale(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = protect(new_bot(), stop_loss_perc=5, take_profit_perc=5)
    position = holding(bot)
    legs = Order.objects.filter(position=position, purpose__in=["stop", "target"])
    assert sorted(legs.values_list("purpose", "state")) == [("stop", "open"), ("target", "open")]
    close_position(bot, by=alice)
    tend(position.pk)
    assert set(legs.values_list("state", flat=True)) == {"canceled"}
    position.refresh_from_db()
    assert (position.closed_at is None, position.exit_reason) == (False, "manual")
    assert audit_fills(sandbox.control).details == ()


def test_closing_a_position_leaves_the_bot_at_work(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    position = holding(bot)
    answer = close_position(bot, by=alice)
    assert answer == {"message": "Closing position", "bot_config_id": bot.pk, "status": "running"}
    assert close_position(bot, by=alice) == answer
    tend(position.pk)
    assert (fresh(bot).is_active, fresh(bot).state.status_text) == (True, "waiting (position closed)")
    assert acts(bot)[-1] == "position_close_asked"


def test_without_a_position_there_is_nothing_to_close(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    with pytest.raises(LifecycleRefused) as caught:
        close_position(bot, by=alice)
    assert (caught.value.status_code, caught.value.message) == (409, "This bot holds no position.")


def test_a_stopped_bot_that_kept_its_position_can_still_close_it(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    position = holding(bot)
    stop_bot(bot, position="keep", by=alice)
    assert Position.objects.get(pk=position.pk).action == ""
    stop_bot(bot, position="close", by=alice)
    assert Position.objects.get(pk=position.pk).action == "exit"
    with pytest.raises(LifecycleRefused):
        archive_bot(bot, by=alice)
    tend(position.pk)
    archive_bot(bot, by=alice)


def test_an_entry_on_its_way_is_sold_when_it_fills_after_a_stop_with_close(
    sandbox: Any, new_bot: Any, alice: Any
) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert send(order.pk).state == "unknown"
    answer = stop_bot(bot, position="close", by=alice)
    assert (answer["pending_order"], fresh(bot).state.close_when_filled) == (order.client_order_id, True)
    for _ in range(3):
        settle_orders()
    assert (reloaded(order).state, fresh(bot).state.in_position, reserved(bot)) == ("filled", False, 0)
    assert fresh(bot).state.close_when_filled is False
    assert audit_fills(sandbox.control).details == ()


def test_with_keep_the_same_entry_stays(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert send(order.pk).state == "unknown"
    assert stop_bot(bot, position="keep", by=alice)["pending_order"] == order.client_order_id
    for _ in range(3):
        settle_orders()
    assert (fresh(bot).state.in_position, fresh(bot).state.status_text) == (True, "stopped")


def test_a_close_asked_for_an_entry_that_never_fills_is_forgotten(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    Order.objects.filter(pk=order.pk).update(
        state="unknown", claimed_at=timezone.now(), request_timestamp_ms=1
    )
    assert close_position(bot, by=alice)["pending_order"] == order.client_order_id
    Order.objects.filter(pk=order.pk).update(state="dropped", reserved=0)
    stop_bot(bot, by=alice)
    start_bot(bot, by=alice)
    assert BotState.objects.get(pk=bot.pk).close_when_filled is False


def test_a_planned_entry_is_dropped_by_a_stop_with_close(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    assert "pending_order" not in stop_bot(bot, position="close", by=alice)
    assert (reloaded(order).state, fresh(bot).state.close_when_filled, reserved(bot)) == ("dropped", False, 0)
