"""Backtests of an instance of the bench's own, one after the other: from the request to the saved report, and what a
child of the research worker weighs meanwhile."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

import psutil

from tradebot.verbs.order_lane import quiet
from tradebot.verbs.own_instance import OwnInstance

LOOK_EVERY_SECONDS: Final = 0.005
GIVE_UP_SECONDS: Final = 180.0
STORE: Final = """
from exchange.candles.blocks import add
from exchange.candles.store import MINUTES, Series
from tradebot.verbs.history_ground import generated_minutes
add(Series("binance", "spot", "BTCUSDT", MINUTES), generated_minutes())
"""
WANTED: Final = {
    "name": "Bench", "source": "binance", "symbol": "BTCUSDT", "timeframe": "1m",
    "start_time": "2024-01-01T00:00:00Z", "end_time": "2024-12-31T00:00:00Z",
    "strategy": "ema", "strategy_params": {"ema_fast": 8, "ema_slow": 21, "rsi_period": 14},
    "initial_capital": "10000", "position_size_fixed": "100",
    "stop_loss_perc": "0.5", "take_profit_perc": "1.5", "trailing_stop_perc": "0.3",
}  # fmt: skip


class BacktestLane:
    """`with BacktestLane(instance) as lane:` a year of generated minutes lies in the candle store."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance

    def prepare(self) -> None:
        from exchange.sandbox.control import ControlClient

        records = self.instance.records
        self.api = quiet(self.instance, ControlClient(records["sandbox_url"], records["sandbox_token"]))
        done = self.instance.manage("shell", "-c", STORE)
        if done.returncode != 0:
            raise RuntimeError(f"The year could not be stored:\n{done.stderr[-1500:]}")
        # Before any backtest: what a child weighs that has loaded nothing yet.
        self.idle = max(self._weights().values())

    def run(self) -> float:
        """Seconds from before the request until its report was saved, by the row's own time."""
        started = time.time()
        backtest = self.api.post("backtests/", WANTED)
        found = self._wait(int(backtest["id"]))
        return datetime.fromisoformat(found["finished_at"]).astimezone(UTC).timestamp() - started

    def _wait(self, backtest_id: int) -> dict[str, Any]:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            found: dict[str, Any] = self.api.get(f"backtests/{backtest_id}/")
            if found["status"] == "done":
                return found
            if found["status"] in ("failed", "cancelled") or time.monotonic() > give_up_at:
                raise RuntimeError(f"The backtest is {found['status']}: {found['message']}")
            # Seldom: the page that asks must not take the core that computes.
            time.sleep(0.2)

    def growth_mb(self, runs: int) -> list[float]:
        """By how much a child is heavier at the peak of a backtest than one before its first."""
        return [self._growth() for _ in range(runs)]

    def _growth(self) -> float:
        most, over = self._weights(), threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_EVERY_SECONDS):
                for pid, weight in self._weights().items():
                    most[pid] = max(most.get(pid, 0), weight)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.run()
        finally:
            over.set()
            watcher.join()
        return (max(most.values()) - self.idle) / 2**20

    def _weights(self) -> dict[int, int]:
        """Resident bytes of each child that computes backtests."""
        return {pid: psutil.Process(pid).memory_info().rss for pid in self.instance.pool("research")}
