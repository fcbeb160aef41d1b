"""Figures are plain: no exponent, sensible places, a sign wherever there is a direction."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trading.templatetags import figures


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (figures.money, Decimal("1234567.891"), "1,234,567.89"),
        (figures.money, Decimal("-0.00312"), "−0.0031"),
        (figures.money, Decimal("0.075"), "0.08"),
        (figures.money, Decimal(0), "0.00"),
        (figures.money, None, "–"),
        (figures.price, Decimal("64000.5"), "64,000.50"),
        (figures.price, Decimal("2.34567"), "2.3457"),
        (figures.price, Decimal("0.0000123"), "0.00001230"),
        (figures.coins, Decimal("1E-8"), "0.00000001"),
        (figures.coins, Decimal("12.500000000000000000"), "12.5"),
        (figures.coins, Decimal("1200"), "1,200"),
        (figures.signed, Decimal("12.3"), "+12.30"),
        (figures.signed, Decimal("-0.45"), "−0.45"),
        (figures.signed, Decimal(0), "0.00"),
        (figures.plain, Decimal("1E+3"), "1000"),
        (figures.direction, Decimal(1), "figure-up"),
        (figures.direction, Decimal(-1), "figure-down"),
        (figures.direction, None, "figure-flat"),
    ],
)
def test_figures(show: object, value: Decimal | None, text: str) -> None:
    assert show(value) == text  # type: ignore[operator]


def test_a_moment_says_the_whole_instant_in_its_title() -> None:
    shown = str(figures.moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert 'title="2026-01-02 03:04:05 UTC"' in shown
    assert ">2026-01-02 03:04</time>" in shown
