"""`manage.py backtest`: a bot, or any configuration, over stored candles; in this process, without a worker.

Exit codes: 0 done, 1 it failed on the way, 2 what was asked cannot be served.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.models import BotConfig
from bots.validation import ConfigurationRefused
from exchange.candles import FetchCancelled
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.models import Backtest
from trading.models.research import BacktestStep, ResearchStatus
from trading.research.checking import check_backtest
from trading.research.examining import examine
from trading.research.exports import table_of
from trading.research.ground import BacktestFailed
from trading.research.told import told

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


class Command(BaseCommand):
    help = "Backtest a bot (its number), or a configuration, over real candles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "bot", nargs="?", type=int, help="a bot's number; its configuration is the beginning"
        )
        for option, field in OPTIONS.items():
            parser.add_argument(f"--{option}", dest=field, help=f"sets {field}")
        pair: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME=VALUE"}
        parser.add_argument("--param", **pair, help="a parameter of the strategy; may be repeated")
        parser.add_argument("--set", **pair, help="any other field of a backtest; may be repeated")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.perf_counter()
        backtest = self.asked(options)
        try:
            found = examine(backtest, Teller(self))
        except (BacktestFailed, ExchangeError, UnknownSymbol, FetchCancelled) as error:
            raise CommandError(str(error)) from None
        for name, value in found.items():
            setattr(backtest, name, value)
        backtest.status = ResearchStatus.DONE
        self.stdout.write(told(backtest))
        if backtest.message:
            self.stdout.write(backtest.message)
        if options["json"]:
            self.stdout.write(json.dumps(self.as_json(backtest, time.perf_counter() - began)))

    def asked(self, options: dict[str, Any]) -> Backtest:
        """A row that is never saved."""
        values = {field: options[field] for field in OPTIONS.values() if options[field] is not None}
        values |= pairs(options["set"])
        if options["param"]:
            values["strategy_params"] = pairs(options["param"])
        owner = None
        if options["bot"] is not None:
            bot = BotConfig.objects.select_related("user").filter(pk=options["bot"]).first()
            if bot is None:
                raise CommandError(f"There is no bot {options['bot']}.", returncode=USAGE)
            owner, values["bot_config"] = bot.user, bot.pk
        try:
            return Backtest(**check_backtest(owner, values))
        except ConfigurationRefused as refused:
            options_of = {field: f"--{option}" for option, field in OPTIONS.items()}
            lines = [
                f"{options_of.get(field, field)}: {' '.join(messages)}"
                for field, messages in refused.errors.items()
            ]
            raise CommandError("\n".join(lines), returncode=USAGE) from None

    def as_json(self, backtest: Backtest, seconds: float) -> dict[str, Any]:
        names = (
            "name", "source", "market", "symbol", "timeframe", "strategy", "strategy_params", "settings", "statistics",
            "robustness", "candles", "data_fingerprint", "code_version",
        )  # fmt: skip
        period = {"start_time": backtest.start_at.isoformat(), "end_time": backtest.end_at.isoformat()}
        tables = {table: table_of(backtest, table) for table in ("daily", "monthly", "positions", "trades")}
        told_of = {name: getattr(backtest, name) for name in names}
        return {"verb": "backtest", "ok": True, "seconds": round(seconds, 3), **period, **told_of, **tables}


class Teller:
    """Shows on a terminal what is being done."""

    def __init__(self, command: BaseCommand) -> None:
        self.command = command

    def at(self, step: BacktestStep, percent: int) -> None:
        if sys.stderr.isatty():
            self.command.stderr.write(f"\r{percent:3d} %  {step.label}\033[K", ending="")
            if step == BacktestStep.SAVING:
                self.command.stderr.write("\r\033[K", ending="")

    def within(self, step: BacktestStep, percent: int) -> None:
        self.at(step, percent)


def pairs(given: list[str]) -> dict[str, str]:
    """NAME=VALUE each; a value left out is empty."""
    named = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandError(f"Write NAME=VALUE, not {text!r}.", returncode=USAGE)
        named[name] = value
    return named
