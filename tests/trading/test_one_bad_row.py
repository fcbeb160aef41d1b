"""One order, position, symbol or bot that cannot be dealt with is its own trouble, never everybody's."""

from __future__ import annotations

from typing import Any

import pytest

from bots.models import BotConfig
from exchange import candles
from exchange.candles.store import month_of
from exchange.models import CandleBlock
from tests.trading.steps import fresh, plan, plan_buy, reloaded, strike
from trading.due import due_bots
from trading.models import Order, Position
from trading.orders.execution import send
from trading.orders.settlement import settle_orders
from trading.reset import reactivate_bots
from trading.tasks import run_bot_task

pytestmark = pytest.mark.django_db


def test_an_order_that_cannot_be_booked_keeps_no_other_waiting(sandbox: Any, new_bot: Any) -> None:
    """Not only what we foresaw: here the database itself refuses the booking."""
    first, second = new_bot(), new_bot()
    orders = [plan_buy(bot) for bot in (first, second)]
    for bot, order in zip((first, second), orders, strict=True):
        strike(sandbox, bot, {"kind": "execute_then_drop"})
        assert send(order.pk).state == "unknown"
    (theirs,) = sandbox.control.orders(uid=int(first.account.external_id))
    taken = reloaded(orders[0])
    taken.pk, taken.decision, taken.client_order_id, taken.state = None, None, "somebody-else", "canceled"
    taken.exchange_order_id = theirs["orderId"]
    taken.save(force_insert=True)
    assert dict(settle_orders()) == {"failed": 1, "filled": 1}
    assert [reloaded(order).state for order in orders] == ["unknown", "filled"]


def test_an_exit_that_cannot_be_planned_again_keeps_no_other_waiting(sandbox: Any, new_bot: Any) -> None:
    bots = [new_bot(), new_bot()]
    for bot in bots:
        order = plan(bot, "exit")
        Order.objects.filter(pk=order.pk).update(state="dropped")
    # A number that is none of the exchange's: finer than any of its amounts.
    Position.objects.filter(bot_config=bots[0]).update(quantity="0.000000001")
    assert dict(settle_orders()) == {"failed": 1, "tended": 1}
    assert [Position.objects.open().filter(bot_config=bot).count() for bot in bots] == [1, 0]


def test_a_symbol_the_venue_no_longer_knows_stops_no_other_bot(sandbox: Any, new_bot: Any) -> None:
    gone, well = new_bot(), new_bot()
    BotConfig.objects.filter(pk=gone.pk).update(symbol="GONEUSDT")
    assert sorted(due_bots()) == [gone.pk, well.pk]
    assert reactivate_bots().rolled == 2
    for bot in (gone, well):
        run_bot_task(bot.pk)
    assert fresh(gone).state.status_text == "error (price fetch)"
    assert fresh(well).state.last_candle_open_ms is not None


def test_a_run_that_breaks_says_so_on_its_bot(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    month = month_of(int(sandbox.control.clock()["market_ms"]))
    CandleBlock.objects.create(
        source="sandbox",
        market="spot",
        symbol=bot.symbol,
        interval="1m",
        month=month,
        first_open_ms=0,
        count=1,
        columns=b"damaged",
        checksum="0",
    )
    with pytest.raises(candles.DamagedBlock):
        run_bot_task(bot.pk)
    state = fresh(bot).state
    assert (state.status_text, state.last_error_message) == (
        "error (run failed)",
        "The run broke off: DamagedBlock. The operators' log says where.",
    )
