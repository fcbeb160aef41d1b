"""How long a second start takes to READY and to its first page, and what the processes weigh at rest."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tradebot.supervisor.asking import answers_http
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import ROOT
from tradebot.supervisor.ports import free_port
from tradebot.verbs.measuring import Measurement, Metric

RUNS = 5
FIRST_PAGE = "/accounts/login/"
START_WITHIN_SECONDS = 180
# Weighed after bots have run: only then has a Celery child loaded what decides.
TRADING_SECONDS = 75.0


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        # The first start makes the database and the demo; it is not what is measured.
        with started(folder):
            weights = weigh_while_trading(folder)
        starts = [measure_start(folder) for _ in range(RUNS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Measurement(
        metrics=[
            Metric(
                metric="second_start_to_ready", unit="s", values=[start.ready for start in starts], target=8
            ),
            Metric(
                metric="second_start_to_first_page",
                unit="s",
                values=[start.page for start in starts],
                target=5,
            ),
            Metric(metric="resident_web", unit="MB", values=[weight.web for weight in weights], target=300),
            Metric(
                metric="resident_celery_child",
                unit="MB",
                values=[weight.child for weight in weights],
                target=300,
            ),
        ]
    )


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from typing ./run to its READY and to its first page."""

    ready: float
    page: float


@dataclass(frozen=True, slots=True)
class Weight:
    """Resident megabytes of the web process and of the heaviest Celery child."""

    web: float
    child: float


def measure_start(data_dir: Path) -> Start:
    before = time.monotonic()
    with started(data_dir) as (ready_at, page_at):
        return Start(ready=ready_at - before, page=page_at - before)


@contextlib.contextmanager
def started(data_dir: Path) -> Iterator[tuple[float, float]]:
    """An instance of our own; the moments at which it was ready and showed its first page."""
    port = free_port()
    environment = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
    for name in ("DATABASE_URL", "REDIS_URL", "SANDBOX_URL"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [ROOT / "run"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        page_at = wait_for(lambda: answers_http(f"http://127.0.0.1:{port}", FIRST_PAGE), process)
        yield wait_for((data_dir / "run.json").exists, process), page_at
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(is_there: Callable[[], bool], process: subprocess.Popen[bytes]) -> float:
    """The moment at which `is_there()` first holds."""
    give_up_at = time.monotonic() + START_WITHIN_SECONDS
    while not is_there():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"The instance did not start (exit code {process.returncode}).")
        time.sleep(0.02)
    return time.monotonic()


def weigh_while_trading(data_dir: Path) -> list[Weight]:
    """Weigh after a minute has struck and its bots have run, over a quarter of a minute."""
    processes = read_json(data_dir / "run.json")["processes"]
    time.sleep(TRADING_SECONDS)
    return [weigh(processes) for _ in range(RUNS)]


def weigh(processes: dict[str, dict[str, Any]]) -> Weight:
    time.sleep(3)
    children = psutil.Process(processes["worker"]["pid"]).children(recursive=True)
    web = psutil.Process(processes["web"]["pid"]).memory_info().rss
    return Weight(web=web / 1e6, child=max(child.memory_info().rss for child in children) / 1e6)
