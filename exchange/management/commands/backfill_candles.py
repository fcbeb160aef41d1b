"""Fills the candle store: from a venue, from files, or with the recordings that come with the project.

Whatever is stored when it ends, by Ctrl-C too, stays; the same command again goes on from there.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from engine.market import DAY_MS, opening_of
from exchange import candles
from exchange.candles.files import FileRefused, Found, import_file, list_files
from exchange.candles.gaps import Gap
from exchange.candles.recordings import recordings, store_recording
from exchange.connect import market_data
from exchange.futures.funding import RatesDiffer
from exchange.futures.funding_files import store_recorded_rates
from exchange.models import Market, Venue
from exchange.port import ExchangeError

DEFAULT_DAYS: Final = 365
SECONDS_BETWEEN_LINES: Final = 1.0
GAPS_SHOWN: Final = 10
# DESIGN §5: it ran and something failed; it was wrongly asked for.
FAILED, USAGE = 1, 2
FILES: Final = "CSV, Parquet, Feather or Binance's ZIP archives, or folders of them; each is stored whole"
STOPPED: Final = "Stopped. What was stored stays; the same command goes on from there."


class Command(BaseCommand):
    help = (
        "Store one-minute candles for backtests. Without --file or --recordings they are fetched from a venue, by "
        "default the paper market; no live host is contacted unless --venue names one, and this installation allows it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("symbols", nargs="*", metavar="SYMBOL", help="for example BTCUSDT")
        add("--market", choices=Market.values, default=Market.SPOT)
        add("--venue", choices=Venue.values, help="where to fetch from (default: sandbox)")
        add("--from", dest="start", type=_instant, metavar="TIME", help="UTC; default: a year before --to")
        add("--to", dest="end", type=_instant, metavar="TIME", help="UTC; default: the market's now")
        add("--file", nargs="+", type=Path, metavar="PATH", help=FILES)
        add("--source", help="whose candles the files hold (default: binance)")
        add("--recordings", action="store_true", help="store the recordings that come with TradeBot")

    def handle(self, *args: Any, **options: Any) -> None:
        symbols = [symbol.upper() for symbol in options["symbols"]]
        _check_usage(symbols, options)
        stopping = _Stopping()
        try:
            if options["recordings"]:
                self._store_recordings()
            elif options["file"]:
                self._import(symbols, stopping, options)
            else:
                for symbol in symbols:
                    self._fetch(symbol, stopping, options)
        except candles.FetchCancelled:
            raise CommandError(STOPPED, returncode=FAILED) from None
        except (FileRefused, candles.CandlesDiffer, RatesDiffer, ExchangeError) as refusal:
            raise CommandError(str(refusal), returncode=FAILED) from None
        finally:
            stopping.restore()

    def _store_recordings(self) -> None:
        for recording in recordings():
            new = store_recording(recording)
            self.stdout.write(f"{recording}: {new:,} new candles of source binance, at their true dates.")
        self.stdout.write(f"Futures: {store_recorded_rates():,} new funding rates of source binance.")

    def _import(self, symbols: list[str], is_stopping: Callable[[], bool], options: dict[str, Any]) -> None:
        source, market = options["source"] or "binance", options["market"]
        for found in list(list_files(options["file"], market)):
            if is_stopping():
                raise candles.FetchCancelled
            if not isinstance(found, Found):
                self.stdout.write(f"Skipped: {found.why}")
                continue
            symbol = _symbol_of(found, symbols)
            if symbol is None:
                self.stdout.write(f"Skipped: {found.path.name} holds {found.symbol}.")
                continue
            done = import_file(found.path, source, market, symbol, now_ms=int(time.time() * 1000))
            self.stdout.write(
                f"{found.path.name}: {done.new:,} new of {done.candles:,} candles of {symbol}, "
                f"{_clock(done.first_ms)} to {_clock(done.last_ms)}, source {source}."
            )

    def _fetch(self, symbol: str, is_stopping: Callable[[], bool], options: dict[str, Any]) -> None:
        venue, market = options["venue"] or Venue.SANDBOX, options["market"]
        data = market_data(venue)
        now_ms = data.market_time_ms(symbol)
        end_ms = min(options["end"] or now_ms, opening_of(now_ms, "1m"))
        start_ms = options["start"] or end_ms - DEFAULT_DAYS * DAY_MS
        if start_ms >= end_ms:
            raise CommandError(
                f"Nothing lies between {_clock(start_ms)} and {_clock(end_ms)}.", returncode=USAGE
            )
        source = candles.source_of(venue)
        ensured = candles.ensure(
            data, source, market, symbol, start_ms=start_ms, end_ms=end_ms, progress=self._progress_of(symbol),
            is_cancelled=is_stopping,
        )  # fmt: skip
        self.stdout.write(
            f"{symbol}: {ensured.fetched:,} new candles, {_clock(start_ms)} to {_clock(end_ms)}, source {source}."
        )
        self._say_gaps(symbol, ensured.absent.known)

    def _progress_of(self, symbol: str) -> Callable[[int, int], None]:
        said_at = time.monotonic()

        def say(done: int, wanted: int) -> None:
            nonlocal said_at
            if time.monotonic() - said_at >= SECONDS_BETWEEN_LINES:
                said_at = time.monotonic()
                self.stdout.write(
                    f"{symbol}: {done:,} of {wanted:,} minutes asked for ({done * 100 // wanted} %)."
                )
                self.stdout.flush()

        return say

    def _say_gaps(self, symbol: str, gaps: list[Gap]) -> None:
        for gap in gaps[:GAPS_SHOWN]:
            self.stdout.write(
                f"{symbol}: the exchange has none from {_clock(gap.first_ms)} to {_clock(gap.last_ms)}."
            )
        if len(gaps) > GAPS_SHOWN:
            self.stdout.write(f"{symbol}: and {len(gaps) - GAPS_SHOWN:,} more gaps of the exchange.")


class _Stopping:
    """Whether Ctrl-C or SIGTERM came. The command then ends between two answers, or two files, not inside one."""

    def __init__(self) -> None:
        self._came = False
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __call__(self) -> bool:
        return self._came

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self._came = True


def _check_usage(symbols: list[str], options: dict[str, Any]) -> None:
    """Raises `CommandError` for what does not go together."""
    if options["recordings"]:
        clashing = symbols or any(options[name] for name in ("file", "venue", "start", "end", "source"))
        wrong = "--recordings stores all that is shipped: nothing else can be named." if clashing else ""
    elif options["file"]:
        clashing = any(options[name] for name in ("venue", "start", "end"))
        wrong = "--file stores whole files: --venue, --from and --to do not go with it." if clashing else ""
    elif not symbols:
        wrong = "Name at least one symbol, or --file, or --recordings."
    else:
        wrong = "--source goes with --file; fetched candles are the venue's." if options["source"] else ""
    if wrong:
        raise CommandError(wrong, returncode=USAGE)


def _symbol_of(found: Found, symbols: list[str]) -> str | None:
    """Whose candles a file holds; None where those are not wanted."""
    if found.symbol is not None:
        return found.symbol if not symbols or found.symbol in symbols else None
    if len(symbols) != 1:
        raise CommandError(
            f"{found.path.name} does not say whose candles it holds: name one SYMBOL, or call it SYMBOL-1m.csv.",
            returncode=USAGE,
        )
    return symbols[0]


def _instant(text: str) -> int:
    """2025-05-20 or 2025-05-20T13:00, in UTC unless it says otherwise, as milliseconds."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write 2025-05-20 or 2025-05-20T13:00"
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _clock(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
