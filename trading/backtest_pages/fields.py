"""The fields of the backtest form and the steps they stand in: a bot's own, and what only a backtest asks. What a field
may hold is judged by `trading.research.checking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from bots.form_fields import Group, Step, TypedField, number
from bots.forms import StrategyForm
from bots.wording import plain
from trading.research.settings import COSTS, MOST_COST_PERC
from trading.research.supply import BINANCE, SANDBOX

SOURCE_TITLES: Final = {
    BINANCE: gettext_lazy("Binance, at their true dates"),
    SANDBOX: gettext_lazy("Paper market, recorded prices shifted to today"),
}

# What only a backtest is asked, by the names of `request_backtest`.
OWN: Final = ("name", "source", "start_time", "end_time", *COSTS)

STEPS: Final = (
    Step(
        "market",
        gettext_lazy("Market and period"),
        gettext_lazy("Which recorded candles it is tried on."),
        (
            Group(("name", "symbol", "timeframe", "source")),
            Group(
                ("start_time", "end_time"),
                gettext_lazy("Period"),
                gettext_lazy("Days in UTC, from the beginning of the first to the end of the last."),
            ),
        ),
    ),
    Step(
        "strategy",
        gettext_lazy("Strategy"),
        gettext_lazy("When it buys, and when it sells again."),
        (Group(("strategy",)),),
    ),
    Step(
        "risk",
        gettext_lazy("Size, risk, costs"),
        gettext_lazy("How much it stakes, when it lets go or rests, and what a trade costs."),
        (
            Group(("initial_capital", "position_size_perc", "position_size_fixed"), gettext_lazy("Stake")),
            Group(
                ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc"),
                gettext_lazy("Stop and target"),
            ),
            Group(
                ("max_daily_trades", "max_daily_loss_perc", "daily_target_perc"),
                gettext_lazy("Limits of a day"),
            ),
            Group(("cooldown_candles", "max_slippage_perc"), gettext_lazy("Before an entry")),
            Group(
                ("taker_fee_perc", "maker_fee_perc", "slippage_perc"),
                gettext_lazy("Costs"),
                gettext_lazy("Be honest here: most strategies live or die by them."),
            ),
        ),
    ),
)


def _day(label: Any) -> TypedField:
    return TypedField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


def _cost(name: str, label: Any, hint: Any) -> TypedField:
    return number(
        label, hint, empty=plain(COSTS[name]) if COSTS[name] else "0", span=("0", plain(MOST_COST_PERC))
    )


class FieldsOfABacktest(StrategyForm):
    """No key, no unique name; a source of candles, a period and costs instead."""

    guided = STEPS
    api_key = None  # type: ignore[assignment]
    name = TypedField(
        label=gettext_lazy("Name"),
        required=False,
        empty=gettext_lazy("by strategy and symbol"),
        help_text=gettext_lazy("Empty: called by its strategy, symbol and candle."),
    )
    symbol = TypedField(
        label=gettext_lazy("Symbol"),
        widget=forms.TextInput(attrs={"list": "symbols-known", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Type a few letters to search."),
    )
    source = TypedField(label=gettext_lazy("Candles of"), widget=forms.Select(choices=SOURCE_TITLES.items()))
    start_time = _day(gettext_lazy("First day"))
    end_time = _day(gettext_lazy("Last day"))
    initial_capital = number(
        gettext_lazy("Capital"),
        gettext_lazy("Quote money it begins with."),
        unit="USDT",
        required=True,
    )
    taker_fee_perc = _cost(
        "taker_fee_perc",
        gettext_lazy("Taker fee"),
        gettext_lazy("Of every order that fills at once: entries, exits, stops."),
    )
    maker_fee_perc = _cost(
        "maker_fee_perc", gettext_lazy("Maker fee"), gettext_lazy("Of targets that waited in the book.")
    )
    slippage_perc = _cost(
        "slippage_perc",
        gettext_lazy("Slippage"),
        gettext_lazy("How much worse than the opening orders at market fill."),
    )


def settings_in_words(settings: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Risk fields and costs by the form's own labels, with their units; an empty one says what empty means."""
    names = [name for step in STEPS if step.name == "risk" for group in step.groups for name in group.fields]
    return [
        (FieldsOfABacktest.base_fields[name].label, _in_words(name, settings.get(name))) for name in names
    ]


def _in_words(name: str, value: Any) -> str:
    field: Any = FieldsOfABacktest.base_fields[name]
    text = str(field.empty or "–") if value is None else str(value)
    return f"{text}\u00a0{field.unit}" if field.unit and text[0].isdigit() else text
