import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.orders import (
    FINAL_STATES,
    IN_FLIGHT_STATES,
    TRANSITIONS,
    ForbiddenTransition,
    OrderState,
    can_follow,
    check_transition,
)

states = st.sampled_from(list(OrderState))


def reachable_from(state: OrderState) -> set[OrderState]:
    seen: set[OrderState] = set()
    ahead = [state]
    while ahead:
        following = TRANSITIONS[ahead.pop()] - seen
        seen |= following
        ahead.extend(following)
    return seen


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(OrderState)


def test_everything_is_reached_from_planned() -> None:
    assert reachable_from(OrderState.PLANNED) == set(OrderState) - {OrderState.PLANNED}


def test_every_order_can_end() -> None:
    for state in IN_FLIGHT_STATES:
        assert reachable_from(state) & FINAL_STATES


def test_the_final_states() -> None:
    assert {"filled", "canceled", "expired", "rejected", "dropped"} == FINAL_STATES


@given(states, states)
def test_nothing_follows_an_end(old: OrderState, new: OrderState) -> None:
    if old in FINAL_STATES:
        assert not can_follow(old, new)


@given(st.lists(states, max_size=12))
def test_no_order_is_sent_twice(wanted: list[OrderState]) -> None:
    """Whatever is asked of an order, it passes through `sending` at most once."""
    state, sent = OrderState.PLANNED, 0
    for new in wanted:
        if can_follow(state, new):
            state = new
            sent += new is OrderState.SENDING
    assert sent <= 1


def test_the_table() -> None:
    """Written out a second time, so that a change of it is a decision."""
    at_exchange = {"open", "partially_filled", "filled", "canceled", "expired"}
    assert {old: set(new) for old, new in TRANSITIONS.items() if new} == {
        "planned": {"sending", "dropped"},
        "sending": at_exchange | {"unknown", "rejected"},
        "unknown": at_exchange | {"rejected", "dropped"},
        "open": at_exchange - {"open"},
        "partially_filled": at_exchange - {"open"},
    }


def test_words_of_the_database_are_understood() -> None:
    assert can_follow("planned", "sending")
    with pytest.raises(ForbiddenTransition, match="filled cannot become sending"):
        check_transition("filled", "sending")
    with pytest.raises(ValueError, match="lost"):
        can_follow("lost", "sending")
