"""`./run parity`: live and backtest over the same candles. It needs backtests, which this version does not have."""

from __future__ import annotations

from tradebot.supervisor.instance import UsageError


def run(arguments: list[str]) -> int:
    raise UsageError("Parity compares live trading with backtests, and backtests are not built yet.")
