"""`./run parity`: bots trade a week of recorded candles through the real stack, the market stepped from opening to
opening, and every trade, every signal is compared with the backtest of the same configuration. None may differ.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from engine.market import INTERVAL_MS
from engine.parity import Comparison, compare, signals_apart, signals_told
from exchange.sandbox.control import ControlRefused
from tradebot.supervisor.instance import UsageError
from tradebot.verbs.bench import RESULTS, in_words
from tradebot.verbs.measuring import Metric
from tradebot.verbs.outcome import machine, outcome, print_outcome
from tradebot.verbs.own_instance import json_of
from tradebot.verbs.parity_backtest import Recording
from tradebot.verbs.parity_books import Books, count_days_sat_out, count_exits, count_ties, read_books
from tradebot.verbs.parity_bots import BOTS, CANDLES, START_MS, ParityBot
from tradebot.verbs.parity_ground import Ground, step_instance
from tradebot.verbs.parity_steps import Steps

MOST_SECONDS = 1800.0
FEWEST_POSITIONS, FEWEST_OF_A_KIND, FEWEST_TIES, FEWEST_DAYS = 200, 10, 20, 5
EXITS = ("exit_signal", "stop_loss", "take_profit", "trailing_stop")
TELL_EVERY = 200
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True)
class Judged:
    """One bot's trades and signals, compared."""

    bot: ParityBot
    comparison: Comparison
    signals: int
    signals_apart: int


@dataclass(frozen=True)
class Found:
    judged: Sequence[Judged]
    counts: dict[str, int]
    step_seconds: Sequence[float]


def run(arguments: list[str]) -> int:
    given = read_arguments(arguments)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="tradebot-parity-", dir="/var/tmp"))
    folder.chmod(0o711)
    told: dict[str, Any] = {"machine": machine(), "data": "recorded", "candles": given.candles}
    try:
        found = trade_and_compare(folder, BOTS[: given.bots], given.candles)
    except (RuntimeError, OSError, ControlRefused, psycopg.Error, subprocess.SubprocessError) as trouble:
        say(f"Parity came to no end: {trouble}\nKept for looking at: {folder}")
        told |= {"metrics": [], "error": str(trouble)[:300]}
        return print_outcome(outcome("parity", name=None, ok=False, started=started, **told))
    is_whole = given.candles >= CANDLES and given.bots >= len(BOTS)
    took = time.monotonic() - started
    metrics = [metric.as_json() for metric in metrics_of(found, seconds=took, is_whole=is_whole)]
    ok = not any(metric["holds"] is False for metric in metrics)
    print_table(found, metrics)
    result = outcome("parity", name=None, ok=ok, started=started, **told, metrics=metrics)
    if is_whole:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "parity.json").write_text(json.dumps(result, indent=2) + "\n")
    if ok and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"Kept for looking at: {folder}")
    return print_outcome(result)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Raises UsageError, or exits 2 as argparse does."""
    parser = argparse.ArgumentParser(prog="./run parity", description="Live and backtest, trade by trade.")
    parser.add_argument("--candles", type=int, default=CANDLES, help=f"one-minute candles ({CANDLES})")
    parser.add_argument("--bots", type=int, default=len(BOTS), help=f"only the first so many ({len(BOTS)})")
    parser.add_argument("--keep", action="store_true", help="keep data and logs also when all is well")
    given = parser.parse_args(arguments)
    if given.candles < 1 or not 1 <= given.bots <= len(BOTS):
        raise UsageError(f"--candles must be at least 1, --bots from 1 to {len(BOTS)}.")
    return given


def trade_and_compare(folder: Path, bots: Sequence[ParityBot], candles: int) -> Found:
    """The whole story of one instance; it is stopped in the end, whatever happened."""
    instance = step_instance(folder, START_MS)
    try:
        say(f"READY after {instance.start():.1f} s.")
        with Ground(instance) as ground:
            made = ground.prepare(bots)
            steps = Steps(ground.control, ground.database, made)
            end_ms = steps.run(candles, tell=lambda number: progress(number, candles, steps))
            books, recording = read_books(ground.database, made, end_ms=end_ms), Recording()
            judged = [judge(made[bot_id], bot_id, books, recording) for bot_id in made]
            exits = count_exits(books)
            counts = {
                "positions": sum(exits.values()),
                **{name: exits[name] for name in EXITS},
                "stop_and_target_inside": count_ties(ground.control.orders(), recording, end_ms=end_ms),
                "day_limits_over_midnight": count_days_sat_out(books, made),
                "audit_differences": audit_differences(ground),
            }
        return Found(judged, counts, steps.seconds)
    finally:
        instance.stop()


def judge(bot: ParityBot, bot_id: int, books: Books, recording: Recording) -> Judged:
    folding = recording.fold(bot, start_ms=START_MS, end_ms=books.end_ms)
    said, signals, openings = books.said[bot_id], folding.found.signals, folding.found.bars.open_ms
    until_ms = books.end_ms // INTERVAL_MS[bot.timeframe] * INTERVAL_MS[bot.timeframe]
    apart = signals_apart(
        said, openings, long_entry=signals.long_entry, long_exit=signals.long_exit, until_ms=until_ms
    )
    told = signals_told(said, openings, until_ms=until_ms)
    return Judged(bot, compare(books.deals[bot_id], folding.deals), told, len(apart))


def audit_differences(ground: Ground) -> int:
    audit = json_of(ground.instance.manage("audit_fills", "--json"))
    return sum(count for name, count in audit.items() if name != "fills")


def metrics_of(found: Found, *, seconds: float, is_whole: bool) -> list[Metric]:
    """What must be reached is asked of a whole run only; that nothing differs, of every one."""
    fewest = {"positions": FEWEST_POSITIONS, **dict.fromkeys(EXITS, FEWEST_OF_A_KIND)}
    fewest |= {"stop_and_target_inside": FEWEST_TIES, "day_limits_over_midnight": FEWEST_DAYS}
    metrics = [
        Metric(
            metric=name,
            unit="",
            values=[found.counts[name]],
            target=least if is_whole else None,
            compare=">=",
        )
        for name, least in fewest.items()
    ]
    zero = {
        "differences": sum(len(judged.comparison.differences) for judged in found.judged),
        "signals_apart": sum(judged.signals_apart for judged in found.judged),
        "audit_differences": found.counts["audit_differences"],
    }
    compared = {
        "trades_compared": sum(judged.comparison.agreeing for judged in found.judged) + zero["differences"],
        "signals_compared": sum(judged.signals for judged in found.judged),
    }
    milliseconds = [1000 * step for step in found.step_seconds]
    return [
        *metrics,
        *(Metric(metric=name, unit="", values=[count]) for name, count in compared.items()),
        *(Metric(metric=name, unit="", values=[count], target=0) for name, count in zero.items()),
        Metric(metric="step", unit="ms", values=[statistics.fmean(milliseconds)]),
        Metric(metric="seconds", unit="s", values=[seconds], target=MOST_SECONDS if is_whole else None),
    ]


def print_table(found: Found, metrics: Sequence[dict[str, Any]]) -> None:
    print(f"{'bot':<42}{'symbol':<9}{'trades':>7}{'equal':>7}{'differ':>7}{'signals':>9}{'apart':>7}")
    for judged in found.judged:
        comparison, bot = judged.comparison, judged.bot
        differ = len(comparison.differences)
        row = f"{comparison.agreeing + differ:>7}{comparison.agreeing:>7}{differ:>7}"
        print(f"{bot.name:<42}{bot.symbol:<9}{row}{judged.signals:>9}{judged.signals_apart:>7}")
        for difference in comparison.differences[:SHOWN_DIFFERENCES]:
            print(f"    {difference.cause}, {', '.join(difference.fields) or 'one side only'}:")
            print(f"        live     {difference.live}\n        backtest {difference.backtest}")
    for metric in metrics:
        print(in_words(metric))


def progress(number: int, candles: int, steps: Steps) -> None:
    if number % TELL_EVERY == 0 or number == candles:
        mean = statistics.fmean(steps.seconds[-TELL_EVERY:])
        say(f"{number} of {candles} candles, {1000 * mean:.0f} ms each.")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
