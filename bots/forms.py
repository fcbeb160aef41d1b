"""The bot form: what this version offers, with the strategy's own parameters. `bots.validation` judges, as for the API;
a field that is not offered is refused by name when somebody posts it all the same.
"""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Fieldset, Layout, Row
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey
from bots.configuration import ConfigurationRefused, change_bot, create_bot
from bots.models import BotConfig, Timeframe
from bots.presets import Preset
from bots.summary import Summary, summarize
from bots.validation import FIELDS, check_configuration
from bots.wording import plain
from engine.strategies import ParamField, UnknownStrategy, all_strategies, params_fields, strategy
from exchange.connect import VenueNotAvailable
from exchange.port import ExchangeError
from exchange.symbols import tradable

DEFAULT_STRATEGY = "ema"
AMOUNTS = ("initial_capital", "position_size_perc", "position_size_fixed")


class BotForm(forms.Form):
    """`bot` is the one being edited; `preset` fills a new one. After `is_valid()`, `save()` and `summary()`."""

    name = forms.CharField(
        label=gettext_lazy("Name"), help_text=gettext_lazy("3 to 80 characters, yours alone.")
    )
    api_key = forms.CharField(label=gettext_lazy("API key"), widget=forms.Select)
    symbol = forms.CharField(label=gettext_lazy("Symbol"), widget=forms.Select)
    timeframe = forms.CharField(
        label=gettext_lazy("Candle"),
        widget=forms.Select(choices=Timeframe.choices),
        help_text=gettext_lazy("The bot decides at the close of every candle of this length."),
    )
    strategy = forms.CharField(label=gettext_lazy("Strategy"), widget=forms.Select)
    initial_capital = forms.CharField(
        label=gettext_lazy("Capital"),
        widget=forms.NumberInput(attrs={"min": "0", "step": "any"}),
        help_text=gettext_lazy(
            "Quote money this bot may use. What other running bots use is not counted twice."
        ),
    )
    position_size_perc = forms.CharField(
        label=gettext_lazy("Stake, percent"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "0", "max": "100", "step": "any", "placeholder": "100"}),
        help_text=gettext_lazy("Of its current capital, for each entry. Empty: all of it."),
    )
    position_size_fixed = forms.CharField(
        label=gettext_lazy("Stake, fixed amount"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "0", "step": "any"}),
        help_text=gettext_lazy("Instead of a percentage."),
    )

    def __init__(
        self, *args: Any, user: Any, bot: BotConfig | None = None, preset: Preset | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = {**_initial_of(bot, preset), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.user, self.bot = user, bot
        self.checked: dict[str, Any] = {}
        keys = ApiKey.objects.for_user(user).order_by("-created_at", "-pk")
        self._choose("api_key", [(str(key.pk), str(key)) for key in keys])
        if not keys:
            self.fields["api_key"].help_text = _(
                "You have no key yet. Add a paper key on the page of API keys."
            )
        self._choose("strategy", [(entry.name, _(entry.title)) for entry in all_strategies()])
        self._offer_symbols({key.venue for key in keys})
        self.params = self._params()
        for param in self.params:
            self.fields[param.name] = _field_of(param)
        if bot is not None:
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)
        self.helper = self._helper()

    @property
    def strategy_summary(self) -> str:
        return strategy(self._strategy_name()).summary

    def clean(self) -> dict[str, Any]:
        """Judged as one configuration. Fields the form itself could not read keep their own message."""
        super().clean()
        given = self._given()
        given |= {name: self.data[name] for name in FIELDS if name in self.data and name not in self.fields}
        try:
            self.checked = check_configuration(self.user, given, bot=self.bot)
        except ConfigurationRefused as refused:
            self._show(refused)
        return self.cleaned_data

    def save(self) -> BotConfig | None:
        """Create or change the bot. None when it was refused at the last moment; the form then says why.

        Raises StaleVersion when somebody changed the bot since this form was opened."""
        try:
            if self.bot is None:
                return create_bot(self.user, self._given(), by=self.user)
            return change_bot(self.bot, self._given(), version=self.cleaned_data["version"], by=self.user)
        except ConfigurationRefused as refused:
            self._show(refused)
            return None

    def summary(self) -> Summary | None:
        """What the configured bot will do; None while something is wrong with it."""
        return summarize(self.checked) if self.checked else None

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    def _show(self, refused: ConfigurationRefused) -> None:
        for name, messages in refused.errors.items():
            if name not in self.errors:
                place, texts = (
                    (name, messages) if name in self.fields else (None, [f"{name}: {m}" for m in messages])
                )
                self.add_error(place, texts)

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].widget = forms.Select(choices=choices)

    def _offer_symbols(self, venues: set[str]) -> None:
        """A list to choose from; a text to type where the exchange cannot be asked and none is stored."""
        try:
            names = sorted({name for venue in venues for name in tradable(venue)})
        except (ExchangeError, VenueNotAvailable):
            names = []
        if self.bot is not None and self.bot.symbol not in names:
            names.append(self.bot.symbol)
        if names:
            self._choose("symbol", [(name, name) for name in names])
        else:
            self.fields["symbol"].widget = forms.TextInput(attrs={"placeholder": "BTCUSDT"})

    def _strategy_name(self) -> str:
        return str(self.data.get("strategy") or self.initial.get("strategy") or DEFAULT_STRATEGY)

    def _params(self) -> tuple[ParamField, ...]:
        try:
            return params_fields(self._strategy_name())
        except UnknownStrategy:
            return params_fields(DEFAULT_STRATEGY)

    def _helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True  # the page's form brings the token
        helper.layout = Layout(
            Fieldset(_("What it trades"), "name", _row("api_key", "symbol", "timeframe")),
            Fieldset(_("When it trades"), "strategy", _row(*(param.name for param in self.params))),
            Fieldset(
                _("What it stakes"), "initial_capital", _row("position_size_perc", "position_size_fixed")
            ),
            *([HTML(str(self["version"]))] if self.bot is not None else []),
        )
        return helper


def _row(*names: str) -> Row:
    return Row(*(Column(name, css_class="col-12 col-sm-6 col-lg-4") for name in names))


def _field_of(param: ParamField) -> forms.Field:
    limits = {"min": str(param.minimum), "max": str(param.maximum), "step": "1"}
    return forms.CharField(
        # The engine speaks English and knows no Django: its words are translated here.
        label=_(param.label),
        help_text=_(param.help),
        required=not param.is_optional,
        initial=param.default,
        widget=forms.NumberInput(attrs=limits),
    )


def _initial_of(bot: BotConfig | None, preset: Preset | None) -> dict[str, Any]:
    """A bot's own values, or a preset's, as the form's fields show them."""
    values: dict[str, Any] = {"timeframe": Timeframe.M5.value, "strategy": DEFAULT_STRATEGY}
    if bot is not None:
        offered = ("name", "symbol", "timeframe", "strategy", "strategy_params", "version", *AMOUNTS)
        values = {name: getattr(bot, name) for name in offered}
        values["api_key"] = str(bot.api_key_id)
    elif preset is not None:
        values = dict(preset.values)
    values.update(values.pop("strategy_params", {}))
    amounts = {name: plain(values[name]) for name in AMOUNTS if values.get(name) is not None}
    return {**values, **amounts}
