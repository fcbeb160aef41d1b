"""The backtest form: filled from a bot, a preset, an earlier backtest or the bot form; judged and queued by
`trading.research`, which names the field that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from django.utils.translation import ngettext

from bots.configuration import ConfigurationRefused
from bots.forms import AMOUNTS, initial_of
from bots.lifecycle import LifecycleRefused
from bots.models import BotConfig
from bots.presets import Preset
from bots.queries import bots_of
from bots.summary import Summary, summarize
from exchange.candles import source_of
from exchange.instants import instant_of, ms_of
from exchange.models import Market
from trading.backtest_pages.fields import (
    MARKET_TITLES,
    NOT_ASKED,
    OWN,
    SOURCE_NAMES,
    SOURCE_TITLES,
    FieldsOfABacktest,
    usual_cost,
)
from trading.backtest_pages.reach import Reach, known_symbols, reach_of, readable
from trading.models import Backtest
from trading.research.backtests import request_backtest, values_of
from trading.research.checking import check_backtest
from trading.research.periods import Period
from trading.research.settings import COSTS, settings_values
from trading.research.supply import BINANCE, SANDBOX, stored_span

DEFAULT_SYMBOL: Final = "BTCUSDT"
# The parameters of the strategy come to these.
OF_A_BOT: Final = ("symbol", "timeframe", "strategy", *AMOUNTS)


class BacktestForm(FieldsOfABacktest):
    """`bot` is the one it comes from, whose values it began with. After `is_valid()`, `save()` and `summary()`."""

    def __init__(self, *args: Any, user: Any, bot: BotConfig | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = _suggested(kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.user, self.bot = user, bot
        self.columns: dict[str, Any] = {}
        for name in COSTS:
            cost: Any = self.fields[name]
            cost.empty = cost.widget.attrs["placeholder"] = usual_cost(name, self.market)
        self._offer_days()

    def _offer_days(self) -> None:
        for name in ("start_time", "end_time"):
            limits = {"min": self.reach.first_day, "max": self.reach.last_day}
            self.fields[name].widget.attrs |= {key: str(day) for key, day in limits.items() if day}
        if self.reach.suggested is not None:
            for name, day in zip(("start_time", "end_time"), self.reach.suggested, strict=True):
                self.initial.setdefault(name, day.isoformat())

    @cached_property
    def reach(self) -> Reach:
        """Which days are known of the symbol that the form shows."""
        source, symbol = (
            str(self.data.get(name) or self.initial.get(name) or "") for name in ("source", "symbol")
        )
        return reach_of(source, symbol, self.market)

    @property
    def market(self) -> str:
        """Which one the form shows; what is none is told at its field."""
        chosen = str(self.data.get("position_type") or self.initial.get("position_type") or "")
        return chosen if chosen in MARKET_TITLES else Market.SPOT.value

    @property
    def not_asked(self) -> frozenset[str]:
        return NOT_ASKED[self.market]

    @property
    def known_symbols(self) -> list[str]:
        return known_symbols(self.market)

    def clean(self) -> dict[str, Any]:
        """Judged as it will be run. Fields that the form itself could not read keep their own message."""
        super().clean()
        try:
            self.columns = check_backtest(self.user, self.given())
        except ConfigurationRefused as refused:
            self._show(refused)
        return self.cleaned_data

    def save(self) -> Backtest | None:
        """Queue it. None where it was refused at the last moment; the form then says why."""
        try:
            return request_backtest(self.user, self.given())
        except ConfigurationRefused as refused:
            self._show(refused)
        except LifecycleRefused as refused:
            self.add_error(None, refused.message)
        return None

    def given(self) -> dict[str, Any]:
        """What is asked, by the names of `request_backtest`."""
        known = {*OWN, *OF_A_BOT, *(param.name for param in self.params)}
        given = {name: value for name, value in self.cleaned_data.items() if name in known}
        for name in ("start_time", "end_time"):
            if name in given:
                given[name] = self.reach.clipped(name, given[name])
        return given if self.bot is None else {**given, "bot_config": self.bot.pk}

    def summary(self) -> Summary | None:
        """What will be tried, in plain words; None while something is wrong with it."""
        if not self.columns:
            return None
        configured = summarize({**self.columns, **settings_values(self.columns["settings"])})
        return Summary((_what_it_runs_on(self.columns), *configured.sentences), configured.warnings)


def initial_of_request(user: Any, wanted: Mapping[str, str]) -> tuple[dict[str, Any], BotConfig | None]:
    """What the address fills in: `bot` or `backtest` by number (the user's own), or `symbol`."""
    if (bot := _own(bots_of(user), wanted.get("bot", ""))) is not None:
        return initial_of_bot(bot), bot
    if (
        earlier := _own(Backtest.objects.without_results().for_user(user), wanted.get("backtest", ""))
    ) is not None:
        return initial_of_backtest(earlier), None
    symbol = wanted.get("symbol", "")
    return ({"symbol": symbol} if symbol.isalnum() and len(symbol) <= 32 else {}), None


def initial_of_bot(bot: BotConfig) -> dict[str, Any]:
    return {**initial_of(bot, None), "source": source_of(bot.api_key.venue)}


def initial_of_preset(preset: Preset | None) -> dict[str, Any]:
    return {} if preset is None else initial_of(None, preset)


def initial_of_backtest(backtest: Backtest) -> dict[str, Any]:
    values = values_of(backtest)
    shown = {name: value for name, value in values.items() if name in {*OWN, *OF_A_BOT} and value is not None}
    return {
        **shown,
        **values["strategy_params"],
        "name": backtest.name,
        "start_time": f"{backtest.start_at:%Y-%m-%d}",
        "end_time": _last_day(backtest),
    }


def initial_of_bot_form(typed: Mapping[str, str]) -> dict[str, Any]:
    """What stands in the bot form, over to this one. Nothing of it is judged yet; names this form does not know show
    nowhere."""
    return dict(typed.items())


def _last_day(backtest: Backtest) -> str:
    """An end at midnight is the end of the day before."""
    return f"{instant_of(ms_of(backtest.end_at) - 1):%Y-%m-%d}"


def _own(rows: Any, number: str) -> Any:
    return rows.filter(pk=number).first() if number.isdecimal() and len(number) < 19 else None


def _suggested(initial: Mapping[str, Any]) -> dict[str, Any]:
    """What nobody said: a symbol, whose candles, all the days there are."""
    values = {**initial_of(None, None), "symbol": DEFAULT_SYMBOL, "initial_capital": "1000", **initial}
    if values.get("source") not in SOURCE_TITLES:
        is_stored = stored_span(BINANCE, Market.SPOT, readable(str(values["symbol"]))) is not None
        values["source"] = BINANCE if is_stored else SANDBOX
    return values


def _what_it_runs_on(columns: Mapping[str, Any]) -> str:
    start_ms, end_ms = ms_of(columns["start_at"]), ms_of(columns["end_at"])
    count = Period(start_ms, end_ms).candles(columns["timeframe"])
    text = ngettext(
        "It is tried on %(count)s recorded candle of %(source)s, from %(start)s to %(end)s UTC.",
        "It is tried on %(count)s recorded candles of %(source)s, from %(start)s to %(end)s UTC.",
        count,
    )
    return text % {
        "count": f"{count:,}",
        "source": SOURCE_NAMES[columns["source"]],
        "start": f"{columns['start_at']:%Y-%m-%d %H:%M}",
        "end": f"{columns['end_at']:%Y-%m-%d %H:%M}",
    }
