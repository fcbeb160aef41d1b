"""The measure of the time without a stop, on records written by hand: seconds are those of the rows."""

from typing import Any

from tradebot.verbs.chaos_naked import Naked, naked_stretches


def fill(at: float, side: str, quantity: str, *, bot: int = 7) -> dict[str, Any]:
    purpose = "e" if side == "BUY" else "x"
    return {
        "clientOrderId": f"tbabc234-{bot}-{purpose}1",
        "side": side,
        "qty": quantity,
        "accepted_at": at * 1000,
        "symbol": "BTCUSDT",
        "commission": "0.001" if side == "BUY" else "0.1",
        "commissionAsset": "BTC" if side == "BUY" else "USDT",
    }


def stop(began: float, ended: float | None, *, triggered: float | None = None) -> dict[str, Any]:
    return {
        "clientOrderId": "tbabc234-7-s2",
        "type": "STOP_LOSS_LIMIT",
        "accepted_at": began * 1000,
        "ended_at": None if ended is None else ended * 1000,
        "triggered_at": None if triggered is None else triggered * 1000,
    }


def stretches(orders: list[Any], fills: list[Any], **more: Any) -> list[Naked]:
    given: dict[str, Any] = {"wanting": [7], "unknown": {}, "down": [], "until": 100.0}
    return naked_stretches(orders, fills, **{**given, **more})


def test_from_the_entry_to_the_stop_and_from_the_stop_to_the_sale() -> None:
    found = stretches([stop(11, 20)], [fill(10, "BUY", "1"), fill(22, "SELL", "0.999")])
    assert found == [Naked(7, 10.0, 1.0, 0), Naked(7, 20.0, 2.0, 0)]


def test_a_stop_that_sells_leaves_nothing_bare() -> None:
    assert stretches([stop(10, 30)], [fill(10, "BUY", "1"), fill(30, "SELL", "0.999")]) == []


def test_a_position_still_held_counts_until_now() -> None:
    assert stretches([], [fill(90, "BUY", "1")]) == [Naked(7, 90.0, 10.0, 0, lasts=True)]
    assert stretches([stop(90, None)], [fill(90, "BUY", "1")]) == []


def test_a_triggered_stop_protects_no_more() -> None:
    found = stretches([stop(10, 18, triggered=15)], [fill(10, "BUY", "1"), fill(19, "SELL", "0.999")])
    assert found == [Naked(7, 15.0, 4.0, 0)]


def test_time_down_is_not_counted() -> None:
    fills = [fill(10, "BUY", "1"), fill(40, "SELL", "0.999")]
    assert stretches([stop(20, 40)], fills, down=[(12.0, 19.0)]) == [Naked(7, 10.0, 3.0, 0)]


def test_an_unknown_outcome_is_told_apart() -> None:
    fills = [fill(10, "BUY", "1"), fill(40, "SELL", "0.999")]
    assert stretches([stop(20, 40)], fills, unknown={7: [(11.0, 19.0)]}) == [Naked(7, 10.0, 10.0, 1)]
    assert stretches([stop(20, 40)], fills, unknown={7: [(50.0, 60.0)]}) == [Naked(7, 10.0, 10.0, 0)]


def test_dust_and_other_peoples_orders_are_no_position() -> None:
    by_hand = {"clientOrderId": "by-hand", "side": "BUY", "qty": "5", "accepted_at": 1000}
    fills = [by_hand, fill(10, "BUY", "1"), fill(20, "SELL", "0.995"), fill(30, "BUY", "1", bot=8)]
    assert stretches([stop(10, 20)], fills) == []
