"""A position and its stop and target against the real sandbox: placed, hit, moved, cancelled, and every lost answer."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.keys import client_of
from bots.models import BotConfig, BotState
from engine.market import Candle
from tests.trading.steps import (
    fresh,
    go_to_signal,
    make_older,
    plan_buy,
    recorded_candles,
    strike,
)
from trading.audit import audit_fills
from trading.models import Order, Position, Trade
from trading.orders.execution import send
from trading.orders.protection import move_exits, request_exit, tend
from trading.orders.settlement import settle_orders
from trading.runner import run_bot

pytestmark = pytest.mark.django_db(transaction=True)

LIST = {"method": "POST", "path": "/api/v3/orderList/oco"}
CANCEL_LIST = {"method": "DELETE", "path": "/api/v3/orderList"}
REPLACE = {"method": "POST", "path": "/api/v3/order/cancelReplace"}
BOTH = {"stop_loss_perc": Decimal("0.5"), "take_profit_perc": Decimal(1)}
STOP_ONLY = {"stop_loss_perc": Decimal("0.5")}


def enter(new_bot: Any, **exits: Decimal) -> Position:
    """A bot with these exits that has just bought; nothing protects it yet."""
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(**exits)
    assert send(plan_buy(bot).pk).state == "filled"
    return again(Position.objects.open().get(bot_config=bot))


def protect(new_bot: Any, **exits: Decimal) -> Position:
    position = enter(new_bot, **exits)
    tend(position.pk)
    return again(position)


def again(position: Position) -> Position:
    found: Position = Position.objects.select_related("bot_config__account", "bot_config__api_key").get(
        pk=position.pk
    )
    return found


def standing(position: Position) -> list[tuple[str, str, Decimal]]:
    """What we believe to stand: purpose, state, price."""
    alive = Order.objects.unsettled().filter(position=position).order_by("purpose")
    return [(order.purpose, order.state, order.stop_price or order.price) for order in alive]


def theirs(position: Position) -> list[tuple[str, Decimal]]:
    """What stands at the exchange, by its own words: type, trigger or price."""
    client = client_of(position.bot_config.api_key)
    reports = sorted(client.open_orders(position.bot_config.symbol), key=lambda report: report.kind)
    return [
        (str(report.kind), Decimal(report.stop_price_e8 or report.price_e8) / 10**8) for report in reports
    ]


def move(position: Position, **prices: Decimal | None) -> None:
    with transaction.atomic():
        state = BotState.objects.select_for_update().get(pk=position.bot_config_id)
        move_exits(again(position), state, **prices)


def ask_to_close(position: Position, reason: str = "exit_signal") -> None:
    with transaction.atomic():
        BotState.objects.select_for_update().get(pk=position.bot_config_id)
        request_exit(again(position), reason=reason)


def check_agreement(sandbox: Any) -> None:
    """Every fill and every coin as the exchange has them."""
    report = audit_fills(sandbox.control)
    assert (report.missing, report.extra, report.different, report.balance_differences) == (0, 0, 0, 0)


def check_closed(sandbox: Any, position: Position, reason: str) -> None:
    position = again(position)
    assert (position.closed_at is not None, position.exit_reason, standing(position)) == (True, reason, [])
    assert theirs(position) == []
    sold = Trade.objects.get(position=position, side="SELL")
    assert (sold.reason, sold.realized_pnl) == (reason, position.realized_pnl)
    assert position.unprotected_since is None
    state = fresh(position.bot_config).state
    assert (state.in_position, state.stop_loss_price, state.take_profit_price) == (False, None, None)
    check_agreement(sandbox)


def test_an_entry_is_covered_by_a_list_at_once(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **BOTH)
    entry = position.entry_price
    # Rounded to the tick toward the entry: the stop up, the target down.
    stop = (entry * Decimal("0.995")).quantize(Decimal("0.01"), ROUND_CEILING)
    target = (entry * Decimal("1.01")).quantize(Decimal("0.01"), ROUND_FLOOR)
    assert standing(position) == [("stop", "open", stop), ("target", "open", target)]
    assert theirs(position) == [("LIMIT_MAKER", target), ("STOP_LOSS_LIMIT", stop)]
    legs = Order.objects.filter(position=position, purpose__in=["stop", "target"])
    assert len({leg.list_client_order_id for leg in legs}) == len({leg.exchange_list_id for leg in legs}) == 1
    assert {leg.quantity for leg in legs} == {position.quantity // Decimal("0.00001") * Decimal("0.00001")}
    state = fresh(position.bot_config).state
    assert (state.stop_loss_price, state.take_profit_price, state.trailing_stop_price) == (stop, target, None)
    assert (position.unprotected_since, position.action) == (None, "")
    assert 0 < position.unprotected_seconds < 5
    assert tend(position.pk) == 0
    assert len(theirs(position)) == 2


@pytest.mark.parametrize(
    ("exits", "purposes"),
    [
        (STOP_ONLY, ["stop"]),
        ({"take_profit_perc": Decimal(1)}, ["target"]),
        ({"trailing_stop_perc": Decimal("0.3")}, ["stop"]),
        ({}, []),
    ],
)
def test_one_legged_protection(
    sandbox: Any, new_bot: Any, exits: dict[str, Decimal], purposes: list[str]
) -> None:
    position = protect(new_bot, **exits)
    assert [(purpose, state) for purpose, state, _ in standing(position)] == [
        (purpose, "open") for purpose in purposes
    ]
    assert len(theirs(position)) == len(purposes)
    assert position.stop_reason == (
        "" if "stop" not in purposes else "trailing_stop" if "trailing_stop_perc" in exits else "stop_loss"
    )


def reach(sandbox: Any, position: Position, *, above: Decimal | None, below: Decimal | None) -> str:
    """Let the market go on until one of the prices has been reached; says which came first."""
    now_ms = int(sandbox.control.clock()["market_ms"])
    candles = recorded_candles(sandbox, position.bot_config.symbol, start_ms=now_ms, count=4_000)
    for minute in range(len(candles)):
        candle = candles.at(minute)
        hits_stop = below is not None and candle.low <= int(below * 10**8)
        hits_target = above is not None and candle.high >= int(above * 10**8)
        if hits_stop or hits_target:
            sandbox.control.advance(minute + 1)
            if hits_stop and hits_target:
                return first_of_both(candle, above, below)
            return "stop" if hits_stop else "target"
    raise AssertionError("neither was reached")


def first_of_both(candle: Candle, above: Decimal | None, below: Decimal | None) -> str:
    """A price the opening is already beyond comes first, else the one at the nearer extreme; ties: low (SPEC §5.7)."""
    if below is not None and candle.open <= int(below * 10**8):
        return "stop"
    if above is not None and candle.open >= int(above * 10**8):
        return "target"
    return "target" if candle.high - candle.open < candle.open - candle.low else "stop"


def test_the_leg_that_is_reached_closes_and_the_other_ends(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **BOTH)
    first = reach(sandbox, position, above=position.target_price, below=position.stop_price)
    make_all_older(position)
    settle_orders()
    check_closed(sandbox, position, "stop_loss" if first == "stop" else "take_profit")
    states = dict(Order.objects.filter(position=position).values_list("purpose", "state"))
    other = "target" if first == "stop" else "stop"
    assert (states[first], states[other]) == ("filled", "expired")
    sold = Trade.objects.get(position=position, side="SELL")
    # A resting target sells at its own price, a stop at its trigger or at the opening that passed it.
    wanted = position.target_price if first == "target" else position.stop_price
    assert (sold.price == wanted) if first == "target" else (sold.price <= wanted)


def make_all_older(position: Position) -> None:
    for order in Order.objects.unsettled().filter(position=position):
        make_older(order, "asked_at")


@pytest.mark.parametrize("exits", [BOTH, STOP_ONLY, {"take_profit_perc": Decimal(1)}])
def test_an_exit_cancels_first_and_sells_then(sandbox: Any, new_bot: Any, exits: dict[str, Decimal]) -> None:
    position = protect(new_bot, **exits)
    ask_to_close(position)
    tend(position.pk)
    check_closed(sandbox, position, "exit_signal")
    assert set(
        Order.objects.filter(position=position, purpose__in=["stop", "target"]).values_list(
            "state", flat=True
        )
    ) == {"canceled"}


def test_a_lone_stop_moves_in_one_request(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **STOP_ONLY)
    (old,) = Order.objects.unsettled().filter(position=position)
    tighter = position.stop_price + Decimal("1.00")
    move(position, trailing_stop_price=tighter)
    tend(position.pk)
    position = again(position)
    assert standing(position) == [("stop", "open", tighter)]
    assert theirs(position) == [("STOP_LOSS_LIMIT", tighter)]
    new = Order.objects.unsettled().get(position=position)
    assert (new.replaces_id, new.reason, position.stop_reason) == (old.pk, "trailing_stop", "trailing_stop")
    old.refresh_from_db()
    assert (old.state, position.unprotected_since) == ("canceled", None)


def test_a_list_moves_by_cancelling_it(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **BOTH)
    tighter, nearer = position.stop_price + 1, position.target_price - 1
    move(position, stop_loss_price=tighter, target_price=nearer)
    before = position.unprotected_seconds
    tend(position.pk)
    position = again(position)
    assert standing(position) == [("stop", "open", tighter), ("target", "open", nearer)]
    assert theirs(position) == [("LIMIT_MAKER", nearer), ("STOP_LOSS_LIMIT", tighter)]
    # The gap between the two lists is measured.
    assert (position.unprotected_since, position.unprotected_seconds > before) == (None, True)


def test_an_exit_that_is_taken_away_is_cancelled(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **BOTH)
    move(position, target_price=None)
    tend(position.pk)
    assert standing(position) == [("stop", "open", position.stop_price)]
    assert theirs(position) == [("STOP_LOSS_LIMIT", position.stop_price)]


def test_a_stop_the_price_has_passed_is_an_exit(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, **BOTH)
    move(position, stop_loss_price=position.entry_price + 50)
    tend(position.pk)
    check_closed(sandbox, position, "stop_loss")


def test_a_target_the_price_has_passed_is_an_exit(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, take_profit_perc=Decimal(1))
    move(position, target_price=position.entry_price - 50)
    tend(position.pk)
    check_closed(sandbox, position, "take_profit")


@pytest.mark.parametrize("fault", ["execute_then_drop", "error_503_after"])
def test_a_list_whose_answer_was_lost_is_found(sandbox: Any, new_bot: Any, fault: str) -> None:
    position = enter(new_bot, **BOTH)
    strike(sandbox, position.bot_config, {**LIST, "kind": fault})
    tend(position.pk)
    assert [state for _, state, _ in standing(position)] == ["unknown", "unknown"]
    assert again(position).unprotected_since is not None
    make_all_older(position)
    settle_orders()
    assert [state for _, state, _ in standing(position)] == ["open", "open"]
    assert (len(theirs(position)), again(position).unprotected_since) == (2, None)
    check_agreement(sandbox)


@pytest.mark.parametrize("fault", ["drop_before", "error_503_before"])
def test_a_list_that_never_arrived_is_placed_again(sandbox: Any, new_bot: Any, fault: str) -> None:
    position = enter(new_bot, **BOTH)
    strike(sandbox, position.bot_config, {**LIST, "kind": fault})
    tend(position.pk)
    lost = list(Order.objects.unsettled().filter(position=position))
    assert [order.state for order in lost] == ["unknown", "unknown"]
    settle_orders()
    assert [state for _, state, _ in standing(position)] == ["unknown", "unknown"]  # too early to be believed
    believe_gone(lost)
    assert [state for _, state, _ in standing(position)] == ["open", "open"]
    assert not set(lost) & set(Order.objects.unsettled().filter(position=position))
    assert (len(theirs(position)), again(position).unprotected_since) == (2, None)


def believe_gone(orders: list[Order]) -> None:
    for name in ("request_timestamp_ms", "first_negative_ms", None, None):
        for order in orders:
            make_older(order, *filter(None, [name, "asked_at"]))
        settle_orders()


@pytest.mark.parametrize("fault", ["execute_then_drop", "error_503_after", "drop_before"])
def test_a_cancel_is_repeated_until_it_is_final(sandbox: Any, new_bot: Any, fault: str) -> None:
    position = protect(new_bot, **BOTH)
    strike(sandbox, position.bot_config, {**CANCEL_LIST, "kind": fault, "count": 1})
    ask_to_close(position)
    tend(position.pk)
    make_all_older(position)
    settle_orders()
    check_closed(sandbox, position, "exit_signal")


@pytest.mark.parametrize("fault", ["execute_then_drop", "error_503_after", "drop_before", "error_503_before"])
def test_a_replacement_whose_answer_was_lost_ends_well(sandbox: Any, new_bot: Any, fault: str) -> None:
    position = protect(new_bot, **STOP_ONLY)
    tighter = position.stop_price + 1
    move(position, trailing_stop_price=tighter)
    strike(sandbox, position.bot_config, {**REPLACE, "kind": fault})
    tend(position.pk)
    for name in ("request_timestamp_ms", "first_negative_ms", None, None, None):
        for order in Order.objects.unsettled().filter(position=position, request_timestamp_ms__isnull=False):
            make_older(order, *filter(None, [name, "asked_at"]))
        settle_orders()
    assert standing(position) == [("stop", "open", tighter)]
    assert theirs(position) == [("STOP_LOSS_LIMIT", tighter)]
    assert again(position).unprotected_since is None


def test_a_refusal_for_good_closes_the_position_and_says_so(sandbox: Any, new_bot: Any) -> None:
    position = enter(new_bot, **BOTH)
    fault = {"kind": "reject_with", "code": -2010, "msg": "This symbol is not permitted for this account."}
    strike(sandbox, position.bot_config, {**LIST, **fault, "status": 400})
    tend(position.pk)
    check_closed(sandbox, position, "unprotected")
    state = fresh(position.bot_config).state
    assert state.status_text == "error (protection refused)"
    assert "not permitted" in state.last_error_message


def test_a_stop_cancelled_by_hand_is_placed_again(sandbox: Any, new_bot: Any) -> None:
    position = protect(new_bot, **BOTH)
    stop = Order.objects.get(position=position, purpose="stop")
    client_of(position.bot_config.api_key).cancel_order("BTCUSDT", stop.client_order_id)
    assert theirs(position) == []
    make_all_older(position)
    settle_orders()
    assert len(theirs(position)) == 2
    assert [state for _, state, _ in standing(position)] == ["open", "open"]


def test_a_sender_that_died_before_sending_is_made_good(sandbox: Any, new_bot: Any) -> None:
    """Planned rows whose process is gone: the next pass sends both legs of the list together."""
    position = enter(new_bot, **BOTH)
    with pytest.raises(ZeroDivisionError):
        tend_until_planned(position)
    assert [state for _, state, _ in standing(position)] == ["planned", "planned"]
    for order in Order.objects.unsettled().filter(position=position):
        make_older(order, "planned_at")
    settle_orders()
    assert [state for _, state, _ in standing(position)] == ["open", "open"]
    assert len(theirs(position)) == 2


def tend_until_planned(position: Position) -> None:
    from trading.orders.protection import _next_act

    assert _next_act(position.pk) is not None
    raise ZeroDivisionError  # the process ends here


def test_a_stop_jumped_over_is_given_up_and_the_rest_sold(sandbox: Any, new_bot: Any) -> None:
    """The limit of the stop equals its trigger, and a minute opens below both."""
    position = enter(new_bot, stop_loss_perc=Decimal(1))
    now_ms = int(sandbox.control.clock()["market_ms"])
    candles = recorded_candles(sandbox, "BTCUSDT", start_ms=now_ms, count=20_000)
    stop_e8, minute = _gap(candles)
    sandbox.control.advance(minute)
    BotConfig.objects.filter(pk=position.bot_config_id).update(stop_limit_offset_perc=Decimal("0.0001"))
    move(position, stop_loss_price=Decimal(stop_e8) / 10**8)
    tend(position.pk)
    assert [state for _, state, _ in standing(position)] == ["open"]
    sandbox.control.advance(1)
    make_all_older(position)
    settle_orders()
    (stop,) = Order.objects.unsettled().filter(position=position)
    assert (stop.state, stop.triggered_at is not None) == ("open", True)
    make_older(stop, "triggered_at")
    settle_orders()
    check_closed(sandbox, position, "stop_gap")
    assert again(position).unprotected_seconds >= 60


def _gap(candles: Any) -> tuple[int, int]:
    """(stop in e8, minute to stand at): the next minute opens below the stop, this one never reached it."""
    for minute in range(2, len(candles) - 1):
        here, there = candles.at(minute), candles.at(minute + 1)
        if there.open + 4 * 10**7 < min(here.low, here.close):
            return there.open + 2 * 10**7, minute
    raise AssertionError("no minute opens below the one before it")


def test_two_refusals_trip_the_breaker_and_three_stops_too(sandbox: Any, new_bot: Any) -> None:
    bot = new_bot()
    BotConfig.objects.filter(pk=bot.pk).update(**STOP_ONLY)
    for _ in range(3):
        assert send(plan_buy(bot).pk).state == "filled"
        position = again(Position.objects.open().get(bot_config=bot))
        move(position, stop_loss_price=position.entry_price + 50)
        tend(position.pk)
    assert fresh(bot).state.status_text == "paused (circuit breaker)"
    assert Trade.objects.filter(bot_config=bot, reason="stop_loss").count() == 3


def test_an_entry_whose_stop_finds_no_place_is_refused_beforehand(sandbox: Any, new_bot: Any) -> None:
    """The sixth stop of an account on a symbol: Binance allows five."""
    first = new_bot(initial_capital="100")
    key = first.api_key
    bots = [first, *(new_bot(key=key, initial_capital="100") for _ in range(5))]
    BotConfig.objects.filter(pk__in=[bot.pk for bot in bots]).update(**STOP_ONLY)
    go_to_signal(sandbox, first, "long_entry")
    for bot in bots:
        run_bot(bot.pk)
    held = [fresh(bot).state.in_position for bot in bots]
    assert held == [True] * 5 + [False]
    assert fresh(bots[-1]).state.status_text == "waiting (no stop slot)"
    assert Position.objects.filter(unprotected_since__isnull=True).count() == 5
