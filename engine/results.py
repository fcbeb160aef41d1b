"""What a backtest found: positions, trades and equity as vectors of 64-bit integers, and the words of their codes.

Times are milliseconds UTC, prices and quantities 1e-8, money 1e-8 of the quote asset. Nothing here is rounded again.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from engine.market import IntArray

NO_EXIT: Final = 0
EXIT_SIGNAL: Final = 1
STOP_LOSS: Final = 2
TAKE_PROFIT: Final = 3
TRAILING_STOP: Final = 4
STOP_GAP: Final = 5
LIQUIDATION: Final = 6
END_OF_DATA: Final = 7
EXIT_REASONS: Final[tuple[str, ...]] = (
    "", "exit_signal", "stop_loss", "take_profit", "trailing_stop", "stop_gap", "liquidation", "end_of_data",
)  # fmt: skip
"""Code -> word, as trades and positions are called in the database."""


@dataclass(frozen=True, eq=False)
class _Table:
    """Columns of equal length."""

    def __post_init__(self) -> None:
        columns = [getattr(self, column.name) for column in fields(self)]
        if any(column.dtype != np.int64 or column.shape != (len(columns[0]),) for column in columns):
            raise ValueError("columns must be int64 vectors of one length")

    def __len__(self) -> int:
        length: int = getattr(self, fields(self)[0].name).shape[0]
        return length


@dataclass(frozen=True, eq=False)
class Positions(_Table):
    """One row per position in order of opening; the last may end by `end_of_data`.

    `side` 1 long, -1 short; `quantity_e8` what the entry brought, net of a fee in base; prices are averages before
    fees, rounded down; `cost_e8` what the entry cost, its fees in quote included; `fees_e8` all commissions, valued in
    quote; `funding_e8` paid (negative: received); `pnl_e8` net of fees and funding. `lowest_e8` and `highest_e8` are
    the extremes of the price while it was open, as the path inside a minute had them."""

    opened_ms: IntArray
    closed_ms: IntArray
    side: IntArray
    quantity_e8: IntArray
    entry_price_e8: IntArray
    exit_price_e8: IntArray
    cost_e8: IntArray
    fees_e8: IntArray
    funding_e8: IntArray
    pnl_e8: IntArray
    exit_reason: IntArray
    lowest_e8: IntArray
    highest_e8: IntArray


@dataclass(frozen=True, eq=False)
class Trades(_Table):
    """One row per filled order in time order. `position` is its row in `Positions`, `side` 1 buy, -1 sell, `reason` the
    code of an exit (0: an entry). The flags are 0 or 1."""

    at_ms: IntArray
    position: IntArray
    side: IntArray
    reason: IntArray
    price_e8: IntArray
    quantity_e8: IntArray
    quote_e8: IntArray
    commission_e8: IntArray
    commission_is_base: IntArray
    is_maker: IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Folded:
    """One run of a bot over its candles.

    `equity_ms` and `equity_e8`: at the close of every evaluated bar, money plus what is held at that close (before the
    fee of selling it; dust counts at its cost while the bot is flat). `balance_e8` is the money at the end, with what
    was open closed at the last close. `reasons` counts the step's reason codes; `paused_ms` is when the circuit breaker
    paused the bot, 0 if it did not. Bars `first_bar` … `last_bar` (both inclusive; last < first: none) were
    evaluated."""

    positions: Positions
    trades: Trades
    equity_ms: IntArray
    equity_e8: IntArray
    balance_e8: int
    dust_quantity_e8: int
    dust_cost_e8: int
    reasons: IntArray
    paused_ms: int
    first_bar: int
    last_bar: int
