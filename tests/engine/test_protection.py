"""The machine that protects and closes a position, alone and against an exchange that answers as it likes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.orders import FINAL_STATES, OrderState, Purpose
from engine.protection import GAP_MS, Leg, Move, Wanted, next_move

HELD = Wanted(quantity_steps=10, stop_ticks=90, target_ticks=120, closing=False)
STOP = Leg(purpose=Purpose.STOP, state=OrderState.OPEN, ticks=90, quantity_steps=10)
TARGET = Leg(purpose=Purpose.TARGET, state=OrderState.OPEN, ticks=120, quantity_steps=10)
PART = replace(TARGET, state=OrderState.PARTIALLY_FILLED)
EXIT = Leg(purpose=Purpose.EXIT, state=OrderState.SENDING, quantity_steps=10)
LONE = replace(HELD, target_ticks=0)
CLOSING = replace(HELD, closing=True)
BARE = Wanted(quantity_steps=10, stop_ticks=0, target_ticks=0, closing=False)


@pytest.mark.parametrize(
    ("wanted", "legs", "move"),
    [
        (HELD, [], Move.PLACE),
        (HELD, [STOP, TARGET], Move.NOTHING),
        (BARE, [], Move.NOTHING),
        (BARE, [STOP], Move.CANCEL),
        (replace(HELD, quantity_steps=0), [], Move.NOTHING),
        (LONE, [STOP], Move.NOTHING),
        (replace(LONE, stop_ticks=95), [STOP], Move.REPLACE),
        (replace(LONE, quantity_steps=11), [STOP], Move.REPLACE),
        (replace(HELD, stop_ticks=95), [STOP, TARGET], Move.CANCEL),
        (HELD, [STOP], Move.CANCEL),
        (HELD, [replace(STOP, state=OrderState.UNKNOWN), TARGET], Move.WAIT),
        (HELD, [replace(STOP, cancel_wanted=True), TARGET], Move.WAIT),
        (HELD, [replace(STOP, state=OrderState.CANCELED), replace(TARGET, state=OrderState.CANCELED)], Move.PLACE),
        (HELD, [EXIT], Move.WAIT),
        (HELD, [replace(STOP, triggered_for_ms=GAP_MS), TARGET], Move.WAIT),
        (HELD, [replace(STOP, triggered_for_ms=GAP_MS + 1), TARGET], Move.GIVE_UP_STOP),
        # A target that fills in parts ends the stop of its list at the first of them.
        (HELD, [STOP, PART], Move.WAIT),
        (HELD, [replace(STOP, state=OrderState.EXPIRED), PART], Move.CANCEL),
        (HELD, [replace(PART, cancel_wanted=True)], Move.WAIT),
        (replace(HELD, stop_ticks=0), [PART], Move.WAIT),
        (CLOSING, [STOP, TARGET], Move.CANCEL),
        (CLOSING, [replace(STOP, cancel_wanted=True), replace(TARGET, cancel_wanted=True)], Move.WAIT),
        (CLOSING, [replace(STOP, state=OrderState.PLANNED)], Move.CANCEL),
        (CLOSING, [], Move.SELL),
        (CLOSING, [EXIT], Move.WAIT),
        (replace(CLOSING, quantity_steps=0), [], Move.NOTHING),
    ],
)  # fmt: skip
def test_the_one_thing_to_do(wanted: Wanted, legs: list[Leg], move: Move) -> None:
    assert next_move(wanted, legs) is move


legs = st.lists(
    st.builds(
        Leg,
        purpose=st.sampled_from([Purpose.STOP, Purpose.TARGET, Purpose.EXIT]),
        state=st.sampled_from(list(OrderState)),
        ticks=st.integers(80, 130),
        quantity_steps=st.integers(1, 12),
        cancel_wanted=st.booleans(),
        triggered_for_ms=st.none() | st.integers(0, 10_000),
    ),
    max_size=5,
)
wanteds = st.builds(
    Wanted,
    quantity_steps=st.integers(0, 12),
    stop_ticks=st.just(0) | st.integers(80, 99),
    target_ticks=st.just(0) | st.integers(101, 130),
    closing=st.booleans(),
)


@given(wanteds, legs)
def test_nothing_new_is_planned_while_anything_else_could_sell(wanted: Wanted, given_legs: list[Leg]) -> None:
    move = next_move(wanted, given_legs)
    alive = [leg for leg in given_legs if leg.state not in FINAL_STATES]
    if move in (Move.PLACE, Move.SELL):
        assert alive == []
    if move is Move.REPLACE:
        assert [(leg.purpose, leg.state) for leg in alive] == [(Purpose.STOP, OrderState.OPEN)]
    if move is Move.SELL:
        assert wanted.closing


@given(wanteds, legs)
def test_what_is_being_closed_is_never_protected_anew(wanted: Wanted, given_legs: list[Leg]) -> None:
    move = next_move(replace(wanted, closing=True), given_legs)
    assert move in (Move.CANCEL, Move.WAIT, Move.SELL, Move.NOTHING)


@given(wanteds, st.data())
def test_from_anywhere_the_wanted_is_reached(wanted: Wanted, data: st.DataObject) -> None:
    """An exchange that carries everything out: each move is answered, and a few moves later nothing is left to do."""
    standing = [leg for leg in data.draw(legs) if leg.triggered_for_ms is None]
    for _ in range(12):
        move = next_move(wanted, standing)
        if move is Move.NOTHING:
            break
        wanted, standing = _answered(move, wanted, standing)
    assert next_move(wanted, standing) is Move.NOTHING


def _answered(move: Move, wanted: Wanted, standing: list[Leg]) -> tuple[Wanted, list[Leg]]:
    alive = [leg for leg in standing if leg.state not in FINAL_STATES]
    if move is Move.WAIT:
        # What is on its way arrives, what is to be cancelled is, what is working is filled.
        ended = {leg.purpose for leg in alive if leg.cancel_wanted or leg.purpose is Purpose.EXIT}
        is_filled = any(
            leg.purpose is Purpose.EXIT or leg.state is OrderState.PARTIALLY_FILLED
            for leg in alive
            if not leg.cancel_wanted
        )
        kept = [replace(leg, state=OrderState.OPEN) for leg in alive if leg.purpose not in ended]
        if is_filled:
            return replace(wanted, quantity_steps=0), []
        return wanted, kept
    if move is Move.CANCEL:
        return wanted, [replace(leg, cancel_wanted=True) for leg in alive]
    if move is Move.SELL:
        return replace(wanted, quantity_steps=0), []
    if move is Move.GIVE_UP_STOP:
        return replace(wanted, closing=True), alive
    exits = ((Purpose.STOP, wanted.stop_ticks), (Purpose.TARGET, wanted.target_ticks))
    return wanted, [
        Leg(purpose=purpose, state=OrderState.OPEN, ticks=ticks, quantity_steps=wanted.quantity_steps)
        for purpose, ticks in exits
        if ticks
    ]
