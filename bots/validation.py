"""The one validation of a bot's configuration, for form and API alike: one message per field, nothing bent into shape.

It may ask the exchange for a symbol's rules, so it runs outside transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import ApiKey
from bots import parsing, scope
from bots.models import BotConfig, Direction, Timeframe
from bots.ranges import objections_to_ranges, objections_to_reach
from bots.sizing import objection_to_size
from bots.wording import plain
from engine.rules import SymbolRules
from engine.strategies import (
    InvalidParams,
    UnknownStrategy,
    all_strategies,
    params_dict,
    params_fields,
    parse_params,
)
from exchange.models import Market
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol, rules_for


def strategy_name(raw: Any) -> str:
    """One of those registered now: strategies of the user's own are found when somebody first asks for them."""
    chosen: str = parsing.choice_of(entry.name for entry in all_strategies())(raw)
    return chosen


READERS: dict[str, parsing.Reader] = {
    "name": parsing.text,
    "api_key": lambda raw: raw,
    "symbol": parsing.upper_text,
    "position_type": parsing.with_empty_as(Market.SPOT.value, parsing.choice_of(Market.values)),
    "direction": parsing.with_empty_as(Direction.LONG.value, parsing.choice_of(Direction.values)),
    "timeframe": parsing.choice_of(Timeframe.values),
    "strategy": strategy_name,
    "strategy_params": lambda raw: raw,
    "initial_capital": parsing.amount,
    "position_size_perc": parsing.amount,
    "position_size_fixed": parsing.amount,
    "stop_loss_perc": parsing.amount,
    "take_profit_perc": parsing.amount,
    "trailing_stop_perc": parsing.amount,
    "stop_limit_offset_perc": parsing.amount,
    "leverage": parsing.with_empty_as(1, parsing.whole),
    "max_daily_trades": parsing.whole,
    "max_daily_loss_perc": parsing.amount,
    "daily_target_perc": parsing.amount,
    "cooldown_candles": parsing.with_empty_as(0, parsing.whole),
    "max_slippage_perc": parsing.amount,
    "auto_transfer_funds": parsing.flag,
    "transfer_amount": parsing.amount,
}
FIELDS = tuple(READERS)
# Set by the system; whoever sends one is told where it is really set.
SET_ELSEWHERE = {"is_active": "start and stop", "version": "every saved change", "state": "the bot's runs"}


class ConfigurationRefused(Exception):
    """What is wrong, field by field; nothing was saved."""

    def __init__(self, errors: Mapping[str, Any]) -> None:
        self.errors: dict[str, list[str]] = {
            field: [str(text) for text in (messages if isinstance(messages, list) else [messages])]
            for field, messages in errors.items()
        }
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in self.errors.items()))


def check_configuration(
    user: Any, given: Mapping[str, Any], *, bot: BotConfig | None = None
) -> dict[str, Any]:
    """The values of every configuration field, ready for the model: those of `bot` (or the defaults) with the `given`
    ones in their place. Raises ConfigurationRefused with everything that is wrong, not just the first thing."""
    checking = Checking(user, given, bot)
    checking.read()
    checking.check_scope()
    checking.check_ranges()
    checking.check_name()
    checking.check_strategy()
    checking.check_key()
    rules = checking.check_symbol()
    checking.check_size(rules)
    checking.check_reach(rules)
    if checking.errors:
        raise ConfigurationRefused(checking.errors)
    return checking.values


def wanted_configuration(user: Any, given: Mapping[str, Any], bot: BotConfig) -> dict[str, Any]:
    """What an edit of `bot` asks for, as far as it can be read, in the form of `configuration_of`. Asks nobody."""
    checking = Checking(user, given, bot)
    checking.read()
    checking.check_strategy()
    checking.check_key()
    return configuration_of(checking.values)


class Checking:
    """One pass over one configuration: `values` grows right, `errors` names what is wrong. A backtest, which has
    neither key nor unique name, asks its other questions too."""

    def __init__(self, user: Any, given: Mapping[str, Any], bot: BotConfig | None) -> None:
        self.user, self.given, self.bot = user, dict(given), bot
        self.errors: dict[str, Any] = {}
        base = bot or BotConfig()
        self.values: dict[str, Any] = {name: getattr(base, name) for name in FIELDS if name != "api_key"}
        self.values["api_key"] = bot.api_key if bot else None
        self.flat: dict[str, Any] = {}

    def read(self) -> None:
        """Every given field into its type. The flat names of the strategy's own parameters are set apart."""
        names = _params_of(self.given.get("strategy", self.values["strategy"]))
        for name, raw in self.given.items():
            if name in READERS:
                self._read(name, raw)
            elif name in names:
                self.flat[name] = raw
            elif name in SET_ELSEWHERE:
                where = SET_ELSEWHERE[name]
                self.errors[name] = _("This is not set here: it comes from %(where)s.") % {"where": where}
            else:
                self.errors[str(name)] = _("This field is unknown.")
        self._keep_one_size()

    def _read(self, name: str, raw: Any) -> None:
        try:
            self.values[name] = READERS[name](raw)
        except parsing.Unreadable as wrong:
            self.errors[name] = str(wrong)

    def _keep_one_size(self) -> None:
        """Giving a percentage or a fixed amount empties the other; giving both is a question, not an answer."""
        percent, fixed = self.values["position_size_perc"], self.values["position_size_fixed"]
        if percent is None or fixed is None:
            return
        is_new = {
            name: name in self.given and (self.bot is None or self.values[name] != getattr(self.bot, name))
            for name in ("position_size_perc", "position_size_fixed")
        }
        if is_new["position_size_perc"] and is_new["position_size_fixed"]:
            self.errors["position_size_fixed"] = _("Give a percentage or a fixed amount, not both.")
        elif is_new["position_size_fixed"]:
            self.values["position_size_perc"] = None
        else:
            self.values["position_size_fixed"] = None

    def check_scope(self) -> None:
        readable = {name: value for name, value in self.values.items() if name not in self.errors}
        self.errors.update(scope.refusals(readable))

    def check_ranges(self) -> None:
        readable = {name: value for name, value in self.values.items() if name not in self.errors}
        self.errors.update(objections_to_ranges(readable))

    def check_name(self) -> None:
        name = self.values["name"]
        if "name" in self.errors:
            return
        others = BotConfig.objects.for_user(self.user).filter(name=name, archived_at__isnull=True)
        if self.bot is not None:
            others = others.exclude(pk=self.bot.pk)
        if not 3 <= len(name) <= 80:
            self.errors["name"] = _("A name has 3 to 80 characters.")
        elif others.exists():
            self.errors["name"] = name_taken()

    def check_strategy(self) -> None:
        """The strategy's own parameters: the stored ones, replaced by `strategy_params`, overlaid by flat names."""
        if "strategy" in self.errors:
            return
        nested = self._nested_params()
        if nested is None:
            self.errors["strategy_params"] = _("This must be an object of parameters.")
            return
        try:
            parsed = parse_params(self.values["strategy"], {**nested, **self.flat})
        except (InvalidParams, UnknownStrategy) as wrong:
            self._refuse_params(wrong)
        else:
            self.values["strategy_params"] = params_dict(parsed)

    def _nested_params(self) -> dict[str, Any] | None:
        if "strategy_params" in self.given:
            given = self.given["strategy_params"]
            if is_mapping(given):
                return dict(given)
            return {} if parsing.is_empty(given) else None
        is_same = self.bot is not None and self.bot.strategy == self.values["strategy"]
        return dict(self.bot.strategy_params) if self.bot is not None and is_same else {}

    def _refuse_params(self, wrong: InvalidParams | UnknownStrategy) -> None:
        """Each under the name it was given by: flat ones as fields, others under `strategy_params`."""
        if isinstance(wrong, UnknownStrategy):
            self.errors["strategy"] = _("This strategy is unknown.")
            return
        nested = self.given.get("strategy_params")
        for name, message in wrong.errors.items():
            if is_mapping(nested) and nested and name not in self.flat:
                self.errors.setdefault("strategy_params", []).append(f"{name}: {message}")
            else:
                self.errors[name] = message

    def check_key(self) -> None:
        """The user's own and valid; a foreign key is told from a missing one by nobody."""
        given = self.given.get("api_key", self.values["api_key"])
        key = own_key(self.user, given)
        self.values["api_key"] = key
        if parsing.is_empty(given):
            self.errors["api_key"] = _("Choose an API key.")
        elif key is None:
            self.errors["api_key"] = key_missing()
        elif key.venue in scope.VENUES_NOT_YET:
            self.errors["api_key"] = scope.VENUES_NOT_YET[key.venue]
        elif not key.is_valid and (self.bot is None or self.bot.api_key_id != key.pk):
            self.errors["api_key"] = _("The exchange refused this key. Check it again or choose another.")

    def check_symbol(self) -> SymbolRules | None:
        """Traded on the key's venue and market; its assets are taken from the rules."""
        symbol, key = self.values["symbol"], self.values["api_key"]
        if "symbol" in self.errors or "position_type" in self.errors:
            return None
        if not symbol:
            self.errors["symbol"] = _("Choose a symbol.")
        if not symbol or key is None or "api_key" in self.errors:
            return None
        try:
            rules = traded(key.venue, self.values["position_type"], symbol)
        except SymbolRefused as refused:
            self.errors["symbol"] = str(refused)
            return None
        self.values |= {"base_asset": rules.base_asset, "quote_asset": rules.quote_asset}
        if self._is_moving(symbol, key):
            self._check_tradable(rules)
        return rules

    def _is_moving(self, symbol: str, key: ApiKey) -> bool:
        """A new bot, or one that goes to another symbol or account: an old one may be edited while its symbol rests."""
        return self.bot is None or self.bot.symbol != symbol or self.bot.account_id != key.account_id

    def _check_tradable(self, rules: SymbolRules) -> None:
        if not rules.is_trading:
            message = _("%(symbol)s is not trading now (%(status)s).")
            self.errors["symbol"] = message % {"symbol": rules.symbol, "status": rules.status}
        elif "MARKET" not in rules.order_types or not rules.quote_order_allowed:
            self.errors["symbol"] = _("%(symbol)s takes no market orders by amount.") % {
                "symbol": rules.symbol
            }

    def check_size(self, rules: SymbolRules | None) -> None:
        sizes = ("initial_capital", "position_size_perc", "position_size_fixed")
        if not any(name in self.errors for name in sizes):
            self.errors.update(objection_to_size(*(self.values[name] for name in sizes), rules=rules))

    def check_reach(self, rules: SymbolRules | None) -> None:
        exits = ("stop_loss_perc", "take_profit_perc", "trailing_stop_perc", "stop_limit_offset_perc")
        if rules is not None and not any(name in self.errors for name in exits):
            self.errors.update(objections_to_reach(self.values, rules))


class SymbolRefused(Exception):
    """A symbol that is not listed, or cannot be looked up now. The text is for the user."""


def traded(venue: str, market: str, symbol: str) -> SymbolRules:
    """The rules of a symbol of that venue and market. Raises SymbolRefused; it may ask the exchange."""
    try:
        rules, _version = rules_for(venue, market, symbol)
    except UnknownSymbol:
        message = _("%(symbol)s is not traded on this venue.")
        raise SymbolRefused(message % {"symbol": symbol[:32]}) from None
    except ExchangeError:
        message = _("The exchange does not answer, so this symbol cannot be checked. Try again soon.")
        raise SymbolRefused(message) from None
    return rules


def own_key(user: Any, given: Any) -> ApiKey | None:
    """The user's key by itself, its number, or the number as text."""
    if isinstance(given, ApiKey):
        given = given.pk
    try:
        number = parsing.whole(given)
    except parsing.Unreadable:
        return None
    found: ApiKey | None = ApiKey.objects.for_user(user).select_related("account").filter(pk=number).first()
    return found


def name_taken() -> str:
    return _("You already have a bot with this name.")


def key_missing() -> str:
    return _("This API key does not exist.")


def is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _params_of(strategy: Any) -> frozenset[str]:
    try:
        return frozenset(field.name for field in params_fields(strategy))
    except (UnknownStrategy, TypeError):
        return frozenset()


def configuration_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration as JSON: what a version stores and what a difference shows."""
    key = values["api_key"]
    shown = {name: values[name] for name in FIELDS if name != "api_key"}
    amounts = {name: plain(value) for name, value in shown.items() if hasattr(value, "as_tuple")}
    return {**shown, **amounts, "api_key": key.pk if key else None}
