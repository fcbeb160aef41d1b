"""The list of backtests: what it can be narrowed by, and what a row needs, without the weight of the results."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from trading.models import Backtest
from trading.models.research import ResearchStatus


class BacktestFilter(forms.Form):
    """By name, status and symbol. Unknown values narrow nothing."""

    q = forms.CharField(label=_("Name"), required=False, max_length=80)
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("Any status")), *ResearchStatus.choices]
    )
    symbol = forms.ChoiceField(label=_("Symbol"), required=False)

    def __init__(self, data: Any, backtests: QuerySet[Any]) -> None:
        super().__init__(data or None)
        self.backtests = backtests
        symbols = backtests.order_by("symbol").values_list("symbol", flat=True).distinct()
        self.fields["symbol"].choices = [("", _("Any symbol")), *((name, name) for name in symbols)]  # type: ignore[attr-defined]

    def chosen(self) -> QuerySet[Any]:
        if not self.is_bound or not self.is_valid():
            return self.backtests
        wanted = self.cleaned_data
        conditions = {
            "name__icontains": wanted["q"],
            "status": wanted["status"],
            "symbol": wanted["symbol"],
        }
        return self.backtests.filter(**{name: value for name, value in conditions.items() if value})


def backtests_of(user: Any) -> QuerySet[Any]:
    """The user's own, newest first."""
    rows: QuerySet[Any] = Backtest.objects.without_results().for_user(user)
    return rows.order_by("-created_at", "-pk")
