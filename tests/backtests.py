"""Backtests for tests of pages: 5,000 real minutes of BTCUSDT from 2025-06-16 18:40 UTC in the store, and asking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.conftest import recorded
from trading.models import Backtest
from trading.research.backtests import request_backtest
from trading.research.running import run_backtest

SERIES = ("binance", "spot", "BTCUSDT", "1m")


def store_minutes(settings: Any, folder: Path) -> None:
    """At their true dates; what is read of them is kept apart from everything else."""
    from exchange.candles.blocks import add
    from exchange.candles.store import Series

    settings.DATA_DIR = folder
    add(Series(*SERIES), recorded("BTCUSDT"))


def store_futures(settings: Any, folder: Path) -> None:
    """The shipped month of BTCUSDT futures, from 2025-05-04 15:33 to 2025-06-03 15:32, with its funding rates."""
    from exchange.candles.recordings import recordings, store_recording
    from exchange.futures.funding_files import store_recorded_rates

    settings.DATA_DIR = folder
    store_recording(next(one for one in recordings() if (one.market, one.symbol) == ("futures", "BTCUSDT")))
    store_recorded_rates()


OF_FUTURES: dict[str, Any] = {
    "position_type": "futures", "direction": "both", "leverage": 5, "stop_loss_perc": "1",
    "start_time": "2025-05-10", "end_time": "2025-05-11", "source": None,
}  # fmt: skip


def ask(user: Any, **changes: Any) -> Backtest:
    """Two days of a bot that trades often, waiting for a worker."""
    values = {
        "source": "binance",
        "symbol": "BTCUSDT",
        "timeframe": "1m",
        "start_time": "2025-06-17",
        "end_time": "2025-06-18",
        "strategy": "ema",
        "strategy_params": {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 1, "rsi_overbought": 99},
        "initial_capital": "2000",
        "stop_loss_perc": "0.5",
        "name": "Quick look",
    }
    return request_backtest(user, {**values, **changes})


def ask_of_futures(user: Any, **changes: Any) -> Backtest:
    """Two days of May that go long and short with leverage 5."""
    return ask(user, **{**OF_FUTURES, **changes})


def run(backtest: Backtest) -> Backtest:
    """To its end, as a worker would."""
    run_backtest(backtest.pk)
    backtest.refresh_from_db()
    return backtest
