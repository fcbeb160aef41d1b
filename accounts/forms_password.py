"""Forms of passwords. The rules are those of signing up; `accounts.password_change` applies them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.password_change import PasswordRefused


class ForgotForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


def password_field(label: Any, autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=128, strip=False, widget=widget)


class NewPasswordForm(forms.Form):
    """A new password, twice."""

    new_password = password_field(gettext_lazy("New password"), "new-password")
    repeated = password_field(gettext_lazy("New password again"), "new-password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if "new_password" in values and values["new_password"] != values.get("repeated"):
            self.add_error("repeated", _("The two passwords are not the same."))
        return values

    def refuse(self, refused: PasswordRefused) -> None:
        """Show what `accounts.password_change` had to say; what concerns no field of ours stands above."""
        for field, found in refused.errors.items():
            for message in found:
                self.add_error(field if field in self.fields else None, message)


class ChangePasswordForm(NewPasswordForm):
    current_password = password_field(gettext_lazy("Present password"), "current-password")
    field_order = ("current_password", "new_password", "repeated")
