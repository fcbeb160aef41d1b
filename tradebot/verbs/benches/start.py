"""How long a second start takes to READY and to its first page, and what the processes weigh while bots trade."""

from __future__ import annotations

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
    web, child = [weight.web for weight in weights], [weight.child for weight in weights]
    return Measurement(
        metrics=[
            Metric(metric="second_start_to_ready", unit="s", values=ready, target=8),
            Metric(metric="second_start_to_first_page", unit="s", values=page, target=5),
            Metric(metric="resident_web", unit="MB", values=web, target=300),
            Metric(metric="resident_celery_child", unit="MB", values=child, target=300),
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
    web = psutil.Process(instance.records["processes"]["web"]["pid"])
    weights = []
    for _ in range(RUNS):
        heaviest = max(psutil.Process(pid).memory_info().rss for pid in instance.pool())
        weights.append(Weight(web=web.memory_info().rss / 1e6, child=heaviest / 1e6))
        time.sleep(BETWEEN_WEIGHTS_SECONDS)
    return weights
