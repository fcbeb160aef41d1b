"""What to halt or sell and why, as pages ask it. Who may is for `trading.halts` to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from bots.queries import bots_of

EVERY_BOT_OF_MINE = "mine"
ONE_BOT = "bot"
ONE_USER = "user"
EVERYTHING = "everything"


class ScopeForm(forms.Form):
    """What is meant. After `is_valid()`, `target` is what `halt`, `preview` and `go_flat` want to be told."""

    scope = forms.ChoiceField(label=gettext_lazy("What"), widget=forms.RadioSelect)
    bot: Any = forms.ModelChoiceField(
        label=gettext_lazy("Bot"), required=False, queryset=None, empty_label=gettext_lazy("Choose a bot")
    )
    email = forms.CharField(label=gettext_lazy("E-mail of the user"), required=False, max_length=254)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        choices = [(EVERY_BOT_OF_MINE, _("All my bots")), (ONE_BOT, _("One bot"))]
        if user.is_staff:
            choices += [(ONE_USER, _("All bots of one user")), (EVERYTHING, _("The whole installation"))]
        else:
            del self.fields["email"]
        self.fields["scope"].choices = choices  # type: ignore[attr-defined]
        self.fields["bot"].queryset = bots_of(user).order_by("name")  # type: ignore[attr-defined]
        self.fields["bot"].label_from_instance = lambda bot: f"{bot.name} · {bot.symbol}"  # type: ignore[attr-defined]
        self.target: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        super().clean()
        scope = self.cleaned_data.get("scope")
        if scope == ONE_BOT:
            self._aim("bot", self.cleaned_data.get("bot"), _("Choose the bot."))
        elif scope == ONE_USER:
            found = User.objects.filter(email__iexact=self.cleaned_data.get("email", "").strip()).first()
            self._aim("email", found, _("There is no user with this address."), name="user")
        elif scope == EVERY_BOT_OF_MINE:
            self.target = {"user": self.user}
        elif scope == EVERYTHING:
            self.target = {"everything": True}
        return self.cleaned_data

    def _aim(self, field: str, found: Any, otherwise: str, *, name: str = "") -> None:
        if found is not None:
            self.target = {name or field: found}
        elif field not in self.errors:
            self.add_error(field, otherwise)


class HaltForm(ScopeForm):
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=200,
        widget=forms.TextInput(
            attrs={"placeholder": gettext_lazy("For example: news, I look at it tonight")}
        ),
    )


class FlatForm(ScopeForm):
    """Selling everything is confirmed by typing a word, so that no click does it by mistake."""

    word = forms.CharField(label=gettext_lazy("Confirm"), max_length=20)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200, required=False)

    def clean_word(self) -> str:
        typed = str(self.cleaned_data["word"]).strip()
        # The word of any language we speak will do: what counts is that it was typed.
        if typed.casefold() not in {"sell", str(word_to_type()).casefold()}:
            raise forms.ValidationError(_("Type %(word)s to confirm.") % {"word": word_to_type()})
        return typed

    def clean_reason(self) -> str:
        return str(self.cleaned_data["reason"]).strip() or _("Stop everything and go flat")


def word_to_type() -> str:
    return _("SELL")
