"""The space of a search: exact values in order, sets the strategy refuses left out; proposals that are all new."""

from __future__ import annotations

from typing import Any

import pytest

from trading.research.optimization_proposing import drawn, proposed, sets_to_begin
from trading.research.optimization_space import Space, read_axes

WHAT_CAN = (
    "This cannot be searched. What can: ema_fast, ema_slow, ema_period, rsi_period, rsi_oversold, "
    "rsi_overbought, stop_loss_perc, take_profit_perc, trailing_stop_perc."
)


def space_for(asked: dict[str, Any], strategy: str = "ema", **base: Any) -> Space:
    axes, errors = read_axes(strategy, asked)
    assert errors == {}
    return Space(strategy, base, tuple(axes))


def test_values_are_exact_and_in_the_order_of_the_strategy() -> None:
    space = space_for(
        {
            "stop_loss_perc": {"from": "0.1", "to": 0.3, "step": "0.1"},
            "ema_slow": [21, "13", 13],
            "ema_fast": {"from": 3, "to": "5"},
        }
    )
    assert [axis.as_json() for axis in space.axes] == [
        {"name": "ema_fast", "of": "params", "values": [3, 4, 5]},
        {"name": "ema_slow", "of": "params", "values": [13, 21]},
        {"name": "stop_loss_perc", "of": "settings", "values": ["0.1", "0.2", "0.3"]},
    ]
    assert (space.combinations, space.size()) == (18, 18)
    assert [space.at(index) for index in range(18)] == list(space.every())


def test_an_empty_axis_is_searched_as_its_parameter_proposes() -> None:
    space = space_for({"rsi_period": {}, "take_profit_perc": {}}, strategy="rsi")
    assert [list(axis.values) for axis in space.axes] == [[7, 14, 21, 28], ["1", "2", "3", "4", "5", "6"]]


def test_sets_that_the_strategy_refuses_are_none() -> None:
    space = space_for({"ema_fast": [5, 8, 13], "ema_slow": [8, 13]})
    assert list(space.every()) == [
        {"ema_fast": 5, "ema_slow": 8}, {"ema_fast": 5, "ema_slow": 13}, {"ema_fast": 8, "ema_slow": 13},
    ]  # fmt: skip
    assert space.size() == 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ema_fast": {"from": 0}}, "Values must lie between 1 and 200."),
        ({"ema_fast": {"step": 0}}, "A step must be greater than zero."),
        ({"ema_fast": {"from": 9, "to": 3}}, "The last value must not lie before the first."),
        ({"ema_fast": {"from": "2.5"}}, "This parameter takes whole numbers."),
        ({"ema_fast": [1.5]}, "This parameter takes whole numbers."),
        ({"ema_fast": {"to": "x"}}, "This must be a number with at most 4 decimal places."),
        ({"ema_fast": {"top": 1}}, "Say from, to and step, or list the values."),
        ({"ema_fast": 3}, "Say from, to and step, or list the values."),
        ({"ema_fast": []}, "Name at least one value."),
        ({"stop_loss_perc": {"to": "90", "step": "0.0001"}}, "At most 500 values; take a larger step."),
        ({"colour": {}}, WHAT_CAN),
        ({"initial_capital": {}}, WHAT_CAN),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_named(asked: dict[str, Any], message: str) -> None:
    assert read_axes("ema", asked) == ([], {next(iter(asked)): message})


def test_random_sets_are_distinct_and_the_same_with_the_same_seed() -> None:
    space = space_for({"ema_fast": {"from": 3, "to": 12}, "ema_slow": {"from": 15, "to": 40, "step": 5}})
    found = sets_to_begin(space, method="random", sets=25, seed=7)
    assert found == sets_to_begin(space, method="random", sets=25, seed=7)
    assert len({tuple(values.values()) for values in found}) == 25
    assert found != sets_to_begin(space, method="random", sets=25, seed=8)
    assert len(drawn(space, 100, seed=1)) == space.size() == 60


def test_a_space_too_large_to_list_is_drawn_from() -> None:
    wide = {"from": "0.1", "to": "40", "step": "0.1"}
    space = space_for({"stop_loss_perc": wide, "take_profit_perc": wide, "trailing_stop_perc": wide})
    found = drawn(space, 50, seed=3)
    assert (space.combinations, len({tuple(values.values()) for values in found})) == (400**3, 50)


def test_tpe_goes_where_it_was_good_and_never_twice() -> None:
    """The best is at (8, 40); what it proposes after sixty sets lies closer to it than chance would."""
    space = space_for({"ema_fast": {"from": 1, "to": 20}, "ema_slow": {"from": 25, "to": 100, "step": 1}})

    def distance(values: dict[str, Any]) -> float:
        return abs(values["ema_fast"] - 8) / 20 + abs(values["ema_slow"] - 40) / 75

    done: list[Any] = []
    for _batch in range(10):
        sets = proposed(space, 8, seed=5, done=done, pending=[])
        done += [(values, -distance(values)) for values in sets]
    assert len({tuple(values.values()) for values, _score in done}) == 80
    learnt = [distance(values) for values, _score in done[60:]]
    chance = [distance(values) for values in drawn(space, 200, seed=1)]
    assert sum(learnt) / len(learnt) < sum(chance) / len(chance) / 2


def test_tpe_ends_with_its_space() -> None:
    space = space_for({"ema_fast": [3, 4], "ema_slow": [20, 30]})
    first = proposed(space, 3, seed=1, done=[], pending=[])
    rest = proposed(space, 8, seed=1, done=[(first[0], None)], pending=first[1:])
    assert sorted(tuple(values.values()) for values in first + rest) == [(3, 20), (3, 30), (4, 20), (4, 30)]
