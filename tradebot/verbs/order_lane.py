"""One bot of an instance whose market stands still until it is told to go on: its orders are timed one at a time.

A run is queued by the bench itself, or the feed wakes it at the close that the bench releases.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import psycopg
from celery import Celery
from requests.adapters import HTTPAdapter

from exchange.binance.venue_client import VenueClient
from exchange.port import Credentials
from exchange.sandbox.control import ControlClient
from tradebot.verbs.measuring import percentile
from tradebot.verbs.own_api import Api
from tradebot.verbs.own_instance import OwnInstance

RUN_TASK = "trading.run_bot_task"
GIVE_UP_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.01
# Who runs a bot is decided here; the schedule must not do it a moment earlier.
PAUSE_SCHEDULE = """
from django_celery_beat.models import PeriodicTask
for task in PeriodicTask.objects.filter(task="trading.run_bot_task_for_all"):
    task.enabled = False
    task.save()
"""
LAST_RUN = """
    SELECT state.last_candle_open_ms, (SELECT count(*) FROM trading_order o WHERE o.bot_config_id = state.bot_config_id
        AND o.state NOT IN ('filled', 'rejected', 'dropped', 'expired', 'canceled'))
    FROM bots_botstate state WHERE state.bot_config_id = %s
"""


def quiet(instance: OwnInstance, control: ControlClient) -> Api:
    """Stop the demo's bots, keep the schedule from running any, and let the market stand."""
    api = Api(instance)
    api.sign_in()
    for bot in api.get("bot-configs/?limit=200")["results"]:
        api.post(f"bots/{bot['id']}/stop/", {})
    done = instance.manage("shell", "-c", PAUSE_SCHEDULE)
    if done.returncode != 0:
        raise RuntimeError(f"The schedule could not be paused:\n{done.stderr[-1500:]}")
    control.set_clock(mode="step")
    return api


class Lane:
    """One bot of an instance whose market stands still until it is told to go on."""

    def __init__(self, instance: OwnInstance) -> None:
        self.instance = instance
        records = instance.records
        self.control = ControlClient(records["sandbox_url"], records["sandbox_token"])
        self.sandbox_url = records["sandbox_url"]
        self.celery = Celery(broker=records["redis_url"])
        self.database = psycopg.connect(records["database_url"], autocommit=True)
        self.api = Api(instance)
        self.bot_id = 0
        self.seen_orders = 0

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *exception: object) -> None:
        self.database.close()
        self.celery.close()

    def prepare(self) -> None:
        """One bot that trades on every other candle, in a quiet instance."""
        api = self.api = quiet(self.instance, self.control)
        key = api.post("api-keys/", {"label": "Bench", "venue": "sandbox"})["id"]
        params = {"ema_fast": 1, "ema_slow": 2, "rsi_oversold": 0, "rsi_overbought": 100}
        self.bot_id = api.post(
            "bot-configs/",
            {
                "name": "Bench",
                "api_key": key,
                "symbol": "BTCUSDT",
                "timeframe": "1m",
                "strategy": "ema",
                "strategy_params": params,
                "initial_capital": "9000",
                "position_size_perc": "5",
            },
        )["id"]
        api.post(f"bots/{self.bot_id}/start/", {})
        self.wait_for_run(int(self.control.clock()["market_ms"]))
        self.seen_orders = len(self.control.orders())

    def run_orders(self, wanted: int) -> list[float]:
        """Release candle after candle and run the bot on each, until `wanted` orders came of it: the milliseconds from
        queueing the run (its way to the worker included) to the acceptance, by the sandbox's own clock."""
        times: list[float] = []
        while len(times) < wanted:
            market_ms = int(self.control.advance()["market_ms"])
            queued = time.time()
            self.celery.send_task(RUN_TASK, args=[self.bot_id], ignore_result=True)
            self.wait_for_run(market_ms)
            placed = self.control.orders(since=self.seen_orders)
            self.seen_orders += len(placed)
            times += [order["accepted_at"] - queued * 1000 for order in placed]
        say(times)
        return times

    def follow_closes(self, closes: int) -> list[float]:
        """Release so many candles, one at a time, and leave it to the feed to wake the bot: the milliseconds from the
        release (the close event comes a moment later) to the acceptance of each order."""
        times: list[float] = []
        for _ in range(closes):
            released = time.time()
            market_ms = int(self.control.advance()["market_ms"])
            self.wait_for_run(market_ms)
            placed = self.control.orders(since=self.seen_orders)
            self.seen_orders += len(placed)
            times += [order["accepted_at"] - released * 1000 for order in placed]
        say(times)
        return times

    def end(self) -> None:
        """Leave a quiet instance behind."""
        self.api.post(f"bots/{self.bot_id}/stop/", {"position": "close"})

    def wait_for_run(self, market_ms: int) -> None:
        """Return when the bot has seen the candle that closed at `market_ms` and its order, if any, has its end."""
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            seen, in_flight = self.ask_last_run()
            if seen is not None and seen >= market_ms // 60_000 * 60_000 - 60_000 and not in_flight:
                return
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"The run at {market_ms} did not end: {seen} seen, {in_flight} in flight.")
            time.sleep(LOOK_EVERY_SECONDS)

    def ask_last_run(self) -> tuple[Any, Any]:
        row = self.database.execute(LAST_RUN, [self.bot_id]).fetchone()
        assert row is not None
        return row[0], row[1]

    def place_bare_orders(self, wanted: int) -> list[float]:
        """The yardstick: such an order by python-binance alone, on an account of its own; ms there and back."""
        client = VenueClient(
            self.sandbox_url,
            HTTPAdapter(),
            now_ms=lambda: int(time.time() * 1000),
            credentials=Credentials(*self.control.new_account()),
        )
        times = []
        for number in range(wanted):
            started = time.perf_counter()
            client.create_order(
                symbol="BTCUSDT",
                side="BUY",
                type="MARKET",
                quoteOrderQty="20",
                newOrderRespType="FULL",
                newClientOrderId=f"bare-{number}",
            )
            times.append((time.perf_counter() - started) * 1000)
        self.seen_orders += wanted
        return times


def say(times: list[float]) -> None:
    middle = f", p50 {percentile(times, 50):.1f} ms" if len(times) > 1 else ""
    print(f"{len(times)} orders{middle}", file=sys.stderr, flush=True)
