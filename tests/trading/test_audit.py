"""The audit: clean after honest trading, and loud about everything that is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.keys import client_of
from engine.orders import Side
from exchange.port import MarketOrder, Stamp
from tests.trading.steps import plan_buy, plan_sell
from trading.audit import audit_fills
from trading.models import Fill, Trade
from trading.orders.execution import send

pytestmark = pytest.mark.django_db
ZERO = {"missing": 0, "extra": 0, "different": 0, "balance_differences": 0}


@pytest.fixture
def traded(sandbox: Any, new_bot: Any) -> Any:
    """A bot with a round trip and an open position behind it."""
    bot = new_bot()
    for plan in (plan_buy, plan_sell, plan_buy):
        assert send(plan(bot).pk).state == "filled"
    return bot


def test_honest_books_are_clean(sandbox: Any, traded: Any) -> None:
    report = audit_fills(sandbox.control)
    assert (report.as_json(), report.details, report.is_clean) == ({"fills": 3, **ZERO}, (), True)


def test_a_trade_by_hand_is_missing_from_our_books(sandbox: Any, traded: Any) -> None:
    client = client_of(traded.api_key)
    by_hand = MarketOrder("ETHUSDT", Side.BUY, "by-hand", quote_quantity_e8=50 * 10**8)
    client.place_market_order(by_hand, Stamp(client.signing_time_ms(), 5_000))
    report = audit_fills(sandbox.control)
    assert (report.fills, report.missing, report.extra, report.is_clean) == (4, 1, 0, False)
    assert report.balance_differences > 0


def test_a_lost_fill_is_missing(sandbox: Any, traded: Any) -> None:
    Fill.objects.filter(order__bot_config=traded).order_by("id")[0].delete()
    report = audit_fills(sandbox.control)
    assert (report.missing, report.is_clean) == (1, False)
    assert report.balance_differences > 0


def test_a_fill_booked_twice_is_extra(sandbox: Any, traded: Any) -> None:
    fill = Fill.objects.filter(order__bot_config=traded).order_by("id")[0]
    fill.pk, fill.trade_id = None, fill.trade_id + 10**6
    fill.save()
    report = audit_fills(sandbox.control)
    assert (report.missing, report.extra, report.is_clean) == (0, 1, False)


def test_a_number_changed_afterwards_is_different(sandbox: Any, traded: Any) -> None:
    fill = Fill.objects.filter(order__bot_config=traded).order_by("id")[0]
    Fill.objects.filter(pk=fill.pk).update(price=fill.price + Decimal("0.01"))
    report = audit_fills(sandbox.control)
    assert (report.different, report.balance_differences, report.is_clean) == (1, 0, False)


def test_an_order_executed_twice_is_different(sandbox: Any, traded: Any) -> None:
    """The market has the same client id under two orders: both are listed, and the second is in no book."""
    order_id = Trade.objects.filter(bot_config=traded).latest("id").client_order_id
    client = client_of(traded.api_key)
    twice = MarketOrder(traded.symbol, Side.BUY, order_id, quote_quantity_e8=50 * 10**8)
    client.place_market_order(twice, Stamp(client.signing_time_ms(), 5_000))
    report = audit_fills(sandbox.control)
    assert (report.missing, report.different) == (1, 1)
