"""Figures of markets: a sign wherever there is a direction, large amounts in short, places as the tick has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trading.sparklines import draw
from trading.templatetags import quotes


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (quotes.percent, Decimal("1.234"), "+1.23 %"),
        (quotes.percent, Decimal("-0.4"), "−0.40 %"),
        (quotes.percent, Decimal("0.004"), "0.00 %"),
        (quotes.percent, Decimal(0), "0.00 %"),
        (quotes.percent, None, "–"),
        (quotes.short, Decimal(1_234_567_890), "1.23 B"),
        (quotes.short, Decimal(456_700_000), "456.70 M"),
        (quotes.short, Decimal(12_000), "12.00 k"),
        (quotes.short, Decimal("999.999"), "1,000.00"),
        (quotes.short, None, "–"),
    ],
)
def test_figures(show: Any, value: Any, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    ("value", "tick", "text"),
    [("64000.5", "0.01", "64,000.50"), ("0.5", "0.00001", "0.50000"), ("12", "1", "12")],
)
def test_places_are_those_of_the_tick(value: str, tick: str, text: str) -> None:
    assert quotes.places_of(Decimal(value), Decimal(tick)) == text


def test_a_line_goes_from_edge_to_edge_and_a_flat_one_through_the_middle() -> None:
    assert draw([1, 3, 2]) == draw([10, 30, 20])
    assert draw([1, 3, 2]) == "M0.0,26.0 48.0,2.0 96.0,14.0"
    assert (draw([5, 5]), draw([5])) == ("M0.0,14.0 96.0,14.0", "M0.0,14.0")
