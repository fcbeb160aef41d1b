"""What lists of trades, orders and decisions can be narrowed by. Every filter stands on an index: of a user's trades,
or of what one bot did (trade_user_newest, order_bot_newest and their siblings).
"""

from __future__ import annotations

import datetime
from typing import Any

import django_filters
from django import forms
from django.utils.dateparse import parse_date

from engine.orders import OrderState, Purpose
from trading.models import Decision, Order, Trade
from trading.models.decisions import DecisionAction
from trading.models.orders import Side, choices_of


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def get_max_validator(self) -> None:
        return None


class InstantField(django_filters.fields.IsoDateTimeField):
    """An ISO instant, or a plain day: its beginning, or its end where `is_end`."""

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        self.is_end = is_end
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            day = parse_date(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if day is None:
            return super().to_python(value)
        time = datetime.time.max if self.is_end else datetime.time.min
        return datetime.datetime.combine(day, time, tzinfo=datetime.UTC)


class InstantFilter(django_filters.IsoDateTimeFilter):
    field_class = InstantField


class PeriodFilter(django_filters.FilterSet):
    """`from` and `to` are inclusive and speak of the column `period`; a plain `to` day counts to its end."""

    period = ""

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # `from` is a keyword of Python, so that these two cannot be declared.
        return {
            **super().get_filters(),
            "from": InstantFilter(field_name=cls.period, lookup_expr="gte", label="From"),
            "to": InstantFilter(field_name=cls.period, lookup_expr="lte", label="To", is_end=True),
        }


class TradeOfBotFilter(PeriodFilter):
    """By the fill's time."""

    period = "timestamp"
    side = django_filters.ChoiceFilter(choices=choices_of(Side))

    class Meta:
        model = Trade
        fields: list[str] = []


class OrderFilter(PeriodFilter):
    """By the time an order was planned."""

    period = "planned_at"
    purpose = django_filters.ChoiceFilter(choices=choices_of(Purpose))
    state = django_filters.ChoiceFilter(choices=choices_of(OrderState))
    position = WholeNumberFilter(field_name="position_id", min_value=1, max_value=2**63 - 1)

    class Meta:
        model = Order
        fields: list[str] = []


class DecisionFilter(PeriodFilter):
    """By the instant a decision acts at."""

    period = "acts_at"
    action = django_filters.ChoiceFilter(choices=DecisionAction.choices)
    reason = django_filters.CharFilter(max_length=60)

    class Meta:
        model = Decision
        fields: list[str] = []


class TradeFilter(TradeOfBotFilter):
    """Beside time and side, by bot and symbol."""

    bot = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)
    # Called as in the rows, too.
    bot_config = WholeNumberFilter(field_name="bot_config_id", min_value=1, max_value=2**63 - 1)
    symbol = django_filters.CharFilter(method="of_symbol", max_length=32)

    def of_symbol(self, trades: Any, _name: str, symbol: str) -> Any:
        return trades.filter(symbol=symbol.upper())
