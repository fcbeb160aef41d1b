"""The fields of the bot form and the steps they stand in: labels, hints, units. What a field may hold is judged by
`bots.validation`; nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bots.models import Timeframe
from bots.ranges import DEFAULT_SLIPPAGE_PERC, DEFAULT_STOP_LIMIT_OFFSET_PERC, RANGES
from bots.wording import plain
from engine.strategies import ParamField

type Text = str | Promise


class TypedField(forms.CharField):
    """A field whose `unit` stands beside it, and `span` behind its hint; `empty` says what leaving it out means. It is
    read as text: the one validation makes a number of it."""

    def __init__(
        self, *, unit: Text = "", empty: Text = "", span: tuple[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.unit, self.empty, self.span = unit, empty, span


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together; `title` is empty where the step's own says enough."""

    fields: tuple[str, ...]
    title: Text = ""
    hint: Text = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the guided form; the parameters of the chosen strategy follow the fields of `strategy`."""

    name: str
    title: Text
    hint: Text
    groups: tuple[Group, ...]


# What the form of a backtest asks in the same words.
STRATEGY: Final = Step(
    "strategy",
    gettext_lazy("Strategy"),
    gettext_lazy("When it buys, and when it sells again."),
    (Group(("strategy",)),),
)
STAKE: Final = Group(("initial_capital", "position_size_perc", "position_size_fixed"), gettext_lazy("Stake"))
BEFORE_ENTRY: Final = Group(("cooldown_candles", "max_slippage_perc"), gettext_lazy("Before an entry"))

STEPS: Final = (
    Step(
        "market",
        gettext_lazy("Market and key"),
        gettext_lazy("What it trades, with whose money, and how long its candles are."),
        (Group(("name", "api_key", "symbol", "timeframe")),),
    ),
    STRATEGY,
    Step(
        "risk",
        gettext_lazy("Size and risk"),
        gettext_lazy("How much it stakes, and when it must let go or rest."),
        (
            STAKE,
            Group(
                ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc"),
                gettext_lazy("Stop and target"),
                gettext_lazy("They stand as orders on the exchange, also while TradeBot is switched off."),
            ),
            Group(
                ("max_daily_trades", "max_daily_loss_perc", "daily_target_perc"),
                gettext_lazy("Limits of a day"),
                gettext_lazy(
                    "Reaching one stops new entries until midnight UTC; it never closes a position."
                ),
            ),
            BEFORE_ENTRY,
        ),
    ),
)


def number(
    label: Text,
    hint: Text,
    *,
    unit: Text = "%",
    empty: Text = "",
    required: bool = False,
    span: tuple[str, str] | None = None,
    step: str = "any",
) -> TypedField:
    """A number typed by hand, with the limits that the browser may already show."""
    least, most = span or ("0", "")
    attrs = {"min": least, "max": most, "step": step, "placeholder": empty, "inputmode": "decimal"}
    widget = forms.NumberInput(attrs={name: value for name, value in attrs.items() if value})
    return TypedField(
        label=label, help_text=hint, required=required, unit=unit, empty=empty, span=span, widget=widget
    )


def ranged(name: str, label: Text, hint: Text, **options: Any) -> TypedField:
    """A number whose limits stand in `bots.ranges`."""
    allowed = RANGES[name]
    return number(label, hint, span=(plain(allowed.least), plain(allowed.most)), **options)


class FieldsOfABot(forms.Form):
    """Every field that this version offers, without the parameters of a strategy."""

    name = TypedField(label=gettext_lazy("Name"), help_text=gettext_lazy("3 to 80 characters, yours alone."))
    api_key = TypedField(label=gettext_lazy("API key"), widget=forms.Select)
    symbol = TypedField(label=gettext_lazy("Symbol"), widget=forms.Select)
    timeframe = TypedField(
        label=gettext_lazy("Candle"),
        widget=forms.Select(choices=Timeframe.choices),
        help_text=gettext_lazy("The bot decides at the close of every candle of this length."),
    )
    strategy = TypedField(label=gettext_lazy("Strategy"), widget=forms.Select)
    initial_capital = number(
        gettext_lazy("Capital"),
        gettext_lazy("Quote money this bot may use. What other running bots use is not counted twice."),
        unit="USDT",
        required=True,
    )
    position_size_perc = number(
        gettext_lazy("Stake, percent"),
        gettext_lazy("Of its current capital, for each entry. Empty: all of it."),
        empty="100",
        span=("0", "100"),
    )
    position_size_fixed = number(
        gettext_lazy("Stake, fixed amount"),
        gettext_lazy("Instead of a percentage."),
        unit="USDT",
        empty=gettext_lazy("none"),
    )
    stop_loss_perc = ranged(
        "stop_loss_perc",
        gettext_lazy("Stop loss"),
        gettext_lazy("Sell when the price falls this far below the entry."),
        empty=gettext_lazy("none"),
    )
    take_profit_perc = ranged(
        "take_profit_perc",
        gettext_lazy("Take profit"),
        gettext_lazy("Sell when the price rises this far above the entry."),
        empty=gettext_lazy("none"),
    )
    trailing_stop_perc = ranged(
        "trailing_stop_perc",
        gettext_lazy("Trailing stop"),
        gettext_lazy("A stop that follows the highest price at this distance and never falls."),
        empty=gettext_lazy("none"),
    )
    stop_limit_offset_perc = ranged(
        "stop_limit_offset_perc",
        gettext_lazy("Room of a stop's limit"),
        gettext_lazy("Only where the exchange knows no plain stop: how far its limit lies beyond the stop."),
        empty=plain(DEFAULT_STOP_LIMIT_OFFSET_PERC),
    )
    max_daily_trades = ranged(
        "max_daily_trades",
        gettext_lazy("Most entries"),
        gettext_lazy("Entries filled in a day."),
        unit=gettext_lazy("a day"),
        empty=gettext_lazy("no limit"),
        step="1",
    )
    max_daily_loss_perc = ranged(
        "max_daily_loss_perc",
        gettext_lazy("Most loss"),
        gettext_lazy("Of the initial capital, in a day."),
        empty=gettext_lazy("no limit"),
    )
    daily_target_perc = ranged(
        "daily_target_perc",
        gettext_lazy("Enough gain"),
        gettext_lazy("Of the initial capital, in a day."),
        empty=gettext_lazy("no limit"),
    )
    cooldown_candles = ranged(
        "cooldown_candles",
        gettext_lazy("Rest after an exit"),
        gettext_lazy("Candles to wait before it may enter again."),
        unit=gettext_lazy("candles"),
        empty="0",
        step="1",
    )
    max_slippage_perc = ranged(
        "max_slippage_perc",
        gettext_lazy("Most slippage"),
        gettext_lazy(
            "An entry is dropped when the book's price is further than this from the signal's close."
        ),
        empty=plain(DEFAULT_SLIPPAGE_PERC),
    )


def field_of(param: ParamField) -> TypedField:
    """A parameter of a strategy. The engine speaks English and knows no Django: its words are translated here."""
    return number(
        _(param.label),
        _(param.help),
        unit="",
        empty=_("none") if param.is_optional else "",
        required=not param.is_optional,
        span=(str(param.minimum), str(param.maximum)),
        step="1" if param.is_whole else "any",
    )
