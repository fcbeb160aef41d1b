"""Stores funding rates of perpetual futures from files, for backtests. No exchange is asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exchange.candles.files import FileRefused
from exchange.futures.funding_files import SOURCE, import_rates

FAILED: Final = 1


class Command(BaseCommand):
    help = (
        "Store funding rates from CSV files (symbol, fundingTime, fundingRate) or from Binance's monthly archives. "
        "Each file is stored whole or not at all; a stored rate never changes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV or ZIP")
        parser.add_argument("--symbol", help="whose rates a file holds that does not say so itself")
        parser.add_argument("--source", default=SOURCE, help="whose rates these are (default: binance)")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in options["files"]:
            try:
                done = import_rates(
                    path, options["source"], symbol=options["symbol"], now_ms=int(time.time() * 1000)
                )
            except FileRefused as refusal:
                raise CommandError(str(refusal), returncode=FAILED) from None
            names = ", ".join(done.symbols)
            self.stdout.write(
                f"{path.name}: {done.new:,} new of {done.rates:,} funding rates of {names}, source {options['source']}."
            )
