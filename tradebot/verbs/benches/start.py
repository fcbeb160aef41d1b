"""How long a second start takes to READY and to its first page, and what the processes weigh while bots trade."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from tradebot.supervisor.asking import answers_http
from tradebot.verbs.measuring import Measurement, Metric
from tradebot.verbs.own_instance import READY_WITHIN_SECONDS, OwnInstance

RUNS = 5
FIRST_PAGE = "/accounts/login/"
# Weighed after bots have run: only then has a Celery child loaded what decides.
TRADING_SECONDS = 75.0
BETWEEN_WEIGHTS_SECONDS = 3.0


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    instance = OwnInstance(folder)
    try:
        # The first start makes the database and the demo; it is not what is measured.
        instance.start()
        weights = weigh_while_trading(instance)
        instance.stop()
        starts = [measure_start(instance) for _ in range(RUNS)]
    finally:
        instance.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ready, page = [start.ready for start in starts], [start.page for start in starts]
    return Measurement(
        metrics=[
            Metric(metric="second_start_to_ready", unit="s", values=ready, target=8),
            Metric(metric="second_start_to_first_page", unit="s", values=page, target=5),
            Metric(metric="resident_web", unit="MB", values=[one.web for one in weights], target=300),
            Metric(
                metric="resident_celery_child",
                unit="MB",
                values=[one.trading_child for one in weights],
                target=300,
            ),
            Metric(
                metric="resident_research_child",
                unit="MB",
                values=[one.research_child for one in weights],
                target=300,
            ),
            Metric(metric="memory_of_all_processes", unit="MB", values=[one.all for one in weights]),
        ]  # fmt: skip
    )


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from typing ./run to its READY and to its first page."""

    ready: float
    page: float


@dataclass(frozen=True, slots=True)
class Weight:
    """Resident megabytes of the web process and of each worker's heaviest child; and what all processes take together,
    pages that they share counted once."""

    web: float
    trading_child: float
    research_child: float
    all: float


def measure_start(instance: OwnInstance) -> Start:
    with ThreadPoolExecutor(max_workers=1) as beside:
        page = beside.submit(seconds_to_page, instance.url)
        start = Start(ready=instance.start(), page=page.result())
    instance.stop()
    return start


def seconds_to_page(url: str) -> float:
    started = time.monotonic()
    while not answers_http(url, FIRST_PAGE):
        if time.monotonic() - started > READY_WITHIN_SECONDS:
            raise RuntimeError(f"{url}{FIRST_PAGE} never answered.")
        time.sleep(0.02)
    return time.monotonic() - started


def weigh_while_trading(instance: OwnInstance) -> list[Weight]:
    """Weigh after a minute has struck and its bots have run, a few times over."""
    time.sleep(TRADING_SECONDS)
    weights = []
    for _ in range(RUNS):
        weights.append(
            Weight(
                web=heaviest([instance.records["processes"]["web"]["pid"]]),
                trading_child=heaviest(instance.pool("worker")),
                research_child=heaviest(instance.pool("research")),
                all=together(psutil.Process(instance.records["pid"])),
            )
        )
        time.sleep(BETWEEN_WEIGHTS_SECONDS)
    return weights


def heaviest(pids: list[int]) -> float:
    return max(float(psutil.Process(pid).memory_info().rss) for pid in pids) / 1e6


def together(supervisor: psutil.Process) -> float:
    """The supervisor and all below it; one that ends meanwhile (a connection of PostgreSQL's) weighs nothing."""
    total = 0.0
    for process in [supervisor, *supervisor.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = process.memory_full_info()
            total += getattr(found, "pss", found.uss)
    return total / 1e6
