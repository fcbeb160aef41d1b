"""What there is to know of one bot and of all: performance, trades, orders, decisions, summary. Strangers: nothing."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import BotState
from tests.api.conftest import NOON
from trading.models import Decision, Order, Position
from trading.performance import Closed, measured

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)
LISTS = ("trades", "orders", "decisions")


def make_position(bot, number: int, pnl: str, **values) -> Position:
    at = NOON + number * HOUR
    fields = {
        "opened_at": at,
        "closed_at": at + HOUR / 2,
        "realized_pnl": Decimal(pnl),
        "fees": Decimal("0.1"),
    }
    return Position.objects.create(
        bot_config=bot, sequence=number, **{**fields, "exit_reason": "exit_signal", **values}
    )


def make_order(bot, number: int, **values) -> Order:
    fields = {
        "account": bot.account,
        "venue": "sandbox",
        "market": "spot",
        "symbol": bot.symbol,
        "purpose": "entry",
        "reason": "entry",
        "side": "BUY",
        "quote_quantity": Decimal("100.50"),
        "client_order_id": f"tag-{bot.pk}-{number}",
        "planned_at": NOON,
        "state": "rejected",
        "request_timestamp_ms": 1,
        "error_code": -1013,
        "error_message": "Too small.",
        **values,
    }
    return Order.objects.create(bot_config=bot, **fields)


def make_decision(bot, number: int, **values) -> Decision:
    fields = {
        "config_version": 1,
        "candle_open_ms": 1_772_366_400_000 + number * 60_000,
        "acts_at": NOON + number * HOUR / 60,
        "action": "none",
        "reason": "no signal",
        "text": "Nothing.",
        "close_price": Decimal("64000.10"),
        **values,
    }
    return Decision.objects.create(bot_config=bot, **fields)


def test_performance_is_exact(alice_api, make_bot):
    bot = make_bot(initial_capital=Decimal(1000))
    for number, pnl in enumerate(["10.10", "-30.30", "5", "0"]):
        make_position(bot, number, pnl)
    make_position(bot, 30, "1", exit_reason="stop_loss")
    Position.objects.create(bot_config=bot, sequence=99, opened_at=NOON)
    answer = alice_api.get(f"/api/v1/bots/{bot.pk}/performance")
    assert answer.status_code == 200
    body = answer.json()
    days, equity = body.pop("by_day"), body.pop("equity")
    assert body == {
        "bot_config": bot.pk,
        "quote_asset": "USDT",
        "initial_capital": "1000",
        "current_capital": "985.8",
        "realized_pnl": "-14.2",
        "return_perc": "-1.42",
        "positions": 5,
        "wins": 3,
        "losses": 1,
        "win_rate": "60",
        "profit_factor": "0.53135314",
        "expectancy": "-2.84",
        "average_win": "5.36666667",
        "average_loss": "-30.3",
        "best": "10.1",
        "worst": "-30.3",
        "fees": "0.5",
        "funding": "0",
        "max_drawdown": "30.3",
        "max_drawdown_perc": "2.99970300",
        "average_holding_seconds": 1800,
        "exit_reasons": {"exit_signal": 4, "stop_loss": 1},
    } | {"max_drawdown_perc": "2.999703"}
    assert days == [
        {"day": "2026-03-01", "positions": 4, "realized_pnl": "-15.2"},
        {"day": "2026-03-02", "positions": 1, "realized_pnl": "1"},
    ]
    assert [point["equity"] for point in equity] == ["1010.1", "979.8", "984.8", "984.8", "985.8"]
    assert equity[0]["at"] == "2026-03-01T12:30:00Z"


def test_a_bot_without_positions_divides_by_nothing(alice_api, make_bot):
    body = alice_api.get(f"/api/v1/bots/{make_bot().pk}/performance").json()
    empty = (
        "win_rate",
        "profit_factor",
        "expectancy",
        "best",
        "worst",
        "average_holding_seconds",
        "average_win",
    )
    assert [body[name] for name in empty] == [None] * len(empty)
    assert (body["positions"], body["realized_pnl"], body["max_drawdown"], body["equity"]) == (
        0,
        "0",
        "0",
        [],
    )


def test_drawdown_counts_from_the_highest_equity():
    pnls = ["100", "-50", "200", "-75", "-25", "300"]
    rows = [
        Closed(NOON, NOON + number * HOUR, Decimal(pnl), Decimal(0), Decimal(0), "exit_signal")
        for number, pnl in enumerate(pnls)
    ]
    figures = measured(Decimal(1000), rows)
    assert (figures.max_drawdown, figures.max_drawdown_perc) == (Decimal(100), Decimal("8"))


def test_orders_are_a_timeline(alice_api, make_bot):
    bot = make_bot()
    first = make_order(bot, 1)
    target = make_order(
        bot, 2, purpose="target", side="SELL", kind="LIMIT_MAKER", quote_quantity=None, quantity=Decimal("0.01"),
        price=Decimal("70000.10"), list_client_order_id="tag-list", state="open", position=make_position(bot, 1, "0"),
        accepted_at=NOON,
    )  # fmt: skip
    rows = alice_api.get(f"/api/v1/bots/{bot.pk}/orders").json()["results"]
    assert [row["id"] for row in rows] == [target.pk, first.pk]
    assert (rows[0]["price"], rows[0]["list_client_order_id"], rows[0]["accepted_at"]) == (
        "70000.1", "tag-list", "2026-03-01T12:00:00Z",
    )  # fmt: skip
    assert (rows[1]["quote_quantity"], rows[1]["state"], rows[1]["error_code"], rows[1]["error_message"]) == (
        "100.5", "rejected", -1013, "Too small.",
    )  # fmt: skip
    for query, found in {
        "purpose=target": [target],
        "state=rejected": [first],
        "from=2026-03-02": [],
    }.items():
        rows = alice_api.get(f"/api/v1/bots/{bot.pk}/orders?{query}").json()["results"]
        assert [row["id"] for row in rows] == [order.pk for order in found], query


def test_decisions_say_why(alice_api, make_bot):
    bot = make_bot()
    first, second = make_decision(bot, 1), make_decision(bot, 2, action="enter", reason="signal", text="In.")
    rows = alice_api.get(f"/api/v1/bots/{bot.pk}/decisions").json()["results"]
    assert [row["id"] for row in rows] == [second.pk, first.pk]
    assert (rows[0]["action"], rows[0]["text"], rows[0]["close_price"], rows[0]["candle_at"]) == (
        "enter", "In.", "64000.1", "2026-03-01T12:02:00Z",
    )  # fmt: skip
    narrowed = alice_api.get(f"/api/v1/bots/{bot.pk}/decisions?action=enter").json()
    assert (narrowed["count"], narrowed["results"][0]["id"]) == (1, second.pk)


def test_a_bots_trades_are_its_own(alice_api, make_bot, make_trade):
    one, other = make_bot(), make_bot()
    trade = make_trade(one)
    make_trade(other)
    answer = alice_api.get(f"/api/v1/bots/{one.pk}/trades?side=BUY").json()
    assert (answer["count"], answer["results"][0]["id"]) == (1, trade.pk)


@pytest.mark.parametrize("name", [*LISTS, "performance"])
def test_strangers_and_nobody_get_a_404(request, make_bot, name):
    bot = make_bot()
    for who in ("charlie_api", "bob_api"):
        api = request.getfixturevalue(who)
        theirs, nobodys = api.get(f"/api/v1/bots/{bot.pk}/{name}"), api.get(f"/api/v1/bots/99999999/{name}")
        assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert request.getfixturevalue("anonymous_api").get(f"/api/v1/bots/{bot.pk}/{name}").status_code == 401


@pytest.mark.parametrize(
    "path", [*(f"bots/1/{name}" for name in LISTS), "bots/1/performance", "bots/summary"]
)
def test_an_unknown_parameter_is_refused_by_name(alice_api, make_bot, path):
    answer = alice_api.get(f"/api/v1/{path.replace('1', str(make_bot().pk))}?bogus=1")
    assert (answer.status_code, answer.json()) == (400, {"bogus": ["Unknown filter."]})


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_one_and_for_thirty(alice_api, make_bot, make_trade, name):
    bot = make_bot()
    make = {
        "trades": lambda number: make_trade(bot),
        "orders": lambda number: make_order(bot, number),
        "decisions": lambda number: make_decision(bot, number),
    }[name]
    make(0)
    with CaptureQueriesContext(connection) as one:
        alice_api.get(f"/api/v1/bots/{bot.pk}/{name}")
    for number in range(1, 30):
        make(number)
    with CaptureQueriesContext(connection) as thirty:
        answer = alice_api.get(f"/api/v1/bots/{bot.pk}/{name}").json()
    assert (len(answer["results"]), answer["count"]) == (30, 30)
    assert len(thirty) == len(one)


def test_the_summary_adds_up_all_bots(alice_api, charlie_api, make_bot):
    one, other = make_bot(name="One"), make_bot(name="Other", symbol="ETHUSDT", initial_capital=Decimal(500))
    make_position(one, 1, "10")
    make_position(one, 2, "-4")
    BotState.objects.filter(pk=one.pk).update(
        realized_pnl=Decimal(6), daily_pnl=Decimal("1.5"), in_position=True
    )
    BotState.objects.filter(pk=other.pk).update(status="error", status_detail="price fetch")
    body = alice_api.get("/api/v1/bots/summary").json()
    rows = body.pop("bots")
    assert body == {
        "count": 2,
        "active": 0,
        "in_position": 1,
        "paused": 0,
        "in_error": 1,
        "totals": [
            {"quote_asset": "USDT", "initial_capital": "1500", "realized_pnl": "6", "daily_pnl": "1.5"}
        ],
    }
    assert [(row["name"], row["status"], row["positions"], row["wins"], row["win_rate"]) for row in rows] == [
        ("Other", "error (price fetch)", 0, 0, None),
        ("One", "stopped", 2, 1, "50"),
    ]
    assert charlie_api.get("/api/v1/bots/summary").json()["count"] == 0


def test_the_summary_costs_the_same_for_one_and_for_thirty(alice_api, make_bot):
    make_bot()
    with CaptureQueriesContext(connection) as one:
        alice_api.get("/api/v1/bots/summary")
    for _number in range(29):
        make_bot()
    with CaptureQueriesContext(connection) as thirty:
        assert alice_api.get("/api/v1/bots/summary").json()["count"] == 30
    assert len(thirty) == len(one)
