"""Everything that a backtest of a strategy runs compiled, compiled now: `python -m engine.ahead FOLDER STRATEGY`.

In a process of its own, because a compiler leaves its garbage behind in whoever ran it. What is to be compiled is found
out by running it: a backtest of made-up candles that nobody sees.
"""

import sys
from pathlib import Path
from typing import Final

import numpy as np

from engine import compiled
from engine.amounts import E8
from engine.backtest import run
from engine.fold import Setting
from engine.indicators.running import LONG
from engine.market import MINUTE_MS, Candles
from engine.rules import SymbolRules

RULES: Final = SymbolRules(
    symbol="MADEUP",
    status="TRADING",
    base_asset="MADE",
    quote_asset="UP",
    base_precision=8,
    quote_precision=8,
    tick_e8=E8 // 100,
    step_e8=1_000,
    min_price=1,
    max_price=10**9,
    min_quantity=1,
    max_quantity=10**12,
    market_min_quantity=0,
    market_max_quantity=10**12,
    min_notional_e8=5 * E8,
    max_notional_e8=10**6 * E8,
    apply_min_to_market=True,
    apply_max_to_market=False,
    order_types=("LIMIT", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"),
    quote_order_allowed=True,
)


def compile_for(strategy: str) -> None:
    """Raises UnknownStrategy."""
    minutes = made_up_minutes()
    run(
        minutes,
        interval="1m",
        strategy=strategy,
        params={},
        setting=Setting(rules=RULES, interval_ms=MINUTE_MS, initial_capital_e8=1_000 * E8),
        start_ms=0,
        end_ms=len(minutes) * MINUTE_MS,
    )


def made_up_minutes() -> Candles:
    """A price that swings, over as many minutes as indicators want before they run compiled."""
    number = np.arange(LONG, dtype=np.int64)
    price = (100 + np.abs(number % 200 - 100)) * E8
    return Candles(number * MINUTE_MS, price, price, price, price, np.full(LONG, E8))


def main(folder: Path, strategy: str) -> None:
    compiled.keep_in(folder)
    compile_for(strategy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
