"""The bot form: what this version offers, with the strategy's own parameters. `bots.validation` judges, as for the API;
a field that is not offered is refused by name when somebody posts it all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from accounts.models import ApiKey
from bots.configuration import ConfigurationRefused, change_bot, create_bot
from bots.form_fields import STEPS, FieldsOfABot, Step, Text, field_of
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
# Fields the model keeps as exact amounts or counts, in the order of the form.
AMOUNTS = (
    "initial_capital", "position_size_perc", "position_size_fixed", "stop_loss_perc", "take_profit_perc",
    "trailing_stop_perc", "stop_limit_offset_perc", "max_daily_trades", "max_daily_loss_perc", "daily_target_perc",
    "cooldown_candles", "max_slippage_perc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownGroup:
    title: Text
    hint: Text
    fields: list[BoundField]


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step with the form's own fields in it, for templates."""

    name: str
    title: Text
    hint: Text
    groups: list[ShownGroup]

    @property
    def fields(self) -> Iterator[BoundField]:
        return (field for group in self.groups for field in group.fields)

    @property
    def has_errors(self) -> bool:
        return any(field.errors for field in self.fields)


class StrategyForm(FieldsOfABot):
    """A form in `guided` steps with the parameters of the strategy chosen in it; what a bot and a backtest have in
    common."""

    guided: tuple[Step, ...] = STEPS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("strategy", [(entry.name, _(entry.title)) for entry in all_strategies()])
        self.params = self._params()
        for param in self.params:
            self.fields[param.name] = field_of(param)
            self.initial.setdefault(param.name, param.default)

    @property
    def steps(self) -> list[ShownStep]:
        return [
            ShownStep(
                step.name,
                step.title,
                step.hint,
                [
                    ShownGroup(group.title, group.hint, [self[name] for name in group.fields])
                    for group in step.groups
                ],
            )
            for step in self.guided
        ]

    @property
    def not_asked(self) -> frozenset[str]:
        """Fields that say nothing with what is chosen in others."""
        return frozenset()

    @property
    def shown_params(self) -> list[BoundField]:
        return [self[param.name] for param in self.params]

    @property
    def strategy_summary(self) -> str:
        try:
            return _(strategy(self.strategy_name).summary)
        except UnknownStrategy:
            return ""

    @property
    def strategy_name(self) -> str:
        """Whose parameters the form shows."""
        return str(self.data.get("strategy") or self.initial.get("strategy") or DEFAULT_STRATEGY)

    def _params(self) -> tuple[ParamField, ...]:
        try:
            return params_fields(self.strategy_name)
        except UnknownStrategy:
            return params_fields(DEFAULT_STRATEGY)

    def _show(self, refused: ConfigurationRefused) -> None:
        for name, messages in refused.errors.items():
            if name not in self.errors:
                place, texts = (
                    (name, messages) if name in self.fields else (None, [f"{name}: {m}" for m in messages])
                )
                self.add_error(place, texts)

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].widget = forms.Select(choices=choices)


class BotForm(StrategyForm):
    """`bot` is the one being edited; `preset` fills a new one. After `is_valid()`, `save()` and `summary()`."""

    def __init__(
        self, *args: Any, user: Any, bot: BotConfig | None = None, preset: Preset | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = {**initial_of(bot, preset), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.user, self.bot = user, bot
        self.checked: dict[str, Any] = {}
        keys = ApiKey.objects.for_user(user).order_by("-created_at", "-pk")
        self._choose("api_key", [(str(key.pk), str(key)) for key in keys])
        if not keys:
            self.fields["api_key"].help_text = _(
                "You have no key yet. Add a paper key on the page of API keys."
            )
        self._offer_symbols({key.venue for key in keys})
        if bot is not None:
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)

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
        known = {*FIELDS, *(param.name for param in self.params)}
        return {name: value for name, value in self.cleaned_data.items() if name in known}

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


def initial_of(bot: BotConfig | None, preset: Preset | None) -> dict[str, Any]:
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
