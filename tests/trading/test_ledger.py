"""Booking: every fill once, whoever reports it and however often; numbers are the replay of the fills."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import client_of
from bots.lifecycle import roll_day
from bots.models import BotState
from exchange.port import FillReport, OrderReport
from tests.trading.steps import fresh, plan_buy, plan_sell, reloaded, reserved, strike
from trading.models import Fill, Order, Position, Trade
from trading.orders import ledger
from trading.orders.execution import send
from trading.orders.protection import tend

pytestmark = pytest.mark.django_db


def report_of(order: Order) -> tuple[OrderReport, list[FillReport]]:
    client = client_of(order.bot_config.api_key)
    report = client.find_order(order.symbol, client_order_id=order.client_order_id)
    assert report is not None
    return report, client.fills_of_order(order.symbol, report.order_id)


def everything_of(bot: Any) -> list[Any]:
    """Every number a booking may touch."""
    state = fresh(bot).state
    return [
        list(
            Fill.objects.filter(order__bot_config=bot)
            .values_list("trade_id", "price", "quantity")
            .order_by("id")
        ),
        list(
            Trade.objects.filter(bot_config=bot).values_list("client_order_id", "realized_pnl").order_by("id")
        ),
        list(
            Position.objects.filter(bot_config=bot).values_list(
                "quantity", "cost", "realized_pnl", "closed_at"
            )
        ),
        list(
            Order.objects.filter(bot_config=bot).values_list(
                "state", "executed_quote", "reserved", "settled_at"
            )
        ),
        (
            state.realized_pnl,
            state.daily_pnl,
            state.daily_trades_count,
            state.dust_quantity,
            state.status_text,
        ),
        reserved(bot),
    ]


def test_booking_twice_changes_nothing(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    orders = [send(plan_buy(bot).pk), send(plan_sell(bot).pk)]
    before = everything_of(bot)
    for order in orders * 2:
        ledger.book(order.pk, *report_of(order))
    assert everything_of(bot) == before


def test_a_round_trip_leaves_what_its_fills_say(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    bought, sold = send(plan_buy(bot).pk), send(plan_sell(bot).pk)
    position, state = Position.objects.get(bot_config=bot), fresh(bot).state
    entry, exit_ = Trade.objects.filter(bot_config=bot).order_by("id")
    assert (entry.reason, exit_.reason, entry.realized_pnl) == ("entry", "exit_signal", None)
    assert exit_.realized_pnl == position.realized_pnl == state.realized_pnl == state.daily_pnl != 0
    dust = bought.executed_quantity - Fill.objects.get(order=bought).commission - sold.executed_quantity
    assert (state.dust_quantity, state.daily_trades_count, state.in_position) == (dust, 1, False)
    assert (state.entry_price, state.current_position_size_coins) == (None, 0)


def test_a_partial_fill_is_booked_as_it_comes(sandbox: Any, new_bot: Any) -> None:
    """Told in two parts, an order is open until the whole of it has been told; the end is the same."""
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    report, (fill,) = report_of(order)
    half = replace(
        fill, quantity_e8=fill.quantity_e8 // 2, quote_e8=fill.quote_e8 // 2, trade_id=fill.trade_id
    )
    rest = replace(
        fill,
        quantity_e8=fill.quantity_e8 - half.quantity_e8,
        quote_e8=fill.quote_e8 - half.quote_e8,
        commission_e8=0,
        trade_id=fill.trade_id + 10**6,
    )
    partly = replace(
        report, status="PARTIALLY_FILLED", executed_e8=half.quantity_e8, executed_quote_e8=half.quote_e8
    )
    ledger.book(order.pk, partly, [half])
    assert (reloaded(order).state, Trade.objects.filter(bot_config=bot).count()) == ("partially_filled", 0)
    assert fresh(bot).state.in_position
    # The exchange says "filled", but the trades it lists lag behind: not final before the rest is booked.
    ledger.book(order.pk, report, [half])
    assert reloaded(order).state == "partially_filled"
    ledger.book(order.pk, report, [half, rest])
    assert (reloaded(order).state, reloaded(order).executed_quote, reserved(bot)) == (
        "filled",
        Decimal(fill.quote_e8) / 10**8,
        0,
    )
    assert Trade.objects.filter(bot_config=bot).count() == 1


def test_dust_joins_the_next_round_trip(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    send(plan_buy(bot).pk)
    send(plan_sell(bot).pk)
    dust = fresh(bot).state.dust_quantity
    assert dust > 0
    bought = send(plan_buy(bot).pk)
    position = Position.objects.open().get(bot_config=bot)
    commission = Fill.objects.get(order=bought).commission
    assert position.quantity == dust + bought.executed_quantity - commission
    assert fresh(bot).state.dust_quantity == 0


def test_an_exit_in_two_orders_shares_its_result_between_their_trades(sandbox: Any, new_bot: Any) -> None:
    """The first found buyers for half of it and expired, the second sold the rest: no profit is told twice."""
    bot = new_bot()
    send(plan_buy(bot).pk)
    sandbox.control.advance(7)
    order = plan_sell(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    report, (fill,) = report_of(order)
    half = replace(fill, quantity_e8=fill.quantity_e8 // 2, quote_e8=fill.quote_e8 // 2)
    rest = replace(
        fill,
        trade_id=fill.trade_id + 10**6,
        quantity_e8=fill.quantity_e8 - half.quantity_e8,
        quote_e8=fill.quote_e8 - half.quote_e8,
        commission_e8=0,
    )
    ledger.book(order.pk, replace(report, status="EXPIRED", executed_e8=half.quantity_e8), [half])
    Order.objects.filter(pk=order.pk).update(settled_at=order.planned_at - timedelta(minutes=1))
    strike(sandbox, bot, {"kind": "error_503_before"})
    tend(order.position_id)
    again = Order.objects.unsettled().get(bot_config=bot)
    assert again.state == "unknown"
    ledger.book(
        again.pk, replace(report, order_id=report.order_id + 10**6, executed_e8=rest.quantity_e8), [rest]
    )
    position, trades = Position.objects.get(bot_config=bot), Trade.objects.filter(bot_config=bot, side="SELL")
    assert [trade.quantity_filled for trade in trades.order_by("id")] == [
        Decimal(part.quantity_e8) / 10**8 for part in (half, rest)
    ]
    assert position.closed_at is not None
    assert (
        sum(trade.realized_pnl for trade in trades) == position.realized_pnl == fresh(bot).state.realized_pnl
    )


def test_new_fills_of_a_finished_order_are_a_conflict(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = send(plan_buy(bot).pk)
    report, (fill,) = report_of(order)
    with pytest.raises(ledger.LedgerConflict):
        ledger.book(order.pk, report, [fill, replace(fill, trade_id=fill.trade_id + 10**6)])
    assert Fill.objects.filter(order=order).count() == 1


def test_the_day_of_a_fill_is_its_day_in_market_time(sandbox: Any, new_bot: Any) -> None:
    """Bought before midnight, sold after it: the count belongs to the first day, the profit to the second."""
    bot = new_bot()
    minutes_left = 1440 - int(sandbox.control.clock()["market_ms"]) // 60_000 % 1440
    sandbox.control.advance(minutes_left + 1439)
    bought = send(plan_buy(bot).pk)
    evening = fresh(bot).state
    assert (evening.daily_trades_count, evening.daily_pnl) == (1, 0)
    sandbox.control.advance(1)
    sold = send(plan_sell(bot).pk)
    morning = fresh(bot).state
    days = [
        Trade.objects.get(client_order_id=order.client_order_id).timestamp.date() for order in (bought, sold)
    ]
    assert (days[0], days[1]) == (evening.counters_date, morning.counters_date)
    assert (days[1] - days[0]).days == 1
    assert (morning.daily_trades_count, morning.daily_pnl) == (0, morning.realized_pnl)


def test_an_entry_told_a_day_late_does_not_count_for_today(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    report, fills = report_of(order)
    today = report_day(report) + timedelta(days=1)
    roll_day(BotState.objects.filter(pk=bot.pk), today)
    ledger.book(order.pk, report, fills)
    state = fresh(bot).state
    assert (state.in_position, state.daily_trades_count, state.counters_date) == (True, 0, today)


def report_day(report: OrderReport) -> date:
    return datetime.fromtimestamp(report.at_ms / 1000, tz=UTC).date()
