"""Orders that rest, lists, cancels and replacements, asked of the real sandbox over HTTP through python-binance."""

from __future__ import annotations

import pytest

from engine.orders import OrderType, Side
from exchange.port import Exchange, MarketOrder, ProtectiveList, Rejected, RestingOrder, Stamp
from exchange.sandbox.running import SandboxProcess

E8 = 100_000_000
STEP = 1_000  # 0.00001 BTC
DOLLAR = E8


def stamp(exchange: Exchange) -> Stamp:
    return Stamp(exchange.signing_time_ms(), 2_000)


@pytest.fixture
def bought_e8(exchange: Exchange) -> int:
    """A purchase, and how much of it can be sold."""
    order = MarketOrder("BTCUSDT", Side.BUY, "rest-entry", quote_quantity_e8=1_000 * E8)
    exchange.place_market_order(order, stamp(exchange))
    return exchange.balances()["BTC"].free_e8 // STEP * STEP


def whole_dollars(exchange: Exchange, percent: int) -> int:
    return exchange.price_e8("BTCUSDT") * percent // 100 // DOLLAR * DOLLAR


def target_of(exchange: Exchange, quantity_e8: int, name: str = "rest-target") -> RestingOrder:
    price_e8 = whole_dollars(exchange, 110)
    return RestingOrder("BTCUSDT", Side.SELL, OrderType.LIMIT_MAKER, name, quantity_e8, price_e8)


def stop_of(exchange: Exchange, quantity_e8: int, name: str = "rest-stop", percent: int = 90) -> RestingOrder:
    trigger_e8, limit_e8 = whole_dollars(exchange, percent), whole_dollars(exchange, percent - 2)
    return RestingOrder(
        "BTCUSDT", Side.SELL, OrderType.STOP_LOSS_LIMIT, name, quantity_e8, limit_e8, trigger_e8
    )


def test_a_stop_rests_is_found_and_is_cancelled(exchange: Exchange, bought_e8: int) -> None:
    wanted = stop_of(exchange, bought_e8)
    placed = exchange.place_resting_order(wanted, stamp(exchange))
    found = exchange.find_order("BTCUSDT", client_order_id="rest-stop")
    assert found is not None
    for report in (placed, found, *exchange.open_orders("BTCUSDT"), *exchange.open_orders(None)):
        assert (report.order_id, report.client_order_id, report.status) == (
            placed.order_id,
            "rest-stop",
            "NEW",
        )
        assert (report.kind, report.price_e8, report.stop_price_e8, report.original_e8) == (
            "STOP_LOSS_LIMIT",
            wanted.price_e8,
            wanted.stop_price_e8,
            bought_e8,
        )
        assert (report.is_working, report.list_id, report.executed_e8) == (False, None, 0)
    assert exchange.balances()["BTC"].locked_e8 == bought_e8
    cancelled = exchange.cancel_order("BTCUSDT", "rest-stop")
    assert cancelled is not None
    assert (cancelled.client_order_id, cancelled.status) == ("rest-stop", "CANCELED")
    assert exchange.cancel_order("BTCUSDT", "rest-stop") is None
    after = exchange.find_order("BTCUSDT", order_id=placed.order_id)
    assert after is not None
    assert after.status == "CANCELED"
    assert exchange.balances()["BTC"].locked_e8 == 0


def test_a_limit_order_works_at_once(exchange: Exchange, bought_e8: int) -> None:
    wanted = RestingOrder(
        "BTCUSDT", Side.SELL, OrderType.LIMIT, "rest-limit", bought_e8, whole_dollars(exchange, 105)
    )
    assert exchange.place_resting_order(wanted, stamp(exchange)).is_working
    found = exchange.find_order("BTCUSDT", client_order_id="rest-limit")
    assert found is not None
    assert (found.status, found.is_working, found.stop_price_e8) == ("NEW", True, 0)


def test_a_list_is_placed_found_and_cancelled_whole(exchange: Exchange, bought_e8: int) -> None:
    both = ProtectiveList("rest-list", target_of(exchange, bought_e8), stop_of(exchange, bought_e8))
    placed = exchange.place_list(both, stamp(exchange))
    assert placed.status == "EXECUTING"
    assert {leg.client_order_id: (leg.kind, leg.is_working) for leg in placed.orders} == {
        "rest-stop": ("STOP_LOSS_LIMIT", False),
        "rest-target": ("LIMIT_MAKER", True),
    }
    found = exchange.find_list("rest-list")
    assert found is not None
    assert (found.list_id, found.status, set(found.client_order_ids)) == (
        placed.list_id,
        "EXECUTING",
        {"rest-stop", "rest-target"},
    )
    assert {leg.list_id for leg in exchange.open_orders("BTCUSDT")} == {placed.list_id}
    done = exchange.cancel_list("BTCUSDT", "rest-list")
    assert done is not None
    assert done.status == "ALL_DONE"
    assert {(leg.client_order_id, leg.status) for leg in done.orders} == {
        ("rest-stop", "CANCELED"),
        ("rest-target", "CANCELED"),
    }
    assert exchange.cancel_list("BTCUSDT", "rest-list") is None
    assert exchange.open_orders(None) == []


def test_cancelling_a_leg_cancels_its_list(exchange: Exchange, bought_e8: int) -> None:
    both = ProtectiveList("rest-list", target_of(exchange, bought_e8), stop_of(exchange, bought_e8))
    exchange.place_list(both, stamp(exchange))
    leg = exchange.cancel_order("BTCUSDT", "rest-target")
    assert leg is not None
    assert (leg.client_order_id, leg.status) == ("rest-target", "CANCELED")
    found = exchange.find_list("rest-list")
    assert found is not None
    assert found.status == "ALL_DONE"


def test_no_such_list(exchange: Exchange) -> None:
    exchange.balances()
    assert exchange.find_list("never-sent") is None
    assert exchange.cancel_list("BTCUSDT", "never-sent") is None
    assert exchange.cancel_order("BTCUSDT", "never-sent") is None


def test_a_stop_is_replaced_by_a_tighter_one(exchange: Exchange, bought_e8: int) -> None:
    exchange.place_resting_order(stop_of(exchange, bought_e8), stamp(exchange))
    tighter = stop_of(exchange, bought_e8, "rest-stop-2", percent=95)
    report = exchange.replace_order("rest-stop", tighter, stamp(exchange))
    assert report.refusal is None
    assert report.cancelled is not None
    assert report.placed is not None
    assert (report.cancelled.client_order_id, report.cancelled.status) == ("rest-stop", "CANCELED")
    assert (report.placed.client_order_id, report.placed.stop_price_e8) == (
        "rest-stop-2",
        tighter.stop_price_e8,
    )
    assert [order.client_order_id for order in exchange.open_orders("BTCUSDT")] == ["rest-stop-2"]


def test_what_cannot_be_cancelled_is_not_replaced(exchange: Exchange, bought_e8: int) -> None:
    report = exchange.replace_order("never-sent", stop_of(exchange, bought_e8), stamp(exchange))
    assert (report.cancelled, report.placed) == (None, None)
    assert (report.refusal and report.refusal.code) == -2011
    assert exchange.open_orders("BTCUSDT") == []


def test_a_replacement_that_is_refused_leaves_nothing(exchange: Exchange, bought_e8: int) -> None:
    exchange.place_resting_order(stop_of(exchange, bought_e8), stamp(exchange))
    late = stop_of(exchange, bought_e8, "rest-stop-2", percent=104)
    report = exchange.replace_order("rest-stop", late, stamp(exchange))
    assert (report.cancelled and report.cancelled.status, report.placed) == ("CANCELED", None)
    assert (report.refusal and report.refusal.code) == -2010
    assert exchange.open_orders("BTCUSDT") == []


def test_prices_already_passed_are_refused(exchange: Exchange, bought_e8: int) -> None:
    above = stop_of(exchange, bought_e8, percent=104)
    with pytest.raises(Rejected, match="trigger immediately") as refused:
        exchange.place_resting_order(above, stamp(exchange))
    assert refused.value.code == -2010
    low = RestingOrder(
        "BTCUSDT", Side.SELL, OrderType.LIMIT_MAKER, "rest-maker", bought_e8, whole_dollars(exchange, 95)
    )
    with pytest.raises(Rejected, match="immediately match and take"):
        exchange.place_resting_order(low, stamp(exchange))
    both = ProtectiveList("rest-list", target_of(exchange, bought_e8), above)
    with pytest.raises(Rejected) as refused:
        exchange.place_list(both, stamp(exchange))
    assert refused.value.code == -2010
    assert exchange.open_orders("BTCUSDT") == []


def test_what_acts_is_signed_with_its_stamp(
    exchange: Exchange, sandbox: SandboxProcess, bought_e8: int
) -> None:
    late = Stamp(exchange.signing_time_ms() - 4_000, 2_000)
    both = ProtectiveList("rest-list", target_of(exchange, bought_e8), stop_of(exchange, bought_e8))
    for act in (
        lambda: exchange.place_list(both, late),
        lambda: exchange.place_resting_order(both.stop, late),
        lambda: exchange.replace_order("rest-stop", both.stop, late),
    ):
        with pytest.raises(Rejected) as refused:
            act()
        assert refused.value.code == -1021


def test_the_book_is_best_first(exchange: Exchange) -> None:
    book = exchange.book("BTCUSDT", levels=5)
    bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
    assert (len(bids), len(asks)) == (5, 5)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] <= asks[0]
