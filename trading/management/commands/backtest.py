"""`manage.py backtest`: a bot, or any configuration, over stored candles; in this process, without a worker.

Exit codes: 0 done, 1 it failed on the way, 2 what was asked cannot be served.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.validation import ConfigurationRefused
from exchange.candles import FetchCancelled
from exchange.port import ExchangeError
from exchange.symbols import UnknownSymbol
from trading.management.configuration import add_configuration, configuration, refusal
from trading.models import Backtest
from trading.models.research import BacktestStep, ResearchStatus
from trading.research.checking import check_backtest
from trading.research.examining import examine
from trading.research.exports import table_of
from trading.research.ground import BacktestFailed
from trading.research.told import told


class Command(BaseCommand):
    help = "Backtest a bot (its number), or a configuration, over real candles."

    def add_arguments(self, parser: CommandParser) -> None:
        add_configuration(parser)
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
        owner, values = configuration(options)
        try:
            return Backtest(**check_backtest(owner, values))
        except ConfigurationRefused as refused:
            raise refusal(refused.errors) from None

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
