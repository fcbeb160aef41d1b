"""How long a second start takes to READY and to its first page, and what the processes weigh at rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
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
REST_SECONDS = 3.0


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        # The first start makes the database and the demo; it is not what is measured.
        measure_start(folder)
        runs = [measure_start(folder) for _ in range(RUNS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, list[float]] = {name: [run[name] for run in runs] for name in runs[0]}
    return Measurement(
        metrics=[
            Metric(metric="second_start_to_ready", unit="s", values=found["ready"], target=8),
            Metric(metric="second_start_to_first_page", unit="s", values=found["page"], target=5),
            Metric(metric="resident_web", unit="MB", values=found["web"], target=300),
            Metric(metric="resident_celery_child", unit="MB", values=found["child"], target=300),
        ]
    )


def measure_start(data_dir: Path) -> dict[str, float]:
    """Start an instance, look at it, stop it."""
    port = free_port()
    environment = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
    for name in ("DATABASE_URL", "REDIS_URL", "SANDBOX_URL"):
        environment.pop(name, None)
    started = time.monotonic()
    process = subprocess.Popen([ROOT / "run"], env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    try:
        page = wait_for(lambda: answers_http(f"http://127.0.0.1:{port}", FIRST_PAGE), process) - started
        ready = wait_for((data_dir / "run.json").exists, process) - started
        # At rest, after the first tasks have been through.
        time.sleep(REST_SECONDS)
        return {"page": page, "ready": ready, **weigh(read_json(data_dir / "run.json")["processes"])}
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(is_there: Any, process: subprocess.Popen[bytes]) -> float:
    """The moment at which `is_there()` first holds."""
    give_up_at = time.monotonic() + START_WITHIN_SECONDS
    while not is_there():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"The instance did not start (exit code {process.returncode}).")
        time.sleep(0.02)
    return time.monotonic()


def weigh(processes: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Resident megabytes of the web process and of the heaviest Celery child."""
    children = psutil.Process(processes["worker"]["pid"]).children(recursive=True)
    return {
        "web": psutil.Process(processes["web"]["pid"]).memory_info().rss / 1e6,
        "child": max(child.memory_info().rss for child in children) / 1e6,
    }
