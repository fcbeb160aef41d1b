"""Random faults at random steps, then the audit: every fill once, every balance to the last digit, nothing stuck."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from tests.trading.steps import ORDER, go_to_signal
from trading.audit import audit_fills
from trading.due import due_bots
from trading.models import Fill, Order, Position, Trade, Wallet
from trading.orders.settlement import settle_orders
from trading.runner import run_bot

pytestmark = pytest.mark.django_db
KINDS = (
    "execute_then_drop",
    "drop_before",
    "error_503_after",
    "error_503_before",
    "hide_order_ms",
    "delay_after_ms",
)
QUERIES = ("/api/v3/order", "/api/v3/account", "/api/v3/myTrades", "/api/v3/ticker/24hr", "/api/v3/klines")
STEPS = 30


@pytest.mark.parametrize("seed", [1, 2])
def test_random_faults_leave_every_fill_booked_once(sandbox: Any, new_bot: Any, seed: int) -> None:
    chance = random.Random(seed)
    bots = [new_bot(symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    for _ in range(STEPS):
        sandbox.control.set_faults([*order_faults(chance), *query_faults(chance)])
        go_to_signal(sandbox, chance.choice(bots), chance.choice(["long_entry", "long_exit"]))
        for bot_id in due_bots():
            run_bot(bot_id)
        pass_a_minute(chance)

    sandbox.control.clear_faults()
    end_everything()
    report = audit_fills(sandbox.control)
    assert (report.details, report.fills) == ((), Fill.objects.count())
    assert report.fills >= 10
    check_books()


def order_faults(chance: random.Random) -> list[dict[str, Any]]:
    if chance.random() < 0.4:
        return []
    kind = chance.choice(KINDS)
    more = {"ms": 30} if kind.endswith("_ms") else {}
    return [{**ORDER, "kind": kind, **more}]


def query_faults(chance: random.Random) -> list[dict[str, Any]]:
    if chance.random() < 0.7:
        return []
    return [{"method": "GET", "path": chance.choice(QUERIES), "kind": "error_503_before", "count": 2}]


def pass_a_minute(chance: random.Random) -> None:
    """Time in the rows moves back by a minute, so that settling need not wait for it; sometimes nobody settles."""
    open_orders = Order.objects.unsettled()
    open_orders.update(planned_at=F("planned_at") - timedelta(minutes=1))
    open_orders.filter(claimed_at__isnull=False).update(claimed_at=F("claimed_at") - timedelta(minutes=1))
    ago = {name: F(name) - 60_000 for name in ("request_timestamp_ms", "first_negative_ms")}
    open_orders.update(**ago)
    Order.objects.filter(settled_at__isnull=False).update(settled_at=F("settled_at") - timedelta(minutes=10))
    for _ in range(chance.randrange(3)):
        settle_orders()


def end_everything() -> None:
    for _ in range(12):
        pass_a_minute(random.Random(0))
        settle_orders()
        closing = Position.objects.open().filter(action="exit")
        if not Order.objects.unsettled().exists() and not closing.exists():
            return
    raise AssertionError([str(order) for order in Order.objects.unsettled()])


def check_books() -> None:
    """What must hold whatever happened: money, trades and positions tell one story."""
    assert Wallet.objects.exclude(reserved=0).count() == 0
    assert Order.objects.filter(reserved__gt=0).count() == 0
    filled = set(Order.objects.filter(executed_quantity__gt=0).values_list("client_order_id", flat=True))
    assert set(Trade.objects.values_list("client_order_id", flat=True)) == filled
    assert Trade.objects.count() == len(filled)
    for position in Position.objects.select_related("bot_config__state"):
        trades = Trade.objects.filter(position=position)
        assert trades.filter(side="BUY").count() == 1
        assert (trades.filter(side="SELL").count() == 1) is (position.closed_at is not None)
