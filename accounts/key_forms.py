"""The form of the keys page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PaperKeyForm(forms.Form):
    label = forms.CharField(
        label=_("Label"),
        min_length=1,
        max_length=80,
        help_text=_("A name of your own, to tell your accounts apart."),
    )
