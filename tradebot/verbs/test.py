"""`./run test [pytest arguments]`: all tests, on servers of their own that forget everything afterwards.

pytest-django reads the settings before any fixture runs, so the servers stand before pytest starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tradebot.supervisor.borrowed import throwaway_servers
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import ROOT
from tradebot.verbs.outcome import outcome, print_outcome

PYTEST_USAGE_ERROR = 4
WORKERS = 2


def run(arguments: list[str]) -> int:
    started = time.monotonic()
    with throwaway_servers(os.environ) as addresses, tempfile.TemporaryDirectory() as folder:
        counts_file = Path(folder) / "counts.json"
        environment = {
            **os.environ,
            **addresses,
            "ENVIRONMENT": "test",
            "DATA_DIR": folder,
            "TRADEBOT_TEST_COUNTS": str(counts_file),
        }
        code = subprocess.run(pytest_command(arguments), cwd=ROOT, env=environment, check=False).returncode
        counts = read_json(counts_file) or {"passed": 0, "failed": 0, "error": 0, "skipped": 0, "not_run": []}
    if code == PYTEST_USAGE_ERROR:
        return 2
    return print_outcome(outcome("test", name=None, ok=code == 0, started=started, **summary(counts)))


def pytest_command(arguments: list[str]) -> list[str]:
    """The tests go over both cores, a file at a time, unless the caller says otherwise."""
    is_spread = any(word == "-n" or word.startswith(("-n", "--numprocesses")) for word in arguments)
    spread = [] if is_spread else ["-n", str(WORKERS), "--dist", "loadfile"]
    return [sys.executable, "-m", "pytest", "-p", "tradebot.verbs.counting", *spread, *arguments]


def summary(counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "passed": counts["passed"],
        "failed": counts["failed"] + counts["error"],
        "skipped": counts["skipped"],
        "not_run": [{"what": name, "why": "no Chromium on this machine"} for name in counts["not_run"]],
    }
