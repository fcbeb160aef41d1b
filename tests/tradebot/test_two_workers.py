"""Money never waits for research: two queues, two workers. Real ones here, on a Valkey of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import connection

from tests.backtests import ask, store_minutes
from tradebot.celery import app
from tradebot.giving_way import NICENESS
from tradebot.heartbeats import PREFIX
from tradebot.supervisor import table
from tradebot.supervisor.ports import free_port
from tradebot.supervisor.processes import Child, Service
from tradebot.supervisor.valkey import Valkey
from trading.models import Backtest, Optimization
from trading.research.holding import held_keys
from trading.research.optimization_lanes import LANE
from trading.research.optimizations import request_optimization

BEAT = "tradebot.beat_heartbeat"
RESEARCH = {
    "exchange.pack_candles",
    "trading.check_parity",
    "trading.check_parity_of_all",
    "trading.draw_overlay",
    "trading.run_backtest",
    "trading.run_optimization",
}
HEAVY = {"numba", "optuna", "pandas", "pandas_ta"}


def queue_of(task: str) -> str:
    """As a sender who names the task finds it, beat among them."""
    routed = app.amqp.router.route({}, task).get("queue")
    return str(routed.name if routed else app.conf.task_default_queue)


def test_whatever_is_long_and_not_money_has_a_queue_of_its_own() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert {name for name in ours if queue_of(name) == "research"} == RESEARCH
    assert {queue_of(name) for name in ours - RESEARCH} == {"celery"}


def test_each_worker_takes_its_own_queue_alone() -> None:
    def queues(service: Service) -> str:
        return service.command[service.command.index("-Q") + 1]

    assert (queues(table.worker({})), queues(table.research({}))) == ("celery", "research")


def test_a_worker_starts_light() -> None:
    program = (
        "import sys, django; django.setup()\n"
        "from tradebot.celery import app; app.loader.import_default_modules()\n"
        "assert 'trading.run_backtest' in app.tasks\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tradebot.settings"}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


class Workers:
    """Both workers as the supervisor starts them, and a way to call them."""

    def __init__(self, folder: Path) -> None:
        self.valkey = Valkey(place=folder / "valkey", port=free_port(), password="secret", is_durable=False)
        parts = connection.get_connection_params()
        self.environment = {
            **os.environ,
            "DATABASE_URL": "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parts),
            "REDIS_URL": self.valkey.url,
            "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
            "DJANGO_SETTINGS_MODULE": "tradebot.settings",
            "RESEARCH_REST_SECONDS": "1",
        }
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.start(self.valkey.service())
        wait_until(self.valkey.answers)
        self.redis: redis.Redis = redis.Redis.from_url(self.valkey.url)
        self.app = Celery(broker=self.valkey.url, set_as_current=False)
        self.app.conf.task_routes = settings.CELERY_TASK_ROUTES

    def start(self, service: Service) -> None:
        child = self.children[service.name] = Child(service, self.folder / f"{service.name}.log")
        child.start(ready_within=60)

    def start_both(self) -> None:
        for service in (table.worker(self.environment), table.research(self.environment)):
            self.start(service)
        wait_until(lambda: len(self.redis.keys(f"{PREFIX}*")) == 2)
        wait_until(lambda: len(self.pool("research")) == 2)

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self.children[name].pid)

    def pool(self, name: str) -> set[int]:
        return {child.pid for child in self.process(name).children()}

    def niceness(self, name: str) -> int:
        (same,) = {psutil.Process(pid).nice() for pid in self.pool(name)}
        return int(same)

    def call(self, task: str, *arguments: int) -> None:
        self.app.send_task(task, args=arguments, ignore_result=True)

    def seconds_to_serve_trading(self) -> float:
        """From the call of a trading task to its word from a child of the pool."""
        self.redis.delete(f"{PREFIX}pool")
        started = time.monotonic()
        self.call(BEAT)
        wait_until(lambda: bool(self.redis.exists(f"{PREFIX}pool")))
        return time.monotonic() - started

    def stop(self) -> None:
        for child in reversed(self.children.values()):
            child.end()
        self.app.close()
        self.redis.close()


@pytest.fixture
def workers(transactional_db: None, symbols: None, settings: Any, tmp_path: Path) -> Iterator[Workers]:
    store_minutes(settings, tmp_path)
    found = Workers(tmp_path)
    try:
        found.start_both()
        yield found
    finally:
        found.stop()


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


@contextmanager
def searching_for_long(user: Any) -> Iterator[Optimization]:
    """Whoever tries its sets has to wait for its row."""
    row = request_optimization(user, {"backtest": ask(user).pk, "space": {"ema_fast": [2, 3]}})
    parts = connection.get_connection_params()
    with psycopg.connect(
        **{name: parts[name] for name in ("host", "port", "user", "password", "dbname")}
    ) as other:
        other.execute("SELECT 1 FROM trading_optimization WHERE id = %s FOR UPDATE", [row.pk])
        yield row


@pytest.mark.instance
def test_trading_is_served_at_once_while_research_has_no_child_left(workers: Workers, alice: Any) -> None:
    waiting = ask(alice)
    with searching_for_long(alice) as search:
        for lane in (0, 1):
            workers.call("trading.run_optimization", search.pk, lane)
        wait_until(lambda: len(held_keys(LANE)) == 2)
        workers.call("trading.run_backtest", waiting.pk)
        assert min(workers.seconds_to_serve_trading() for _ in range(5)) < 0.2
        # Nor does trading help out: what waits for research waits.
        assert len(held_keys(LANE)) == 2
        assert Backtest.objects.get(pk=waiting.pk).status == "queued"
        assert workers.niceness("research") == workers.niceness("worker") + NICENESS
        # Its children go with their worker, and with them their locks: somebody else takes the search up.
        os.kill(workers.process("research").pid, signal.SIGKILL)
        assert min(workers.seconds_to_serve_trading() for _ in range(5)) < 0.2
    wait_until(lambda: held_keys(LANE) == set())


@pytest.mark.instance
def test_after_work_a_child_gives_its_memory_back(workers: Workers, alice: Any) -> None:
    row, before = ask(alice), workers.pool("research")
    light = max(psutil.Process(pid).memory_info().rss for pid in before)
    workers.call("trading.run_backtest", row.pk)
    wait_until(lambda: Backtest.objects.get(pk=row.pk).status == "done", seconds=300)
    wait_until(lambda: workers.pool("research") != before and len(workers.pool("research")) == 2)
    # One has worked; the other, which has loaded nothing, stays.
    assert len(workers.pool("research") & before) == 1
    assert max(psutil.Process(pid).memory_info().rss for pid in workers.pool("research")) < light + 20e6
    assert "exited with" not in workers.children["research"].log.read_text()
    other = ask(alice)
    workers.call("trading.run_backtest", other.pk)
    wait_until(lambda: Backtest.objects.get(pk=other.pk).status != "queued")
