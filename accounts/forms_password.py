"""Forms of passwords. The rules are those of signing up; `accounts.password_change` applies them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.password_change import PasswordRefused


class ForgotForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


def password_field(label: Any, autocomplete: str, hint: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=128, strip=False, widget=widget, help_text=hint)


# As on the page for signing up.
RULES = gettext_lazy(
    "At least 12 characters, with a lower-case and an upper-case letter, a digit and another character."
)


class NewPasswordForm(forms.Form):
    """A new password, twice."""

    new_password = password_field(gettext_lazy("New password"), "new-password", RULES)
    repeated = password_field(gettext_lazy("New password again"), "new-password")

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
