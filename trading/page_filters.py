"""What a list page can be narrowed by. Unknown values narrow nothing; every filter has an index under it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bots.models import BotStatus

SIDES = [("", _("Buy and sell")), ("BUY", _("Buy")), ("SELL", _("Sell"))]
REASONS = [
    ("", _("Any reason")),
    ("entry", _("Entry")),
    ("exit_signal", _("Exit signal")),
    ("stop_loss", _("Stop loss")),
    ("take_profit", _("Take profit")),
    ("trailing_stop", _("Trailing stop")),
    ("stop_gap", _("Stop gap")),
    ("manual", _("By hand")),
    ("close_all", _("Everything closed")),
]
HOLDS = [("", _("Any position")), ("yes", _("In a position")), ("no", _("Holds nothing"))]


class BotFilter(forms.Form):
    """Bots by name, status, symbol, and whether they hold something."""

    q = forms.CharField(label=_("Name"), required=False, max_length=80)
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("Any status")), *BotStatus.choices]
    )
    symbol = forms.ChoiceField(label=_("Symbol"), required=False)
    holds = forms.ChoiceField(label=_("Position"), required=False, choices=HOLDS)

    def __init__(self, data: Any, bots: QuerySet[Any]) -> None:
        super().__init__(data or None)
        self.bots = bots
        self.fields["symbol"].choices = _symbols(bots)  # type: ignore[attr-defined]

    def chosen(self) -> QuerySet[Any]:
        if not self.is_bound or not self.is_valid():
            return self.bots
        wanted = self.cleaned_data
        conditions = {
            "name__icontains": wanted["q"],
            "state__status": wanted["status"],
            "symbol": wanted["symbol"],
            "state__in_position": wanted["holds"] and wanted["holds"] == "yes",
        }
        return self.bots.filter(**{name: value for name, value in conditions.items() if value != ""})


class TradeFilter(forms.Form):
    """Trades by bot, symbol, side, reason and UTC days."""

    bot: Any = forms.ModelChoiceField(label=_("Bot"), required=False, queryset=None, empty_label=_("Any bot"))
    symbol = forms.ChoiceField(label=_("Symbol"), required=False)
    side = forms.ChoiceField(label=_("Side"), required=False, choices=SIDES)
    reason = forms.ChoiceField(label=_("Reason"), required=False, choices=REASONS)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, trades: QuerySet[Any], bots: QuerySet[Any]) -> None:
        super().__init__(data or None)
        self.trades = trades
        self.fields["bot"].queryset = bots  # type: ignore[attr-defined]
        self.fields["bot"].label_from_instance = lambda bot: bot.name  # type: ignore[attr-defined]
        self.fields["symbol"].choices = _symbols(bots)  # type: ignore[attr-defined]

    def chosen(self) -> QuerySet[Any]:
        if not self.is_bound or not self.is_valid():
            return self.trades
        wanted = self.cleaned_data
        conditions = {
            "bot_config": wanted["bot"],
            "symbol": wanted["symbol"],
            "side": wanted["side"],
            "reason": wanted["reason"],
            "timestamp__gte": wanted["since"] and datetime.combine(wanted["since"], time.min, UTC),
            # Its own end, not the next day's beginning: the calendar's last day has none.
            "timestamp__lte": wanted["until"] and datetime.combine(wanted["until"], time.max, UTC),
        }
        return self.trades.filter(**{name: value for name, value in conditions.items() if value})


def _symbols(bots: QuerySet[Any]) -> list[tuple[str, Any]]:
    found = bots.order_by("symbol").values_list("symbol", flat=True).distinct()
    return [("", _("Any symbol")), *((symbol, symbol) for symbol in found)]
