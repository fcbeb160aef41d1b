"""The forms of the keys page."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _


class PaperKeyForm(forms.Form):
    label = forms.CharField(
        label=_("Label"),
        min_length=1,
        max_length=80,
        help_text=_("A name of your own, to tell your accounts apart."),
    )


class LossLimitForm(forms.Form):
    """Empty means no limit."""

    percent = forms.DecimalField(
        label=_("Largest loss a day, percent"),
        required=False,
        min_value=Decimal("0.05"),
        max_value=Decimal(100),
        decimal_places=4,
    )
