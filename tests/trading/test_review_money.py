"""What a stranger tried in order to lose money: each of these once ended badly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

import pytest
from django.db.models import F

from accounts.keys import client_of
from bots.models import BotConfig, BotState
from engine.amounts import decimal_from_e8
from engine.market import MINUTE_MS
from exchange.instants import instant_of
from exchange.models import SymbolInfo
from exchange.port import FillReport, OrderReport
from tests.trading.steps import (
    fresh,
    go_to_signal,
    make_older,
    plan_buy,
    plan_sell,
    recorded_candles,
    reloaded,
    strike,
)  # fmt: skip
from tests.trading.test_ledger import report_of
from tests.trading.test_protection import (
    BOTH,
    LIST,
    STOP_ONLY,
    again,
    ask_to_close,
    check_agreement,
    check_closed,
    enter,
    make_all_older,
    move,
    protect,
    reach,
    standing,
    theirs,
)
from trading.carrying_out import Planned
from trading.lifecycle import close_position
from trading.market_view import look
from trading.models import Decision, Order, Position
from trading.money import read_wallet
from trading.orders import ledger
from trading.orders.execution import send
from trading.orders.protection import _next_act, hear, tend
from trading.orders.settlement import settle_orders
from trading.runner import _enter_after_exit, run_bot

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_entry_is_made_that_its_stop_could_not_sell(sandbox: Any, new_bot: Any) -> None:
    """Worth enough at the close, too little at a stop of 10 % whose limit lies 2 % below it."""
    bot = new_bot()
    closed_ms = go_to_signal(sandbox, bot, "long_entry") - MINUTE_MS
    close = recorded_candles(sandbox, "BTCUSDT", start_ms=closed_ms, count=1).close[0]
    step = Decimal("0.00001")
    fewest = (5 / (decimal_from_e8(int(close)) * step)).to_integral_value(ROUND_UP)
    size = (fewest * step * decimal_from_e8(int(close))).quantize(Decimal("0.1"), ROUND_UP)
    BotConfig.objects.filter(pk=bot.pk).update(position_size_fixed=size, stop_loss_perc="10")
    run_bot(bot.pk)
    assert fresh(bot).state.status_text == "waiting (below minimum notional)"
    assert "at its stop" in Decision.objects.filter(bot_config=bot).latest("pk").text
    assert not Order.objects.filter(bot_config=bot).exists()
    BotConfig.objects.filter(pk=bot.pk).update(position_size_fixed=Decimal(8))
    go_to_signal(sandbox, bot, "long_entry")
    run_bot(bot.pk)
    placed = Order.objects.filter(bot_config=bot).order_by("pk").values_list("purpose", "state")
    assert list(placed) == [("entry", "filled"), ("stop", "open")]


def test_a_price_that_reached_a_stop_is_followed_by_a_question(sandbox: Any, new_bot: Any) -> None:
    """Tending compares wishes with what was last heard; the stop itself is not asked about for 20 s."""
    position = protect(new_bot, **BOTH)
    first = reach(sandbox, position, above=position.target_price, below=position.stop_price)
    make_all_older(position)
    tend(position.pk)
    assert again(position).closed_at is None
    hear(position.pk)
    check_closed(sandbox, position, "stop_loss" if first == "stop" else "take_profit")


def test_what_a_lost_sender_bought_is_looked_for_at_once(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(**BOTH)
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "execute_then_drop"})
    send(order.pk)
    # Its process ended while the answer was on its way.
    Order.objects.filter(pk=order.pk).update(
        state="sending", claimed_at=F("claimed_at") - timedelta(seconds=4)
    )
    settle_orders()
    assert reloaded(order).state == "filled"
    assert [state for _, state, _ in standing(Position.objects.get(bot_config=bot))] == ["open", "open"]
    check_agreement(sandbox)


def test_a_sender_that_only_takes_long_is_not_overtaken(sandbox: Any, new_bot: Any) -> None:
    """Its order is not there yet: nothing is concluded from that."""
    bot = new_bot()
    order = plan_buy(bot)
    strike(sandbox, bot, {"kind": "drop_before"})
    send(order.pk)
    Order.objects.filter(pk=order.pk).update(
        state="sending", claimed_at=F("claimed_at") - timedelta(seconds=4)
    )
    settle_orders()
    found = reloaded(order)
    assert (found.state, found.negative_answers) == ("sending", 0)


def test_a_stop_on_its_way_out_is_left_to_what_replaces_it(sandbox: Any, new_bot: Any) -> None:
    """Another worker passes while one is about to replace a stop: cancelling it would leave nothing standing."""
    position = protect(new_bot, **STOP_ONLY)
    tighter = position.stop_price + 1
    move(position, trailing_stop_price=tighter)
    replace_it = _next_act(position.pk)
    assert replace_it is not None
    tend(position.pk)
    settle_orders()
    assert len(theirs(position)) == 1
    replace_it()
    assert theirs(position) == [("STOP_LOSS_LIMIT", tighter)]
    tend(position.pk)
    assert standing(position) == [("stop", "open", tighter)]
    assert again(position).unprotected_since is None


def test_an_exit_is_sent_soon_after_the_exchange_is_back(sandbox: Any, new_bot: Any) -> None:
    """Its protection is gone already: what says nothing about the order must not lengthen the pause."""
    position = protect(new_bot, **BOTH)
    ask_to_close(position)
    busy = {"kind": "reject_with", "code": -1008, "msg": "Server is currently overloaded.", "status": 400}
    strike(sandbox, position.bot_config, {**busy, "count": 6})
    for _ in range(7):
        tend(position.pk)
        earlier = F("settled_at") - timedelta(seconds=4)
        Order.objects.filter(position=position, purpose="exit", state="rejected").update(settled_at=earlier)
    check_closed(sandbox, position, "exit_signal")


def test_a_market_that_pauses_is_no_reason_to_sell(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, **BOTH)
    closed = {"kind": "reject_with", "code": -2010, "msg": "Market is closed.", "status": 400}
    strike(sandbox, position.bot_config, {**LIST, **closed})
    tend(position.pk)
    assert (again(position).action == "exit", theirs(position)) == (False, [])
    assert fresh(position.bot_config).state.status != "error"
    Order.objects.filter(position=position).update(settled_at=F("settled_at") - timedelta(seconds=9))
    Position.objects.filter(pk=position.pk).update(
        unprotected_since=F("unprotected_since") - timedelta(seconds=9)
    )
    settle_orders()
    assert [state for _, state, _ in standing(position)] == ["open", "open"]


def cut(fill: FillReport, share: int, *, later: int = 0) -> FillReport:
    """This many tenths of a fill, as a trade of its own; the first has the commission."""
    return replace(
        fill,
        trade_id=fill.trade_id + later * 10**6,
        quantity_e8=fill.quantity_e8 * share // 10,
        quote_e8=fill.quote_e8 * share // 10,
        commission_e8=0 if later else fill.commission_e8,
    )


def hear_late(order: Order, sandbox: Any) -> tuple[OrderReport, FillReport]:
    """The order executes and nobody hears of it; what there is to be heard."""
    strike(sandbox, order.bot_config, {"kind": "execute_then_drop"})
    send(order.pk)
    report, (fill,) = report_of(order)
    return report, fill


def test_an_entry_that_buys_nothing_leaves_no_wish_to_sell(sandbox: Any, new_bot: Any, alice: Any) -> None:
    """Its user asked to close while it was on its way; it expired, and the next one is none of that wish's business."""
    bot = new_bot()
    order = plan_buy(bot)
    report, _fill = hear_late(order, sandbox)
    close_position(bot, by=alice)
    assert fresh(bot).state.close_when_filled
    ledger.book(order.pk, replace(report, status="EXPIRED", executed_e8=0, executed_quote_e8=0), [])
    assert (reloaded(order).state, fresh(bot).state.close_when_filled) == ("expired", False)


def test_what_is_too_little_to_sell_is_dust(sandbox: Any, new_bot: Any) -> None:
    """A sale in parts leaves coins worth less than the exchange takes: the position must not stay open for ever."""
    bot = new_bot()
    assert send(plan_buy(bot, quote=Decimal(40)).pk).state == "filled"
    order = plan_sell(bot)
    report, fill = hear_late(order, sandbox)
    sold = cut(fill, 9)
    ledger.book(order.pk, replace(report, status="EXPIRED", executed_e8=sold.quantity_e8), [sold])
    position, state = Position.objects.get(bot_config=bot), fresh(bot).state
    assert (position.closed_at is not None, position.exit_reason, state.in_position) == (
        True,
        "exit_signal",
        False,
    )
    assert Decimal(3) < state.dust_cost < Decimal(5)
    assert state.realized_pnl == position.realized_pnl


def test_the_rest_of_an_entry_that_was_sold_meanwhile_is_sold_too(sandbox: Any, new_bot: Any) -> None:
    """Half an entry is known and sold; the other half comes to be known afterwards and must not be forgotten."""
    bot = new_bot()
    order = plan_buy(bot)
    report, fill = hear_late(order, sandbox)
    halves = cut(fill, 5), cut(fill, 5, later=-1)
    ledger.book(order.pk, report, halves[:1])
    assert reloaded(order).state == "partially_filled"
    assert send(plan_sell(bot).pk).state == "filled"
    position = Position.objects.get(bot_config=bot)
    assert position.closed_at is None
    ledger.book(order.pk, report, halves)
    position, state = again(position), fresh(bot).state
    assert (position.closed_at, position.action, state.in_position) == (None, "exit", True)
    assert state.current_position_size_coins == position.quantity > 0
    Order.objects.filter(position=position).update(settled_at=F("settled_at") - timedelta(seconds=3))
    tend(position.pk)
    assert (again(position).closed_at is not None, fresh(bot).state.in_position) == (True, False)


def test_a_list_told_in_any_order_is_booked_whole(sandbox: Any, new_bot: Any) -> None:
    """A stop that sold a part was cancelled with its list; its target is told first."""
    position = protect(new_bot, **BOTH)
    stop, target = (Order.objects.get(position=position, purpose=purpose) for purpose in ("stop", "target"))
    client = client_of(position.bot_config.api_key)
    ended = client.cancel_list("BTCUSDT", stop.list_client_order_id)
    assert ended is not None
    reports = {report.client_order_id: report for report in ended.orders}
    price, quantity = int(position.stop_price * 10**8), 10**4
    part = FillReport(
        trade_id=10**12,
        order_id=stop.exchange_order_id,
        price_e8=price,
        quantity_e8=quantity,
        quote_e8=price * quantity // 10**8,
        commission_e8=0,
        commission_asset="USDT",
        is_maker=True,
        at_ms=ended.orders[0].at_ms,
    )
    sold = replace(reports[stop.client_order_id], executed_e8=quantity, executed_quote_e8=part.quote_e8)
    before = position.quantity
    ledger.book_together([(target, reports[target.client_order_id], []), (stop, sold, [part])])
    position = again(position)
    assert (before - position.quantity, reloaded(stop).state) == (Decimal(quantity) / 10**8, "canceled")
    assert position.unprotected_since is not None


def test_a_replaced_stop_keeps_when_it_was_asked_about(sandbox: Any, new_bot: Any) -> None:
    """Its gap, should there be one, is counted from the request that took it away."""
    position = protect(new_bot, **STOP_ONLY)
    move(position, trailing_stop_price=position.stop_price + 1)
    (old,) = Order.objects.unsettled().filter(position=position)
    tend(position.pk)
    old.refresh_from_db()
    new = Order.objects.unsettled().get(position=position)
    assert (old.state, old.asked_at is not None, old.asked_at >= new.claimed_at) == ("canceled", True, True)


def test_a_stop_that_breaks_a_filter_has_the_rules_read_again(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, **BOTH)
    SymbolInfo.objects.filter(symbol="BTCUSDT").update(status="BREAK")
    broken = {"kind": "reject_with", "code": -1013, "msg": "Filter failure: PRICE_FILTER", "status": 400}
    strike(sandbox, position.bot_config, {**LIST, **broken})
    tend(position.pk)
    check_closed(sandbox, position, "unprotected")
    assert SymbolInfo.objects.get(venue="sandbox", market="spot", symbol="BTCUSDT").status == "TRADING"


def test_a_candle_is_not_asked_again_once_a_newer_one_was(sandbox: Any, new_bot: Any) -> None:
    """An exit took long; meanwhile another run has looked at the next candle."""
    bot = new_bot()
    go_to_signal(sandbox, bot, "long_entry")
    read_wallet(bot.api_key, "spot", "USDT")
    view = look(fresh(bot))
    assert view is not None
    newer = view.last_open_ms + view.interval_ms
    today = instant_of(newer).date()
    BotState.objects.filter(pk=bot.pk).update(last_candle_open_ms=newer, counters_date=today)
    assert _enter_after_exit(bot.pk, view, Planned(position_id=1)) is None
    assert (Order.objects.count(), fresh(bot).state.last_candle_open_ms) == (0, newer)
    BotState.objects.filter(pk=bot.pk).update(last_candle_open_ms=view.last_open_ms)
    again = _enter_after_exit(bot.pk, view, Planned(position_id=1))
    assert (again is not None and again.state) == "filled"


def test_a_stop_the_exchange_has_forgotten_is_placed_again(sandbox: Any, new_bot: Any) -> None:
    """Gone without a trace (an archived order, a market begun anew): believed after three answers, not the first."""
    position = protect(new_bot, **STOP_ONLY)
    (stop,) = Order.objects.unsettled().filter(position=position)
    client_of(position.bot_config.api_key).cancel_order("BTCUSDT", stop.client_order_id)
    Order.objects.filter(pk=stop.pk).update(exchange_order_id=10**12)
    for names in (("request_timestamp_ms", "asked_at"), ("first_negative_ms", "asked_at"), ("asked_at",)):
        assert reloaded(stop).state == "open"
        make_older(stop, *names)
        settle_orders()
    assert reloaded(stop).state == "canceled"
    assert standing(position) == [("stop", "open", position.stop_price)]
    assert theirs(position) == [("STOP_LOSS_LIMIT", position.stop_price)]
