"""The form of an optimisation: what it begins with, a line for every parameter that may be searched, how to search.

What is right is judged by `trading.research.optimization_checking`; here its messages find their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bots.models import BotConfig
from engine.strategies import params_fields
from exchange.candles import source_of
from trading.backtest_pages.reach import reach_of
from trading.models import Backtest, Optimization
from trading.models.optimization import Method, Objective
from trading.research.optimization_space import RISK, Axis, Space, read_axes
from trading.research.optimizations import request_optimization
from trading.templatetags.figures import parameter_label

RISK_LABELS: Final = {
    "stop_loss_perc": _("Stop loss (%)"),
    "take_profit_perc": _("Take profit (%)"),
    "trailing_stop_perc": _("Trailing stop (%)"),
}
FIELDS: Final = ("name", "start_time", "end_time", "method", "objective", "sets", "min_positions", "holdout_perc",
                 "windows")  # fmt: skip
USUAL: Final = {
    "method": Method.GRID.value,
    "objective": Objective.RETURN_OVER_DRAWDOWN.value,
    "sets": "200",
    "min_positions": "10",
    "holdout_perc": "25",
    "windows": "0",
}
# Ticked at first, so that the form can be sent as it is.
FIRST_TICKED: Final = 2


@dataclass
class Line:
    """A parameter that may be searched, as the form shows it."""

    name: str
    label: Any
    help: Any
    now: Any
    first: str
    last: str
    step: str
    is_chosen: bool
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Base:
    """What is searched around: a backtest, or a bot with the period that is known of its symbol."""

    strategy: str
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    name: str
    symbol: str
    timeframe: str
    start_time: str
    end_time: str
    values: Mapping[str, Any]
    query: str


def base_of_backtest(backtest: Backtest) -> Base:
    return Base(
        strategy=backtest.strategy,
        params=backtest.strategy_params,
        settings=backtest.settings,
        name=backtest.name,
        symbol=backtest.symbol,
        timeframe=backtest.timeframe,
        start_time=f"{backtest.start_at:%Y-%m-%dT%H:%M}",
        end_time=f"{backtest.end_at:%Y-%m-%dT%H:%M}",
        values={"backtest": backtest.pk},
        query=f"?backtest={backtest.pk}",
    )


def base_of_bot(bot: BotConfig) -> Base:
    source = source_of(bot.api_key.venue)
    reach = reach_of(source, bot.symbol)
    end_at = reach.end_at
    start_at = None if end_at is None else max(reach.first_at or end_at, end_at - timedelta(days=100))
    return Base(
        strategy=bot.strategy,
        params=bot.strategy_params,
        settings={name: getattr(bot, name) for name in RISK},
        name=bot.name,
        symbol=bot.symbol,
        timeframe=bot.timeframe,
        start_time=f"{start_at:%Y-%m-%dT%H:%M}" if start_at else "",
        end_time=f"{end_at:%Y-%m-%dT%H:%M}" if end_at else "",
        values={"bot_config": bot.pk, "source": source},
        query=f"?bot={bot.pk}",
    )


class OptimizationForm:
    """`given` is what was posted, None where the form is fresh."""

    def __init__(self, base: Base, given: Mapping[str, Any] | None = None) -> None:
        self.base, self.given = base, given
        self.errors: dict[str, list[str]] = {}
        fresh = {**USUAL, "name": "", "start_time": base.start_time, "end_time": base.end_time}
        self.values = {name: (given or fresh).get(name, "") for name in FIELDS}
        self.lines = [self._line(*described) for described in _described(base)]
        self.methods, self.objectives = Method.choices, Objective.choices

    def _line(
        self, index: int, name: str, texts: tuple[Any, Any], ends: tuple[Any, Any, Any], now: Any
    ) -> Line:
        if self.given is None:
            first, last, step = (str(value) for value in ends)
            return Line(name, *texts, now, first, last, step, index < FIRST_TICKED)
        typed = [str(self.given.get(f"{name}_{end}", "")).strip() for end in ("from", "to", "step")]
        return Line(name, *texts, now, typed[0], typed[1], typed[2], name in self.chosen)

    @property
    def chosen(self) -> list[str]:
        getlist = getattr(self.given, "getlist", None)
        return list(getlist("axis")) if getlist else []

    @property
    def space(self) -> dict[str, dict[str, str]]:
        return {
            line.name: {"from": line.first, "to": line.last, "step": line.step}
            for line in self.lines
            if line.is_chosen
        }

    def count(self) -> tuple[int, list[str]]:
        """How many sets a grid would have, and what is wrong with the lines."""
        axes, errors = read_axes(self.base.strategy, self.space)
        if errors or not axes:
            labels = {line.name: line.label for line in self.lines}
            return 0, [f"{labels.get(name, name)}: {message}" for name, message in errors.items()]
        return _space(self.base, axes).size(), []

    def save(self, user: Any) -> Optimization:
        """Raises as `request_optimization` does."""
        # A period that was emptied is not silently that of the base again.
        typed = {
            name: value
            for name, value in self.values.items()
            if value != "" or name in ("start_time", "end_time")
        }
        return request_optimization(user, {**self.base.values, **typed, "space": self.space})

    def show(self, errors: Mapping[str, list[str]]) -> None:
        """Every message beside its field; one without a field stands above the form."""
        lines = {line.name: line for line in self.lines}
        for name, messages in errors.items():
            if name in lines:
                lines[name].errors = messages
            else:
                self.errors[name] = messages

    @property
    def other_errors(self) -> list[str]:
        """Of fields that the form does not have: they come from what it began with."""
        return [
            text if name in ("", "space") else f"{name}: {text}"
            for name, messages in self.errors.items()
            if name not in FIELDS
            for text in messages
        ]


def _described(base: Base) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for entry in params_fields(base.strategy):
        ends = (*entry.search, entry.step)
        now = base.params.get(entry.name, entry.default)
        texts = (parameter_label(entry.name, base.strategy), _(entry.help))
        found.append((len(found), entry.name, texts, ends, now))
    for name, usual in RISK.items():
        found.append((len(found), name, (RISK_LABELS[name], ""), usual, base.settings.get(name)))
    return found


def _space(base: Base, axes: list[Axis]) -> Space:
    params = {name: value for name, value in base.params.items() if value is not None}
    return Space(base.strategy, params, tuple(axes))
