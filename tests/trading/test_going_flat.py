"""Stop everything and go flat: what a preview lists is what is sold, until nothing is left or the halt ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig, BotState
from tests.trading.steps import fresh, plan_buy, reloaded, strike
from trading.audit import audit_fills
from trading.flat_receipts import lines_of
from trading.going_flat import go_flat, keep_going_flat, preview, receipts_seen_by
from trading.halts import end_halt
from trading.models import FlatLine, FlatReceipt, Order, Position, Trade
from trading.orders.execution import send
from trading.orders.protection import tend
from trading.orders.settlement import settle_orders

pytestmark = pytest.mark.django_db


def holding(bot: BotConfig, **exits: Any) -> BotConfig:
    BotConfig.objects.filter(pk=bot.pk).update(**exits)
    assert send(plan_buy(fresh(bot)).pk).state == "filled"
    tend(Position.objects.open().get(bot_config=bot).pk)
    return fresh(bot)


def tend_all() -> None:
    for position in Position.objects.open():
        tend(position.pk)


def test_a_user_goes_flat_and_reads_what_was_sold(sandbox: Any, new_bot: Any, alice: Any) -> None:
    first, second = holding(new_bot(), stop_loss_perc=5, take_profit_perc=5), holding(new_bot())
    flat = new_bot()
    seen = preview(alice, user=alice)
    assert [line.bot for line in seen.positions] == [first, second]
    receipt = go_flat(alice, user=alice, reason="Enough")
    assert [fresh(bot).state.status_text for bot in (first, second, flat)] == ["paused (halted)"] * 3
    assert set(Position.objects.open().values_list("action", "exit_reason")) == {("exit", "close_all")}
    tend_all()
    assert keep_going_flat() == 1
    receipt.refresh_from_db()
    lines = lines_of(receipt, alice)
    assert [(line.bot, line.left, line.why) for line in lines] == [(first, 0, ""), (second, 0, "")]
    sales = Trade.objects.filter(reason="close_all").order_by("pk")
    assert [line.sold for line in lines] == [sale.quantity_filled for sale in sales]
    assert [line.price for line in lines] == [pytest.approx(sale.price) for sale in sales]
    assert [line.quantity for line in seen.positions] == [line.quantity for line in lines]
    assert receipt.finished_at is not None
    assert Order.objects.unsettled().count() == 0
    assert audit_fills(sandbox.control).details == ()


def test_one_bot_goes_flat_and_the_others_go_on(new_bot: Any, alice: Any) -> None:
    first, second = holding(new_bot()), holding(new_bot())
    go_flat(alice, bot=first, reason="Odd")
    assert [Position.objects.get(bot_config=bot).action for bot in (first, second)] == ["exit", ""]
    assert fresh(second).state.status_text == "running"


def test_asking_again_goes_on_with_the_same_receipt(new_bot: Any, alice: Any) -> None:
    bot = holding(new_bot())
    first = go_flat(alice, bot=bot, reason="Odd")
    assert go_flat(alice, bot=bot, reason="Odd, still") == first
    for _ in range(2):
        assert keep_going_flat() == 0
    tend_all()
    assert keep_going_flat() == 1
    assert (keep_going_flat(), FlatReceipt.objects.count(), FlatLine.objects.count()) == (0, 1, 1)
    assert list(Trade.objects.order_by("pk").values_list("reason", flat=True)) == ["entry", "close_all"]


def test_what_an_entry_on_its_way_still_buys_is_sold_too(sandbox: Any, new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    assert send(order.pk).state == "unknown"
    seen = preview(alice, bot=bot)
    assert (seen.positions, seen.about_to_enter) == ((), (bot,))
    receipt = go_flat(alice, bot=bot, reason="Odd")
    assert receipt.finished_at is None
    for _ in range(3):
        settle_orders()
        keep_going_flat()
    receipt.refresh_from_db()
    assert (reloaded(order).state, fresh(bot).state.in_position) == ("filled", False)
    assert receipt.finished_at is not None


def test_with_nothing_to_sell_the_receipt_is_finished_at_once(new_bot: Any, alice: Any) -> None:
    bot = new_bot()
    receipt = go_flat(alice, bot=bot, reason="Odd")
    assert (receipt.finished_at is not None, lines_of(receipt, alice)) == (True, [])
    assert fresh(bot).state.status_text == "paused (halted)"


def test_the_end_of_the_halt_ends_the_asking(new_bot: Any, alice: Any) -> None:
    bot = holding(new_bot())
    receipt = go_flat(alice, bot=bot, reason="Odd")
    end_halt(receipt.halt, alice)
    assert keep_going_flat() == 1
    (line,) = lines_of(receipt, alice)
    assert (line.sold, line.left, line.why) == (0, line.quantity, "Its sale is on the way.")


def test_what_is_left_says_why(new_bot: Any, alice: Any) -> None:
    bot = holding(new_bot())
    receipt = go_flat(alice, bot=bot, reason="Odd")
    position = Position.objects.open().get()
    Order.objects.create(
        bot_config=bot, account=bot.account, position=position, venue="sandbox", market="spot", symbol="BTCUSDT",
        purpose="exit", reason="close_all", side="SELL", quantity=1, client_order_id="x", state="rejected",
        planned_at=position.opened_at, request_timestamp_ms=1, error_message="Market is closed",
    )  # fmt: skip
    assert lines_of(receipt, alice)[0].why == "The exchange refused: Market is closed. It is asked again."
    Order.objects.update(state="dropped")
    BotState.objects.update(last_error_message="The key is invalid.")
    assert lines_of(receipt, alice)[0].why == "The key is invalid."


def test_the_installation_goes_flat_and_everybody_reads_their_own(
    sandbox: Any, new_bot: Any, alice: Any, bob: Any, charlie: Any
) -> None:
    hers, his = holding(new_bot()), holding(new_bot(user=charlie))
    not_theirs = (
        (charlie, {"user": alice}),
        (charlie, {"bot": hers}),
        (alice, {"everything": True}),
        (alice, {}),
    )
    for stranger, target in not_theirs:
        with pytest.raises(LifecycleRefused):
            preview(stranger, **target)
        with pytest.raises(LifecycleRefused):
            go_flat(stranger, **target, reason="Mischief")
    assert FlatReceipt.objects.count() == 0
    receipt = go_flat(bob, everything=True, reason="Upgrade")
    assert [list(receipts_seen_by(user)) for user in (alice, bob, charlie)] == [[receipt]] * 3
    assert [[line.bot for line in lines_of(receipt, user)] for user in (alice, bob, charlie)] == [
        [hers], [hers, his], [his],
    ]  # fmt: skip
    own = go_flat(alice, user=alice, reason="Mine")
    assert list(receipts_seen_by(charlie)) == [receipt]
    assert list(receipts_seen_by(alice)) == [own, receipt]


def test_reading_costs_the_same_for_one_and_for_many(make_bot: Any, alice: Any) -> None:
    from django.utils import timezone

    counts = []
    for number in (1, 30):
        for _ in range(number):
            bot = make_bot()
            Position.objects.create(
                bot_config=bot, sequence=1, opened_at=timezone.now(), quantity=1, cost=Decimal(5)
            )
        receipt = go_flat(alice, user=alice, reason="Enough")
        held = Position.objects.open().count()
        with CaptureQueriesContext(connection) as queries:
            assert (len(lines_of(receipt, alice)), len(preview(alice, user=alice).positions)) == (held, held)
        counts.append(len(queries))
    assert counts == [5, 5]
