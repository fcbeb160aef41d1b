"""What is asked of a backtest, checked before it is queued: a bot's own rules where they are a bot's, then what futures
ask, the period, the candles and the costs. One message per field, under the name it was given by.

A backtest may do what bots do not do yet (`bots.scope`): go short, use leverage, on recorded futures.

It may ask an exchange for symbol rules or the reach of its candles, so it runs outside transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from bots import parsing
from bots.models import BotConfig
from bots.queries import bots_of
from bots.ranges import objections_to_reach
from bots.sizing import objection_to_size
from bots.validation import FIELDS, Checking, ConfigurationRefused, SymbolRefused, traded
from engine.fold import UnservedSetting, terms_of
from engine.market import DAY_MS, MINUTE_MS
from engine.rules import SymbolRules
from engine.strategies import strategy
from exchange.candles import absent, source_of
from exchange.futures.contracts import rules_of_contract
from exchange.instants import instant_of, ms_of
from exchange.models import Market
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.research.futures import (
    contract_over,
    objection_to_funding,
    objections_to_leverage,
    objections_to_market,
    objections_to_worth,
    worth_of_stake,
)
from trading.research.periods import LATEST, Period, instant_ms, whole_candles
from trading.research.settings import COSTS, costs_of, objections_to_costs, setting_of, settings_json
from trading.research.supply import (
    BINANCE,
    RULES_VENUE,
    SANDBOX,
    SOURCES,
    market_of,
    span_within_reach,
    stored_span,
)

# Fields of a bot that a backtest has no use for.
OF_BOTS_ONLY: Final = frozenset({"name", "api_key", "auto_transfer_funds", "transfer_amount"})
BOT_FIELDS: Final = tuple(name for name in FIELDS if name not in OF_BOTS_ONLY)
ALIASES: Final = {
    "market": "position_type",
    "from": "start_time",
    "to": "end_time",
    "start_at": "start_time",
    "end_at": "end_time",
    "bot": "bot_config",
}
READERS: Final[dict[str, parsing.Reader]] = {
    "name": parsing.text,
    "bot_config": parsing.whole,
    "source": parsing.with_empty_as("", parsing.choice_of(SOURCES)),
    "start_time": lambda raw: instant_ms(raw, is_end=False),
    "end_time": lambda raw: instant_ms(raw, is_end=True),
    **dict.fromkeys(COSTS, parsing.amount),
}
# Six years: all of its minutes are in memory at once.
LONGEST_DAYS: Final = 2200
# Refused where more than one minute in so many is missing and cannot be fetched; the report names what is.
MOST_MISSING: Final = 20


def check_backtest(user: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a backtest's row, all but its user, who is asked only about a bot.

    Raises ConfigurationRefused with everything that is wrong."""
    asked = _Asked(user, given)
    asked.read()
    asked.check_costs()
    asked.check_name()
    asked.check_market()
    rules = asked.check_symbol()
    asked.check_money(rules)
    period = asked.check_period()
    if period is not None and rules is not None and not asked.errors:
        asked.check_candles(period)
    if period is not None and rules is not None and not asked.errors:
        asked.check_served(period, rules)
    if asked.errors or period is None or rules is None:
        raise ConfigurationRefused(asked.errors_as_named())
    return asked.columns(period, rules)


class _Asked:
    """One request: `own` are the backtest's fields, `checking` judges those it shares with a bot."""

    def __init__(self, user: Any, given: Mapping[str, Any]) -> None:
        self.user = user
        self.named = {ALIASES.get(name, name): name for name in given}
        self.given = {ALIASES.get(name, name): value for name, value in given.items()}
        self.own: dict[str, Any] = dict.fromkeys(READERS)
        self.errors: dict[str, Any] = {}
        self.bot: BotConfig | None = None

    def read(self) -> None:
        for name, read in READERS.items():
            try:
                self.own[name] = read(self.given.get(name))
            except parsing.Unreadable as wrong:
                self.errors[name] = str(wrong)
        self._find_bot()
        rest = {name: value for name, value in self.given.items() if name not in READERS}
        self.errors |= {name: _("This field is unknown.") for name in OF_BOTS_ONLY & rest.keys()}
        rest = {name: value for name, value in rest.items() if name not in OF_BOTS_ONLY}
        self.checking = Checking(self.user, {**self._values_of_bot(rest), **rest}, None)
        self.checking.read()
        self.checking.check_ranges()
        self.checking.check_strategy()
        self.errors |= self.checking.errors

    def _find_bot(self) -> None:
        """The user's own; a foreign one is told from a missing one by nobody."""
        if self.own["bot_config"] is None or "bot_config" in self.errors:
            return
        self.bot = bots_of(self.user).filter(pk=self.own["bot_config"]).first()
        if self.bot is None:
            self.errors["bot_config"] = _("This bot does not exist.")

    def _values_of_bot(self, rest: Mapping[str, Any]) -> dict[str, Any]:
        """The bot's configuration, for what the request does not say."""
        if self.bot is None:
            return {}
        values = {name: getattr(self.bot, name) for name in BOT_FIELDS}
        if "position_size_perc" in rest or "position_size_fixed" in rest:
            values["position_size_perc"] = values["position_size_fixed"] = None
        if rest.get("strategy", self.bot.strategy) != self.bot.strategy:
            values["strategy_params"] = {}
        return values

    @property
    def values(self) -> dict[str, Any]:
        return self.checking.values

    def check_costs(self) -> None:
        readable = {name: value for name, value in self.own.items() if name not in self.errors}
        self.errors |= objections_to_costs(readable)

    @property
    def is_futures(self) -> bool:
        return bool(self.values["position_type"] == Market.FUTURES)

    def check_market(self) -> None:
        """What spot and futures ask of direction, leverage, stop and source. Unreadable fields keep their message."""
        if "position_type" in self.errors:
            return
        found = objections_to_market(self.values)
        if self.is_futures and self.own["source"] == SANDBOX:
            found["source"] = _("The paper market does not trade futures. Choose candles of binance.")
        self.errors = {**found, **self.errors}

    def check_name(self) -> None:
        if "name" not in self.errors and len(self.own["name"]) > 80:
            self.errors["name"] = _("A name has at most 80 characters.")

    def source(self) -> str:
        if self.own["source"]:
            return str(self.own["source"])
        if self.is_futures:
            return BINANCE
        return source_of(self.bot.api_key.venue) if self.bot is not None else BINANCE

    def check_symbol(self) -> SymbolRules | None:
        if "symbol" in self.errors or "position_type" in self.errors:
            return None
        if not self.values["symbol"]:
            self.errors["symbol"] = _("Choose a symbol.")
            return None
        try:
            if self.is_futures:
                return self._contract_rules()
            return traded(RULES_VENUE, self.values["position_type"], self.values["symbol"])
        except SymbolRefused as refused:
            self.errors["symbol"] = str(refused)
            return None

    def _contract_rules(self) -> SymbolRules:
        """Of a perpetual, as they were recorded. Raises SymbolRefused."""
        try:
            return rules_of_contract(self.values["symbol"])
        except UnknownSymbol:
            message = _("The futures rules of %(symbol)s are not known here.")
            raise SymbolRefused(message % {"symbol": self.values["symbol"][:32]}) from None

    def check_money(self, rules: SymbolRules | None) -> None:
        sizes = ("initial_capital", "position_size_perc", "position_size_fixed")
        of_futures = ("stop_loss_perc", "direction", "leverage", "taker_fee_perc", "position_type")
        if rules is not None and self.is_futures and not self.errors.keys() & set(of_futures):
            self._check_leverage(rules, sizes)
        elif not self.errors.keys() & set(sizes):
            self.errors |= objection_to_size(*(self.values[name] for name in sizes), rules=rules)
        exits = ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc")
        if rules is not None and not self.errors.keys() & set(exits):
            self.errors |= objections_to_reach(self.values, rules)

    def _check_leverage(self, rules: SymbolRules, sizes: tuple[str, ...]) -> None:
        taker = self.own["taker_fee_perc"]
        taker = costs_of(Market.FUTURES)["taker_fee_perc"] if taker is None else taker
        self.errors |= objections_to_leverage(self.values, rules.symbol)
        if self.errors.keys() & {*sizes, "leverage"}:
            return
        worth = worth_of_stake(self.values["leverage"], taker)
        found = objection_to_size(*(self.values[name] for name in sizes), rules=rules, worth=worth)
        self.errors |= found or objections_to_worth(self.values, rules, taker)

    def check_served(self, period: Period, rules: SymbolRules) -> None:
        """Whether funding is known, and whether the engine can do all that is asked."""
        contract, symbol = None, rules.symbol
        if self.is_futures:
            contract = contract_over(self.source(), symbol, *period)
            if message := objection_to_funding(contract, self.source(), symbol):
                self.errors["start_time"] = message
                return
        values = self.columns(period, rules)
        setting = setting_of(
            values["settings"],
            timeframe=values["timeframe"],
            rules=rules,
            market=values["market"],
            contract=contract,
        )
        try:
            terms_of(setting)
        except UnservedSetting as unserved:
            self.errors["position_type"] = str(unserved)

    def check_period(self) -> Period | None:
        start_ms, end_ms = self.own["start_time"], self.own["end_time"]
        for name, value in (("start_time", start_ms), ("end_time", end_ms)):
            if value is None and name not in self.errors:
                self.errors[name] = _("Say from when to when.")
        if self.errors.keys() & {"start_time", "end_time", "timeframe"}:
            return None
        if end_ms <= start_ms:
            self.errors["end_time"] = _("The end must come after the start.")
            return None
        period = whole_candles(start_ms, end_ms, self.values["timeframe"])
        if period.end_ms <= period.start_ms:
            self.errors["end_time"] = _("There is no whole candle between start and end.")
        elif period.end_ms - period.start_ms > LONGEST_DAYS * DAY_MS:
            self.errors["end_time"] = _("A backtest spans at most %(days)s days.") % {"days": LONGEST_DAYS}
        elif period.end_ms > self._now_ms():
            name = "start_time" if period.start_ms > self._now_ms() else "end_time"
            self.errors[name] = _("This lies in the future.")
        return None if self.errors.keys() & {"start_time", "end_time"} else period

    def _now_ms(self) -> int:
        """The paper market has a clock of its own: how far that has come is asked with its candles."""
        return ms_of(LATEST if self.source() == SANDBOX else timezone.now())

    def check_candles(self, period: Period) -> None:
        """What is stored answers without asking anybody."""
        of = (self.source(), self.values["position_type"], self.values["symbol"])
        names = {"source": of[0], "symbol": of[2]}
        try:
            span = stored_span(*of)
            if span is None or not span.covers(*period):
                span = span_within_reach(*of)
        except ExchangeError:
            self.errors["symbol"] = (
                _(
                    "Candles of %(symbol)s are not stored for this period, and their exchange does not answer now."
                )
                % names
            )
            return
        if span is None:
            self.errors["symbol"] = _("There are no candles of %(symbol)s (%(source)s).") % names
            return
        names |= {"first": _minute(span.first_ms), "last": _minute(span.end_ms)}
        message = _("Candles of %(symbol)s (%(source)s) reach from %(first)s to %(last)s UTC.") % names
        if not span.first_ms <= period.start_ms < span.end_ms:
            self.errors["start_time"] = message
        elif period.end_ms > span.end_ms:
            self.errors["end_time"] = message
        elif market_of(of[0], of[1]) is None:
            self._check_holes(of, period)

    def _check_holes(self, of: tuple[str, str, str], period: Period) -> None:
        """What nobody can fetch now must be there already, all but a little."""
        unknown = absent(*of, start_ms=period.start_ms, end_ms=period.end_ms).unknown
        missing_ms = sum(gap.last_ms - gap.first_ms + MINUTE_MS for gap in unknown)
        if missing_ms * MOST_MISSING > period.end_ms - period.start_ms:
            first, last = unknown[0].first_ms, unknown[0].last_ms + MINUTE_MS
            self.errors["start_time"] = _(
                "%(count)s minutes of this period are not stored, the first from %(first)s to %(last)s UTC."
                " Import them, or choose another period."
            ) % {"count": missing_ms // MINUTE_MS, "first": _minute(first), "last": _minute(last)}

    def errors_as_named(self) -> dict[str, Any]:
        return {self.named.get(name, name): message for name, message in self.errors.items()}

    def columns(self, period: Period, rules: SymbolRules) -> dict[str, Any]:
        values = self.values
        name = (
            self.own["name"] or f"{strategy(values['strategy']).title} {rules.symbol} {values['timeframe']}"
        )
        return {
            "bot_config": self.bot,
            "name": name[:80],
            "source": self.source(),
            "market": values["position_type"],
            "symbol": rules.symbol,
            "base_asset": rules.base_asset,
            "quote_asset": rules.quote_asset,
            "timeframe": values["timeframe"],
            "start_at": instant_of(period.start_ms),
            "end_at": instant_of(period.end_ms),
            "strategy": values["strategy"],
            "strategy_params": values["strategy_params"],
            "settings": settings_json({**values, **self.own}, market=values["position_type"]),
        }


def _minute(at_ms: int) -> str:
    return f"{instant_of(at_ms):%Y-%m-%d %H:%M}"
