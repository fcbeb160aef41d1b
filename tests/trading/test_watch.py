"""The watch wakes the positions whose stop or target the price has reached, once a second each."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from trading.models import Position
from trading.watch import Watch, reached

pytestmark = pytest.mark.django_db
E8 = 100_000_000


@pytest.fixture
def hold(make_bot: Callable[..., Any]) -> Callable[..., Position]:
    """An open position of a bot of its own."""

    def make(symbol: str = "BTCUSDT", **values: Any) -> Position:
        return Position.objects.create(
            bot_config=make_bot(symbol=symbol), sequence=1, opened_at=timezone.now(), quantity=1, **values
        )

    return make


@pytest.mark.parametrize(
    ("price_e8", "is_reached"),
    [
        (95 * E8 + 1, False),
        (95 * E8, True),
        (94 * E8, True),
        (105 * E8 - 1, False),
        (105 * E8, True),
        (106 * E8, True),
    ],
)
def test_a_price_at_or_beyond_stop_or_target_is_reached(
    hold: Callable[..., Position], price_e8: int, is_reached: bool
) -> None:
    position = hold(stop_price=Decimal(95), target_price=Decimal(105))
    assert reached("sandbox", {"BTCUSDT": price_e8}) == ([position.pk] if is_reached else [])


def test_of_a_short_position_they_lie_the_other_way_round(hold: Callable[..., Position]) -> None:
    position = hold(stop_price=Decimal(105), target_price=Decimal(95), side="short")
    assert reached("sandbox", {"BTCUSDT": 100 * E8}) == []
    assert reached("sandbox", {"BTCUSDT": 105 * E8}) == [position.pk]
    assert reached("sandbox", {"BTCUSDT": 95 * E8}) == [position.pk]


def test_only_open_positions_of_that_venue_and_symbol_count(hold: Callable[..., Position]) -> None:
    only_stop, only_target = hold(stop_price=Decimal(99)), hold(target_price=Decimal(50))
    hold()
    hold("ETHUSDT", stop_price=Decimal(99))
    hold(stop_price=Decimal(99), closed_at=timezone.now())
    assert reached("sandbox", {"BTCUSDT": 98 * E8, "XRPUSDT": E8}) == [only_stop.pk, only_target.pk]
    assert reached("live", {"BTCUSDT": 98 * E8}) == []
    assert reached("sandbox", {}) == []


def test_a_position_is_woken_once_a_second(hold: Callable[..., Position], queued: list[Any]) -> None:
    seconds = [100.0]
    watch = Watch("sandbox", monotonic=lambda: seconds[0])
    first = hold(stop_price=Decimal(95))
    assert watch.look({"BTCUSDT": 94 * E8}) == [first.pk]
    seconds[0] += 0.5
    second = hold(stop_price=Decimal(95))
    assert watch.look({"BTCUSDT": 94 * E8}) == [second.pk]
    seconds[0] += 0.5
    assert watch.look({"BTCUSDT": 94 * E8}) == [first.pk]
    assert queued == [
        ("trading.hear_of_position", first.pk),
        ("trading.hear_of_position", second.pk),
        ("trading.hear_of_position", first.pk),
    ]


@pytest.mark.parametrize("rows", [1, 30])
def test_however_many_positions_it_is_one_query(
    hold: Callable[..., Position], django_assert_num_queries: Any, rows: int
) -> None:
    positions = [hold(stop_price=Decimal(95)) for _ in range(rows)]
    with django_assert_num_queries(1):
        assert reached("sandbox", {"BTCUSDT": 94 * E8}) == [position.pk for position in positions]
