"""Two lists of trades, made by hand: what pairs, what differs, and what is said to be the cause."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.parity import (
    BUY,
    SELL,
    Allowance,
    Cause,
    Deal,
    Said,
    compare,
    paired,
    signals_apart,
    signals_told,
)

MINUTE_MS = 60_000
LIVE = Allowance(window_ms=2 * MINUTE_MS, punctual_ms=5_000)


def deal(minute: float, side: int, reason: str = "exit_signal", **values: int) -> Deal:
    return Deal(
        at_ms=int(minute * MINUTE_MS),
        side=side,
        reason="entry" if side == BUY else reason,
        price_e8=values.get("price", 100) * 10**8,
        quantity_e8=values.get("quantity", 5) * 10**8,
        commission_e8=values.get("fee", 1),
        commission_is_base=side == BUY,
        funding_e8=values.get("funding", 0),
    )


ROUND = [deal(1, BUY), deal(4, SELL)]
TRIPS = [*ROUND, deal(10, BUY), deal(12.5, SELL, "stop_loss"), deal(20, BUY), deal(30, SELL, "take_profit")]


def causes(live: list[Deal], backtest: list[Deal], allowance: Allowance = LIVE) -> list[Cause]:
    return [difference.cause for difference in compare(live, backtest, allowance).differences]


def test_equal_lists_agree_to_the_last_trade() -> None:
    found = compare(TRIPS, TRIPS)
    assert (found.agreeing, found.differences, found.score) == (6, (), 100)


def test_without_a_trade_there_is_no_score() -> None:
    assert compare([], []).score is None


@pytest.mark.parametrize("field", ["price", "quantity", "fee"])
def test_a_digit_too_many_is_a_difference(field: str) -> None:
    """Exactly: nothing is rounded, no field is left out."""
    other = [deal(1, BUY), deal(4, SELL, **{field: 7})]
    found = compare(other, ROUND)
    assert found.agreeing == 1
    assert found.score == 50
    names = {"price": "price_e8", "quantity": "quantity_e8", "fee": "commission_e8"}
    assert found.differences[0].fields == (names[field],)


def test_what_nothing_explains_is_logic() -> None:
    assert causes([deal(1, BUY), deal(4, SELL, "stop_loss")], ROUND) == [Cause.LOGIC]
    assert causes([deal(1, BUY, quantity=6), deal(4, SELL)], ROUND) == [Cause.LOGIC]
    assert causes(ROUND, []) == [Cause.LOGIC, Cause.LOGIC]
    assert causes([], ROUND) == [Cause.LOGIC, Cause.LOGIC]


def test_a_target_never_slips() -> None:
    live, theirs = [deal(1, BUY), deal(4, SELL, "take_profit", price=101)], deal(4, SELL, "take_profit")
    assert causes(live, [deal(1, BUY), theirs]) == [Cause.LOGIC]


def test_a_market_order_at_another_price_has_slipped() -> None:
    assert causes([deal(1, BUY, price=101, quantity=4, fee=2), deal(4, SELL)], ROUND) == [Cause.SLIPPAGE]


def test_a_little_late_agrees_and_later_is_latency() -> None:
    assert causes([deal(1.05, BUY), deal(4, SELL)], ROUND) == []
    assert causes([deal(1.05, BUY), deal(4, SELL)], ROUND, Allowance(window_ms=MINUTE_MS)) == [Cause.LATENCY]
    assert causes([deal(1.2, BUY, price=101, quantity=4), deal(4, SELL)], ROUND) == [Cause.LATENCY]


def test_too_early_is_no_latency() -> None:
    assert causes([deal(1, BUY), deal(3.9, SELL)], ROUND) == [Cause.LOGIC]


def test_an_exit_follows_from_its_entry() -> None:
    """The stop of an entry that slipped stands elsewhere and is met at another time, at another price."""
    live = [deal(1, BUY, price=101, quantity=4), deal(3.5, SELL, "stop_loss", price=99, quantity=4)]
    assert causes(live, [deal(1, BUY), deal(4, SELL, "stop_loss", price=98)]) == [Cause.SLIPPAGE] * 2


def test_other_money_buys_another_quantity_ever_after() -> None:
    live = [deal(1, BUY, price=101), deal(4, SELL), deal(10, BUY, quantity=6), deal(12, SELL, quantity=6)]
    assert causes(live, [*ROUND, deal(10, BUY), deal(12, SELL)]) == [Cause.SLIPPAGE] * 3


def test_funding_alone() -> None:
    assert causes([deal(1, BUY), deal(4, SELL, funding=3)], ROUND) == [Cause.FUNDING]


def test_a_sale_by_hand_and_all_until_both_are_flat_again() -> None:
    live = [deal(1, BUY), deal(1.5, SELL, "manual"), *TRIPS[2:]]
    found = compare(live, TRIPS, LIVE)
    assert [difference.cause for difference in found.differences] == [Cause.BY_HAND] * 2
    assert found.agreeing == 5


def test_an_entry_while_the_other_still_holds_follows_from_the_sale_by_hand() -> None:
    backtest = [deal(1, BUY), deal(60, SELL, "take_profit"), deal(70, BUY), deal(80, SELL)]
    live = [deal(1, BUY), deal(5, SELL, "manual"), deal(20, BUY), deal(30, SELL), *backtest[2:]]
    assert causes(live, backtest) == [Cause.BY_HAND] * 4


def test_a_missed_entry_and_its_exit() -> None:
    allowance = Allowance(window_ms=MINUTE_MS, missed=[(10 * MINUTE_MS, 11 * MINUTE_MS)])
    assert causes([*TRIPS[:2], *TRIPS[4:]], TRIPS, allowance) == [Cause.MISSED] * 2
    assert causes(TRIPS[2:], TRIPS, allowance) == [Cause.LOGIC] * 2


def mirrored(trades: list[Deal]) -> list[Deal]:
    """The same as a bot that goes short would have traded them."""
    return [replace(one, side=-one.side) for one in trades]


def test_of_a_short_the_sale_is_the_entry() -> None:
    live = mirrored([deal(1, BUY, price=101), deal(3.5, SELL, "stop_loss", price=99)])
    found = causes(live, mirrored([deal(1, BUY), deal(4, SELL, "stop_loss", price=98)]))
    assert found == [Cause.SLIPPAGE] * 2
    by_hand = mirrored([deal(1, BUY), deal(1.5, SELL, "manual"), *TRIPS[2:]])
    assert causes(by_hand, mirrored(TRIPS)) == [Cause.BY_HAND] * 2


def test_a_reversal_is_an_exit_and_an_entry_of_one_side() -> None:
    """The long that slipped explains its own exit; the short that follows at the same instant stands for itself."""
    theirs = [deal(1, BUY), deal(4, SELL), *mirrored([deal(4, BUY), deal(9, SELL, "take_profit")])]
    assert causes(theirs, theirs) == []
    ours = [deal(1, BUY, price=101), deal(4, SELL, "stop_loss", price=99), *theirs[2:]]
    assert causes(ours, theirs) == [Cause.SLIPPAGE] * 2
    other = [*theirs[:3], *mirrored([deal(9, SELL, "stop_loss")])]
    assert causes(other, theirs) == [Cause.LOGIC]


deals = st.builds(
    deal,
    minute=st.integers(0, 500),
    side=st.sampled_from([BUY, SELL]),
    price=st.integers(90, 110),
    quantity=st.integers(1, 3),
)
lists = st.lists(deals, max_size=30).map(lambda found: sorted(found, key=lambda one: one.at_ms))


@given(lists, lists, st.integers(0, 10))
def test_every_trade_of_either_side_is_told_once(
    live: list[Deal], backtest: list[Deal], minutes: int
) -> None:
    pairs = list(paired(live, backtest, minutes * MINUTE_MS))
    assert [ours for ours, _ in pairs if ours is not None] == live
    assert [theirs for _, theirs in pairs if theirs is not None] == backtest
    found = compare(live, backtest, Allowance(window_ms=minutes * MINUTE_MS))
    assert found.agreeing + len(found.differences) == len(pairs)
    assert found.score is None or 0 <= found.score <= 100


@given(lists)
def test_a_list_agrees_with_itself(trades: list[Deal]) -> None:
    assert compare(trades, trades).differences == ()


@given(lists.filter(bool), st.data())
def test_no_change_goes_unseen(trades: list[Deal], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(trades) - 1))
    field = data.draw(st.sampled_from(["price_e8", "quantity_e8", "commission_e8", "at_ms"]))
    one = trades[index]
    changed = [*trades[:index], replace(one, **{field: getattr(one, field) + 1}), *trades[index + 1 :]]
    assert compare(changed, trades, Allowance(window_ms=MINUTE_MS)).differences


OPENINGS = np.arange(10, dtype=np.int64) * MINUTE_MS
SAID = [
    Said(0, "none", "no signal"),
    Said(3 * MINUTE_MS, "enter", "entry signal"),
    Said(4 * MINUTE_MS, "none", "in position"),
    Said(6 * MINUTE_MS, "exit", "exit signal"),
    Said(6 * MINUTE_MS, "none", "cooldown"),
    Said(8 * MINUTE_MS, "none", "no signal"),
]


def flags(*minutes: int) -> np.ndarray:
    return np.isin(np.arange(10), minutes)


def test_decisions_tell_of_every_candle_they_last_for() -> None:
    """Entries are spoken of by 0 to 3 and 8, 9; exits by 4 to 6; of 7, which cooled, nothing is known."""
    apart = signals_apart(SAID, OPENINGS, long_entry=flags(3, 7), long_exit=flags(6), until_ms=600_000)
    assert apart == []
    assert signals_told(SAID, OPENINGS, until_ms=600_000) == 9


@pytest.mark.parametrize(
    ("entries", "exits", "wrong"),
    [((3, 9), (6,), 9), ((), (6,), 3), ((3,), (5, 6), 5), ((3,), (), 6), ((1, 3), (6,), 1)],
)
def test_a_signal_of_one_side_only_is_found(entries: tuple[int], exits: tuple[int], wrong: int) -> None:
    apart = signals_apart(
        SAID, OPENINGS, long_entry=flags(*entries), long_exit=flags(*exits), until_ms=600_000
    )
    assert apart == [wrong * MINUTE_MS]
