"""The fields of the backtest form and the steps they stand in: a bot's own, and what only a backtest asks. What a field
may hold is judged by `trading.research.checking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from bots.form_fields import BEFORE_ENTRY, STAKE, STRATEGY, Group, Step, TypedField, number, ranged
from bots.forms import StrategyForm
from bots.models import Direction
from bots.wording import plain
from exchange.models import Market
from trading.research.futures import LEAST_LEVERAGE, MOST_LEVERAGE
from trading.research.settings import COSTS, MOST_COST_PERC, costs_of
from trading.research.supply import BINANCE, SANDBOX

SOURCE_TITLES: Final = {
    BINANCE: gettext_lazy("Binance, at their true dates"),
    SANDBOX: gettext_lazy("Paper market, recorded prices shifted to today"),
}
# The same where there is little room, and in a sentence.
SOURCE_NAMES: Final = {BINANCE: "Binance", SANDBOX: gettext_lazy("the paper market")}

MARKET_TITLES: Final = {
    Market.SPOT.value: gettext_lazy("Spot"),
    Market.FUTURES.value: gettext_lazy("USD-M futures"),
}
DIRECTION_TITLES: Final = {
    Direction.LONG.value: gettext_lazy("Long"),
    Direction.SHORT.value: gettext_lazy("Short"),
    Direction.BOTH.value: gettext_lazy("Both"),
}
# What only a backtest is asked, by the names of `request_backtest`.
OWN: Final = ("name", "position_type", "direction", "leverage", "source", "start_time", "end_time", *COSTS)
# What a market does not ask; scripts hide it (app/backtest.css), and nobody is told of it afterwards.
NOT_ASKED: Final = {
    Market.SPOT.value: frozenset({"direction", "leverage"}),
    Market.FUTURES.value: frozenset({"source", "stop_limit_offset_perc"}),
}

STEPS: Final = (
    Step(
        "market",
        gettext_lazy("Market and period"),
        gettext_lazy("Which recorded candles it is tried on."),
        (
            Group(("name", "position_type", "symbol", "timeframe", "source")),
            Group(
                ("direction", "leverage"),
                gettext_lazy("Futures"),
                gettext_lazy("Perpetual futures with isolated margin. On the spot market it only goes long."),
            ),
            Group(
                ("start_time", "end_time"),
                gettext_lazy("Period"),
                gettext_lazy("Days in UTC, from the beginning of the first to the end of the last."),
            ),
        ),
    ),
    STRATEGY,
    Step(
        "risk",
        gettext_lazy("Size, risk, costs"),
        gettext_lazy("How much it stakes, when it lets go or rests, and what a trade costs."),
        (
            STAKE,
            Group(
                ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc"),
                gettext_lazy("Stop and target"),
            ),
            Group(
                ("max_daily_trades", "max_daily_loss_perc", "daily_target_perc"),
                gettext_lazy("Limits of a day"),
            ),
            BEFORE_ENTRY,
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
    field = number(label, hint, empty=usual_cost(name, Market.SPOT), span=("0", plain(MOST_COST_PERC)))
    field.widget.attrs |= {f"data-empty-{market}": usual_cost(name, market) for market in Market.values}
    return field


def usual_cost(name: str, market: str) -> str:
    """What leaving a cost empty means."""
    return plain(costs_of(market)[name])


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
    position_type = TypedField(
        label=gettext_lazy("Market"), required=False, widget=forms.Select(choices=MARKET_TITLES.items())
    )
    direction = TypedField(
        label=gettext_lazy("Direction"),
        required=False,
        widget=forms.Select(choices=DIRECTION_TITLES.items()),
        help_text=gettext_lazy("Short earns where the price falls. Both turn round at every signal."),
    )
    leverage = number(
        gettext_lazy("Leverage"),
        gettext_lazy(
            "How many times its margin a position is worth. More of it brings the liquidation nearer."
        ),
        unit="×",
        empty="1",
        span=(str(LEAST_LEVERAGE), str(MOST_LEVERAGE)),
        step="1",
    )
    start_time = _day(gettext_lazy("First day"))
    end_time = _day(gettext_lazy("Last day"))
    initial_capital = number(
        gettext_lazy("Capital"),
        gettext_lazy("Quote money it begins with."),
        unit="USDT",
        required=True,
    )
    stop_loss_perc = ranged(
        "stop_loss_perc",
        gettext_lazy("Stop loss"),
        gettext_lazy("Ends a position once the price has moved this far against it. Futures need one."),
        empty=gettext_lazy("none"),
    )
    take_profit_perc = ranged(
        "take_profit_perc",
        gettext_lazy("Take profit"),
        gettext_lazy("Ends a position once the price has moved this far in its favour."),
        empty=gettext_lazy("none"),
    )
    trailing_stop_perc = ranged(
        "trailing_stop_perc",
        gettext_lazy("Trailing stop"),
        gettext_lazy("A stop that follows the best price at this distance and never moves away."),
        empty=gettext_lazy("none"),
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


def settings_in_words(settings: Mapping[str, Any], market: str = Market.SPOT) -> list[tuple[Any, str]]:
    """Risk fields and costs by the form's own labels, with their units; an empty one says what empty means."""
    risk = [name for step in STEPS if step.name == "risk" for group in step.groups for name in group.fields]
    names = [name for name in ("direction", "leverage", *risk) if name not in NOT_ASKED[market]]
    return [
        (FieldsOfABacktest.base_fields[name].label, _in_words(name, settings.get(name))) for name in names
    ]


def _in_words(name: str, value: Any) -> str:
    field: Any = FieldsOfABacktest.base_fields[name]
    if name == "direction":
        return str(DIRECTION_TITLES.get(value, value))
    text = str(field.empty or "–") if value is None else str(value)
    return f"{text}\u00a0{field.unit}" if field.unit and text[0].isdigit() else text
