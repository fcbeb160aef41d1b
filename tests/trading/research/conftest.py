"""Real minutes in the store, at their true dates: 5,000 of BTCUSDT from 2025-06-16 18:40 UTC."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.market import Candles
from tests.engine.conftest import recorded

FIRST_MS = 1_750_099_200_000
SERIES = ("binance", "spot", "BTCUSDT", "1m")


@pytest.fixture
def minutes(db: None, symbols: None, settings: Any, tmp_path: Path) -> Candles:
    """Stored; what is read of them is kept apart from everything else."""
    from exchange.candles.blocks import add
    from exchange.candles.store import Series

    settings.DATA_DIR = tmp_path
    add(Series(*SERIES), recorded("BTCUSDT"))
    return recorded("BTCUSDT")


@pytest.fixture
def asked() -> Callable[..., dict[str, Any]]:
    """What a user asks: two days of a bot that trades often, unless told otherwise; None leaves a field out."""

    def values(**changes: Any) -> dict[str, Any]:
        usual = {
            "symbol": "BTCUSDT",
            "timeframe": "1m",
            "start_time": "2025-06-17",
            "end_time": "2025-06-18",
            "strategy": "ema",
            "strategy_params": {"ema_fast": 2, "ema_slow": 5, "rsi_oversold": 1, "rsi_overbought": 99},
            "initial_capital": "2000",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    return values


@pytest.fixture
def research_worker() -> None:
    """One that is there, as those who call for it know it."""
    from trading.waking import note_research

    note_research(for_seconds=60)


@pytest.fixture
def calls() -> Any:
    """What is queued from now on, as (task, arguments)."""
    from celery.signals import before_task_publish

    found: list[tuple[str, Any]] = []

    def note(sender: str, body: Any, **_: Any) -> None:
        found.append((sender, list(body[0])))

    before_task_publish.connect(note)
    yield found
    before_task_publish.disconnect(note)
