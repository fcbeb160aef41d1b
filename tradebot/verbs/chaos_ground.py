"""The ground on which chaos happens: many busy bots made over the API, a market that runs fast, and random faults."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from exchange.sandbox.control import ControlClient
from tradebot.verbs.own_api import Api
from tradebot.verbs.own_instance import OwnInstance

SPEED = 6.0
MINUTE_MS = 60_000
ACCOUNTS = 3
# Fast and slow average of each account's extra bots, every one on both symbols.
AVERAGES = ((1, 2), (1, 4), (2, 3), (3, 8))
SYMBOLS = ("BTCUSDT", "ETHUSDT")
# Which exits the bots of each pair of averages have: a list, a lone stop that trails, a lone stop, a list that trails.
EXITS: tuple[dict[str, str], ...] = (
    {"stop_loss_perc": "0.6", "take_profit_perc": "0.5"},
    {"trailing_stop_perc": "0.4"},
    {"stop_loss_perc": "0.8"},
    {"stop_loss_perc": "1", "take_profit_perc": "0.8", "trailing_stop_perc": "0.3"},
)
# A market six times as fast closes a minute every ten seconds, and an entry stays fresh for 2.5 of them.
WAKE_EVERY_SECOND = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
task = PeriodicTask.objects.get(task="trading.run_bot_task_for_all")
task.crontab, task.interval = None, every
task.save()
"""
ORDER = {"method": "POST", "path": "/api/v3/order", "count": None}
QUERY = {"method": "GET", "path": "/api/v3/order", "count": None}
LIST = {"method": "POST", "path": "/api/v3/orderList/oco", "count": None}
CANCEL_LIST = {"method": "DELETE", "path": "/api/v3/orderList", "count": None}
CANCEL = {"method": "DELETE", "path": "/api/v3/order", "count": None}
REPLACE = {"method": "POST", "path": "/api/v3/order/cancelReplace", "count": None}
FAULTS: tuple[dict[str, Any], ...] = (
    {**ORDER, "kind": "execute_then_drop", "probability": 0.06},
    {**ORDER, "kind": "drop_before", "probability": 0.04},
    {**ORDER, "kind": "error_503_after", "probability": 0.04},
    {**ORDER, "kind": "error_503_before", "probability": 0.04},
    {**ORDER, "kind": "hide_order_ms", "probability": 0.05, "ms": 3_000},
    {**ORDER, "kind": "delay_before_ms", "probability": 0.08, "ms": 400},
    {**ORDER, "kind": "delay_after_ms", "probability": 0.12, "ms": 600},
    {**LIST, "kind": "execute_then_drop", "probability": 0.06},
    {**LIST, "kind": "drop_before", "probability": 0.04},
    {**LIST, "kind": "error_503_after", "probability": 0.04},
    {**LIST, "kind": "delay_after_ms", "probability": 0.08, "ms": 600},
    {**CANCEL_LIST, "kind": "execute_then_drop", "probability": 0.06},
    {**CANCEL_LIST, "kind": "drop_before", "probability": 0.06},
    {**CANCEL, "kind": "execute_then_drop", "probability": 0.06},
    {**CANCEL, "kind": "error_503_before", "probability": 0.06},
    {**REPLACE, "kind": "execute_then_drop", "probability": 0.06},
    {**REPLACE, "kind": "error_503_before", "probability": 0.06},
    {**QUERY, "kind": "error_503_before", "probability": 0.10},
    {**QUERY, "kind": "drop_before", "path": "/api/v3/account", "probability": 0.03},
    {**QUERY, "kind": "error_503_before", "path": "/api/v3/klines", "probability": 0.01},
)


class Ground:
    """Bots and market of one instance, driven over its public interfaces."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance
        self.api = Api(instance)
        records = instance.records
        self.control = ControlClient(records["sandbox_url"], records["sandbox_token"])

    def prepare(self) -> None:
        """Make and start the bots, wake them every second, and let the market run."""
        self.api.sign_in()
        for number in range(1, ACCOUNTS + 1):
            key = self.api.post("api-keys/", {"label": f"Chaos {number}", "venue": "sandbox"})["id"]
            for symbol in SYMBOLS:
                for averages, exits in zip(AVERAGES, EXITS, strict=True):
                    self.start_bot(key, symbol, averages, exits)
        done = self.instance.manage("shell", "-c", WAKE_EVERY_SECOND)
        if done.returncode != 0:
            raise RuntimeError(f"The schedule could not be changed:\n{done.stderr[-1500:]}")
        self.control.set_clock(mode="fast", speed=SPEED)

    def start_bot(self, key: int, symbol: str, averages: tuple[int, int], exits: dict[str, str]) -> None:
        fast, slow = averages
        bot = self.api.post(
            "bot-configs/",
            {
                "name": f"Chaos {key} {symbol} {fast}/{slow}",
                "api_key": key,
                "symbol": symbol,
                "timeframe": "1m",
                "strategy": "ema",
                "strategy_params": {
                    "ema_fast": fast,
                    "ema_slow": slow,
                    "rsi_oversold": 0,
                    "rsi_overbought": 100,
                },
                "initial_capital": "1200",
                "position_size_perc": "15",
                **exits,
            },
        )
        self.api.post(f"bots/{bot['id']}/start/", {})

    def stop_bots(self) -> None:
        """Stop every bot of the user; positions are kept."""
        self.api.sign_in()
        page = self.api.get("bot-configs/?limit=200")
        for bot in page["results"]:
            self.api.post(f"bots/{bot['id']}/stop/", {"position": "keep"})

    def still_market(self) -> None:
        """The market walks to its next opening and stands: what is compared afterwards moves no more."""
        self.control.set_clock(mode="step")

    def spread_faults(self, seed: int) -> None:
        self.control.set_faults([{**rule, "seed": seed + number} for number, rule in enumerate(FAULTS)])

    def clear_faults(self) -> dict[str, int]:
        """End the faults; how often each kind struck."""
        fired: Counter[str] = Counter()
        for rule in self.control.faults():
            fired[rule["kind"]] += rule["fired"]
        self.control.clear_faults()
        return dict(fired)

    def count_fills(self) -> int:
        return len(self.control.fills())

    def market_ms(self) -> int:
        return int(self.control.clock()["market_ms"])

    def wait_for_close(self) -> None:
        """Return as a minute of the market closes."""
        left_ms = MINUTE_MS - self.market_ms() % MINUTE_MS
        time.sleep(left_ms / 1000 / SPEED)
