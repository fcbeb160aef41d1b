"""A year of one-minute candles: indicators, a backtest, its way through Celery; yardsticks in the same run."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tradebot.supervisor.instance import ROOT
from tradebot.supervisor.table import KEEPS_MEMORY
from tradebot.verbs.backtest_lane import BacktestLane
from tradebot.verbs.engine_peer import PEER
from tradebot.verbs.measuring import Measurement, Metric
from tradebot.verbs.own_instance import OwnInstance

LANE_RUNS: Final = 7
GROWTH_RUNS: Final = 5
WALK: Final = "525,600 one-minute candles of a seeded random walk"
SEARCH_RUNS: Final = 5
SEARCH: Final = """
import json
from tradebot.verbs.optimizing_bench import optimizing_bench
print(json.dumps(optimizing_bench()))
"""
READ: Final = """
import json
from tradebot.verbs.history_ground import history_bench, store_year
store_year()
print(json.dumps(history_bench()))
"""


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        return Measurement(data="generated", metrics=[*alone(folder), *through_celery(folder)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def alone(folder: Path) -> list[Metric]:
    """The engine by itself, in a process that keeps its memory as a worker does, and the others on the same candles."""
    done = subprocess.run(
        [sys.executable, "-m", "tradebot.verbs.engine_year", str(folder)],
        env={**os.environ, **KEEPS_MEMORY},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    medians = {name: statistics.median(values) for name, values in found.items()}
    beside = (
        f"{WALK}; same run: reading the columns {medians['columns']:.2f} ms, bare compiled loop "
        f"{medians['bare_loop']:.2f} ms, {PEER} {medians['peer']:.0f} ms"
    )
    ratio = [mine / theirs for mine, theirs in zip(found["indicators"], found["talib"], strict=True)]
    return [
        Metric(metric="year_signals_fold_statistics", unit="ms", values=found["year"], target=15, yardstick=beside),
        Metric(metric="year_positions", unit="", values=found["positions"]),
        Metric(metric="columns_read_once", unit="ms", values=found["columns"]),
        Metric(metric="bare_compiled_loop", unit="ms", values=found["bare_loop"]),
        Metric(metric="peer_backtesting_py", unit="ms", values=found["peer"]),
        Metric(
            metric="indicators_times_talib", unit="x", values=ratio, target=1.6,
            yardstick=f"TA-Lib, EMA(8), EMA(21), RSI(14), turn by turn: {medians['talib']:.2f} ms",
        ),
        Metric(
            metric="five_years_times_one", unit="x", values=[ms / medians["year"] for ms in found["five_years"]],
            target=5.5, yardstick=f"one year: {medians['year']:.2f} ms",
        ),
    ]  # fmt: skip


def through_celery(folder: Path) -> list[Metric]:
    """An instance as a user would start it; the request is the API's."""
    instance = OwnInstance(folder)
    try:
        instance.start()
        lane = BacktestLane(instance)
        lane.prepare()
        # Both children compile, or read what the other has compiled, and fill their caches.
        for _ in range(4):
            tell(f"warm up {lane.run():.2f} s")
        requests = [lane.run() for _ in range(LANE_RUNS)]
        growth = lane.growth_mb(GROWTH_RUNS)
        reads = asked_of(instance, READ)
        tell("a thousand sets …")
        searches = [asked_of(instance, SEARCH) for _ in range(SEARCH_RUNS)]
    finally:
        instance.stop()
    return [
        Metric(metric="request_to_saved_report", unit="s", values=requests, target=0.6, yardstick=WALK),
        Metric(metric="growth_of_a_worker_child", unit="MB", values=growth, target=250),
        Metric(metric="reading_a_year", unit="ms", values=reads, target=50),
        Metric(
            metric="thousand_sets_over_a_year",
            unit="s",
            values=[found["seconds"] for found in searches],
            target=10,
            yardstick="two processes, candles read before; the trying itself",
        ),
        Metric(
            metric="memory_of_a_search",
            unit="MB",
            values=[max(found["megabytes"]) for found in searches],
            target=500,
        ),
        Metric(
            metric="growth_of_a_search",
            unit="MB",
            values=[max(found["growth_megabytes"]) for found in searches],
        ),
    ]


def asked_of(instance: OwnInstance, script: str) -> Any:
    """What a script that runs inside the instance printed last."""
    done = subprocess.run(
        [str(ROOT / "run"), "manage", "shell", "-c", script],
        env={**instance.environment, **KEEPS_MEMORY},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The instance could not say:\n{done.stderr[-1500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
