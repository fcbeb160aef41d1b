"""What commands of research have in common: the options that say a configuration, and a refusal in their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from bots.models import BotConfig

# Option → field; whatever else a backtest has is set by --set.
OPTIONS: Final = {
    "market": "position_type",
    "symbol": "symbol",
    "timeframe": "timeframe",
    "strategy": "strategy",
    "source": "source",
    "from": "start_time",
    "to": "end_time",
    "capital": "initial_capital",
    "direction": "direction",
    "leverage": "leverage",
    "stop": "stop_loss_perc",
    "target": "take_profit_perc",
    "trail": "trailing_stop_perc",
}
USAGE: Final = 2


def add_configuration(parser: CommandParser) -> None:
    parser.add_argument("bot", nargs="?", type=int, help="a bot's number; its configuration is the beginning")
    for option, field in OPTIONS.items():
        parser.add_argument(f"--{option}", dest=field, help=f"sets {field}")
    pair: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME=VALUE"}
    parser.add_argument("--param", **pair, help="a parameter of the strategy; may be repeated")
    parser.add_argument("--set", **pair, help="any other field of a backtest; may be repeated")


def configuration(options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The owner of the bot that was named, if one was, and the values as `check_backtest` takes them."""
    values = {field: options[field] for field in OPTIONS.values() if options[field] is not None}
    values |= pairs(options["set"])
    if options["param"]:
        values["strategy_params"] = pairs(options["param"])
    if options["bot"] is None:
        return None, values
    bot = BotConfig.objects.select_related("user").filter(pk=options["bot"]).first()
    if bot is None:
        raise CommandError(f"There is no bot {options['bot']}.", returncode=USAGE)
    return bot.user, {**values, "bot_config": bot.pk}


def refusal(errors: Mapping[str, Any], more: Mapping[str, str] | None = None) -> CommandError:
    """One line a field, under the option that sets it; `more` are options of one command: field → option."""
    options_of = {field: f"--{option}" for option, field in OPTIONS.items()} | dict(more or {})
    lines = [f"{options_of.get(field, field)}: {' '.join(messages)}" for field, messages in errors.items()]
    return CommandError("\n".join(lines), returncode=USAGE)


def pairs(given: list[str]) -> dict[str, str]:
    """NAME=VALUE each; a value left out is empty."""
    named = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandError(f"Write NAME=VALUE, not {text!r}.", returncode=USAGE)
        named[name] = value
    return named
