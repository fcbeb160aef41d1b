"""How many due bots a second are evaluated and written, 10,000 over 50 symbols, against one task per bot."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from celery import Celery

from tradebot.verbs.bots_ground import BEGIN_MS, BOTS, MINUTE_MS, SEED
from tradebot.verbs.measuring import Measurement, Metric
from tradebot.verbs.own_workshop import OwnWorkshop
from tradebot.verbs.still_market import StillMarket

RUNS = 7
WARM_UP_RUNS = 3
SAMPLE = 1_000
WATCHED = 50
WRITING = BOTS // 50
FILL = "from tradebot.verbs.bots_ground import fill; fill()"
ALL_TASK = "trading.run_bot_task_for_all"
ONE_TASK = "trading.run_bot_task"
GIVE_UP_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.01
UNSEEN = "SELECT count(*) FROM bots_botstate WHERE bot_config_id = ANY(%s) AND last_candle_open_ms < %s"


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        with StillMarket() as market, OwnWorkshop(folder, sandbox_url=market.url) as shop:
            shop.manage("shell", "-c", FILL)
            shop.start_worker()
            with Field(shop, market) as field:
                # Until both children have loaded what decides and read every symbol's rules and candles.
                for _ in range(WARM_UP_RUNS):
                    field.run_together()
                field.run_alone()
                runs = [(field.run_together(), field.run_alone()) for _ in range(RUNS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    together, alone = [run[0] for run in runs], [run[1] for run in runs]
    yardstick = (
        "the same bots by the same worker, one task each (this version's own single run): see one_task_per_bot; "
        "other bots of this kind run one thread or task per bot"
    )
    times = [many / one for many, one in runs]
    return Measurement(
        data="generated",
        metrics=[
            Metric(
                metric="bots_per_second", unit="1/s", values=together, target=10_000, compare=">=",
                yardstick=yardstick,
            ),
            Metric(metric="times_one_task_per_bot", unit="x", values=times, target=15, compare=">="),
            Metric(metric="one_task_per_bot", unit="1/s", values=alone),
        ],
    )  # fmt: skip


class Field:
    """The bots of the database, due again whenever the market's time goes on by a minute."""

    def __init__(self, shop: OwnWorkshop, market: StillMarket) -> None:
        self.market = market
        self.celery = Celery(broker=shop.valkey.url)
        self.database = psycopg.connect(shop.postgres.url, autocommit=True)
        self.chance = random.Random(SEED)
        self.minute = 0
        self.bot_ids = [row[0] for row in self.database.execute("SELECT id FROM bots_botconfig ORDER BY id")]

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *exception: object) -> None:
        self.database.close()
        self.celery.close()

    def run_together(self) -> float:
        """Bots a second, from the wake-up of the minute until every state is written; 2 % write a decision."""
        self.close_candle()
        writing = self.chance.sample(self.bot_ids, WRITING)
        self.database.execute(
            "UPDATE bots_botstate SET last_reason = 'too late' WHERE bot_config_id = ANY(%s)", [writing]
        )
        decided = self.count_decisions()
        started = time.perf_counter()
        self.celery.send_task(ALL_TASK, ignore_result=True)
        self.wait_until_seen(self.bot_ids)
        rate = BOTS / (time.perf_counter() - started)
        if self.count_decisions() - decided != WRITING:
            raise RuntimeError(f"{self.count_decisions() - decided} decisions were written, not {WRITING}.")
        print(f"together: {rate:.0f} bots/s", file=sys.stderr, flush=True)
        return rate

    def run_alone(self) -> float:
        """Bots a second for a sample of the same bots, a task each."""
        self.close_candle()
        sample = self.chance.sample(self.bot_ids, SAMPLE)
        started = time.perf_counter()
        for bot_id in sample:
            self.celery.send_task(ONE_TASK, args=[bot_id], ignore_result=True)
        self.wait_until_seen(sample)
        rate = SAMPLE / (time.perf_counter() - started)
        print(f"one task per bot: {rate:.0f} bots/s", file=sys.stderr, flush=True)
        return rate

    def close_candle(self) -> None:
        self.minute += 1
        self.market.market_ms = BEGIN_MS + self.minute * MINUTE_MS + 500

    def wait_until_seen(self, bot_ids: list[int]) -> None:
        """Return when these bots have seen the candle that has just closed. A few are watched, then all are counted:
        counting all of them all the time would take part in what is measured."""
        newest_ms = BEGIN_MS + (self.minute - 1) * MINUTE_MS
        watched = self.chance.sample(bot_ids, WATCHED)
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while not (self.has_seen(watched, newest_ms) and self.has_seen(bot_ids, newest_ms)):
            if time.monotonic() > give_up_at:
                raise RuntimeError("Some bots have not seen the candle.")
            time.sleep(LOOK_EVERY_SECONDS)

    def has_seen(self, bot_ids: list[int], newest_ms: int) -> bool:
        row = self.database.execute(UNSEEN, [bot_ids, newest_ms]).fetchone()
        return row == (0,)

    def count_decisions(self) -> int:
        row = self.database.execute("SELECT count(*) FROM trading_decision").fetchone()
        assert row is not None
        return int(row[0])
