"""The table of ranges: both ends are allowed, a step beyond is not, empty asks for nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from bots.ranges import RANGES, objections_to_ranges, objections_to_reach
from engine.amounts import E8
from engine.rules import rules_from_symbol_info
from tests.conftest import RECORDED_SYMBOLS

STEP = Decimal("0.0001")


@pytest.mark.parametrize("field", RANGES)
def test_both_ends_are_allowed_and_nothing_beyond(field: str) -> None:
    allowed = RANGES[field]
    step = STEP if allowed.is_percent else Decimal(1)
    for value in (allowed.least, allowed.most):
        assert objections_to_ranges({field: value}) == {}
    for value in (allowed.least - step, allowed.most + step):
        assert list(objections_to_ranges({field: value})) == [field]


def test_empty_fields_ask_for_nothing() -> None:
    assert objections_to_ranges(dict.fromkeys(RANGES)) == objections_to_ranges({}) == {}


def test_exits_are_from_a_twentieth_of_a_percent_to_ninety() -> None:
    exits = ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc")
    message = "This must be from 0.05 to 90, or empty."
    assert objections_to_ranges(dict.fromkeys(exits, Decimal("90.01"))) == dict.fromkeys(exits, message)


def test_percentages_have_four_places() -> None:
    assert objections_to_ranges({"stop_loss_perc": Decimal("1.00005")}) == {
        "stop_loss_perc": "A percentage has at most 4 decimal places."
    }


def test_an_exit_the_symbol_would_refuse_is_found_beforehand() -> None:
    """BTCUSDT takes sells from a fifth of the average price to five times it; a stop's limit lies 2 % deeper."""
    info = json.loads(RECORDED_SYMBOLS.read_text())["symbols"][0]
    rules = rules_from_symbol_info(info)
    near = {
        "stop_loss_perc": Decimal("79.5"),
        "trailing_stop_perc": Decimal("79.5"),
        "take_profit_perc": Decimal(90),
    }
    assert objections_to_reach({**near, "stop_limit_offset_perc": None}, rules) == {}
    message = "BTCUSDT takes no stop as far from the price as this."
    assert objections_to_reach({**near, "stop_limit_offset_perc": Decimal(3)}, rules) == {
        "stop_loss_perc": message, "trailing_stop_perc": message,
    }  # fmt: skip
    tight = replace(rules, sell_price_up_e8=3 * E8 // 2)
    assert objections_to_reach({**near, "stop_limit_offset_perc": None}, tight) == {
        "take_profit_perc": "BTCUSDT takes no target as far from the price as this."
    }
