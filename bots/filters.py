"""What the list of bots can be narrowed by; it is one user's list, found by the index botconfig_user_newest."""

from __future__ import annotations

import django_filters

from bots.models import BotConfig, BotStatus, Timeframe
from exchange.models import Venue


class BotFilter(django_filters.FilterSet):
    symbol = django_filters.CharFilter(lookup_expr="iexact", max_length=32)
    timeframe = django_filters.ChoiceFilter(choices=Timeframe.choices)
    status = django_filters.ChoiceFilter(field_name="state__status", choices=BotStatus.choices)
    venue = django_filters.ChoiceFilter(field_name="api_key__venue", choices=Venue.choices)
    name = django_filters.CharFilter(lookup_expr="icontains", max_length=80)

    class Meta:
        model = BotConfig
        fields = ["is_active", "strategy"]
