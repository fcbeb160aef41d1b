"""A year of generated minutes through the engine, on one core: what the bench `engine` times beside its yardsticks.

Everything is timed warm: compiled before, in a folder that the caller names and throws away.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from engine import compiled
from engine.backtest import Backtested, run
from engine.compiled import kept_in
from engine.fold import Setting
from engine.indicators import ema, rsi
from engine.market import MINUTE_MS, Candles
from engine.rules import SymbolRules, rules_from_symbol_info
from tradebot.supervisor.instance import ROOT
from tradebot.verbs.engine_peer import peer_seconds
from tradebot.verbs.history_ground import YEAR, generated_minutes

PARAMS: Final = {"ema_fast": 8, "ema_slow": 21, "rsi_period": 14}
SYMBOL: Final = "BTCUSDT"
RUNS: Final = 15
WARM_UP: Final = 3


def setting(rules: SymbolRules) -> Setting:
    """The bot every yardstick was measured with: stop 0.5 %, target 1.5 %, trail 0.3 %, fee 0.1 %."""
    return Setting(
        rules=rules,
        interval_ms=MINUTE_MS,
        initial_capital_e8=10_000 * 10**8,
        # A fixed amount, so that it still trades when the year ends: a driftless walk pays nobody their fees.
        size_fixed_e8=100 * 10**8,
        stop_percent_e6=5_000,
        target_percent_e6=15_000,
        trailing_percent_e6=3_000,
    )


class Year:
    """Generated minutes, and how long each thing done with them takes, in milliseconds."""

    def __init__(self, rules: SymbolRules, *, keep_in: Path) -> None:
        compiled.keep_in(keep_in)
        assert kept_in() is not None
        self.setting = setting(rules)
        self.minutes = generated_minutes()

    def backtest(self, minutes: Candles | None = None) -> Backtested:
        minutes = self.minutes if minutes is None else minutes
        # A new object each time: what one run has worked out must not help the next.
        fresh = Candles(*minutes.columns())
        return run(
            fresh,
            interval="1m",
            strategy="ema",
            params=PARAMS,
            setting=self.setting,
            start_ms=int(fresh.open_ms[0]),
            end_ms=int(fresh.open_ms[-1]) + MINUTE_MS,
        )

    def backtest_ms(self) -> list[float]:
        """Signals, fold, every statistic and the list of trades, from arrays."""
        return timed(self.backtest)

    def years_ms(self, years: int) -> list[float]:
        minutes = generated_minutes(YEAR * years)
        return timed(lambda: self.backtest(minutes), runs=7)

    def columns_ms(self) -> list[float]:
        """Reading every column once: nothing that looks at all candles can be faster."""
        return timed(lambda: [int(column.sum()) for column in self.minutes.columns()])

    def bare_loop_ms(self) -> list[float]:
        """A compiled loop over the columns that enters and leaves by a crossing, and keeps no books."""
        loop = bare_loop()
        high, low, close = self.minutes.high, self.minutes.low, self.minutes.close
        return timed(lambda: loop(high, low, close))

    def indicators_ms(self) -> tuple[list[float], list[float]]:
        """EMA(8), EMA(21) and RSI(14), ours and TA-Lib's, turn by turn."""
        import talib

        closes = self.minutes.closes
        ours = lambda: (ema(closes, 8), ema(closes, 21), rsi(closes, 14))  # noqa: E731
        theirs = lambda: (  # noqa: E731
            talib.EMA(closes, timeperiod=8), talib.EMA(closes, timeperiod=21), talib.RSI(closes, timeperiod=14)
        )  # fmt: skip
        pairs = [(timed(ours, runs=1)[0], timed(theirs, runs=1)[0]) for _ in range(RUNS)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def timed(work: Callable[[], Any], *, runs: int = RUNS) -> list[float]:
    for _ in range(WARM_UP):
        work()
    taken = []
    for _ in range(runs):
        gc.collect()
        started = perf_counter()
        work()
        taken.append((perf_counter() - started) * 1000)
    return taken


def bare_loop() -> Callable[[Any, Any, Any], int]:
    import numba

    def loop(high: Any, low: Any, close: Any) -> int:
        held, stop, best, result = 0, 0, 0, 0
        fast = slow = float(close[0])
        for at in range(1, len(close)):
            before = fast > slow
            fast += (close[at] - fast) * 0.2222222222222222
            slow += (close[at] - slow) * 0.09090909090909091
            if held:
                if low[at] <= stop:
                    result += stop - held
                    held = 0
                else:
                    best = max(best, high[at])
                    stop = max(stop, best - best // 333)
            elif fast > slow and not before:
                held = best = close[at]
                stop = held - held // 333
        return result

    compiled_loop: Callable[[Any, Any, Any], int] = numba.njit(loop)
    compiled_loop(*(np.ones(10, dtype=np.int64) for _ in range(3)))
    return compiled_loop


def main(folder: Path) -> None:
    """Prints one line of JSON: name -> the runs, in milliseconds."""
    info = json.loads((ROOT / "exchange" / "sandbox" / "recordings" / "exchange_info.json").read_text())
    entry = next(entry for entry in info["symbols"] if entry["symbol"] == SYMBOL)
    year = Year(rules_from_symbol_info(entry), keep_in=folder / "compiled")
    positions = len(year.backtest().folded.positions.pnl_e8)
    ours, talib = year.indicators_ms()
    found = {
        "positions": [positions],
        "columns": year.columns_ms(),
        "bare_loop": year.bare_loop_ms(),
        "indicators": ours,
        "talib": talib,
        "year": year.backtest_ms(),
        "five_years": year.years_ms(5),
        "peer": [seconds * 1000 for seconds in peer_seconds(year.minutes, folder)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
