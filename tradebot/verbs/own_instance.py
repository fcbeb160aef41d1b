"""An instance of a verb's own: started as a user would, in a new folder, on a free port; its processes can be killed.

Recovery is honest: a new process has taken the place, and health is ok on signs of life younger than it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tradebot.supervisor.asking import health_of
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import ROOT
from tradebot.supervisor.ports import free_port

READY_WITHIN_SECONDS = 180.0
STOP_WITHIN_SECONDS = 20.0
MANAGE_WITHIN_SECONDS = 60.0
CHILD = "worker-child"
SUPERVISOR = "supervisor"
OWN_SERVERS = ("DATABASE_URL", "REDIS_URL", "SANDBOX_URL", "SANDBOX_TOKEN", "SANDBOX_KEY_SECRET")
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Killed:
    """What was killed, and when by both clocks."""

    victim: str
    pid: int
    at: float
    at_wall: datetime


class OwnInstance:
    """`./run` as a child process, its records, and its verbs."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir(mode=0o711)
        self.output = folder / "run.out"
        self.errors = folder / "run.err"
        kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        self.environment = {
            **kept,
            "DATA_DIR": str(self.data_dir),
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
        }
        # A developer's .env may name servers of his own: not for this.
        self.environment |= {"ENVIRONMENT": "development", "ENV_FILE": str(folder / "no.env")}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def records(self) -> dict[str, Any]:
        """run.json as it is now; empty between two lives."""
        return dict(read_json(self.data_dir / "run.json") or {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def start(self) -> float:
        """Start, and wait for the READY line; the seconds that took."""
        started, said_before = time.monotonic(), self.count_ready()
        with open(self.output, "ab") as output, open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [str(ROOT / "run")],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        while self.count_ready() == said_before:
            if self.process.poll() is not None or time.monotonic() - started > READY_WITHIN_SECONDS:
                raise RuntimeError(f"The instance did not start:\n{self.errors.read_text()[-2000:]}")
            time.sleep(LOOK_EVERY_SECONDS)
        return time.monotonic() - started

    def count_ready(self) -> int:
        return self.output.read_text().count("READY {") if self.output.exists() else 0

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ROOT / "run"), "manage", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=MANAGE_WITHIN_SECONDS,
            check=False,
        )

    def kill(self, victim: str, chance: random.Random) -> Killed:
        """SIGKILL one process of run.json, a pool child of the worker, or the supervisor."""
        pid = self.pid_of(victim, chance)
        os.kill(pid, signal.SIGKILL)
        return Killed(victim, pid, time.monotonic(), datetime.now(UTC))

    def pid_of(self, victim: str, chance: random.Random) -> int:
        records = self.records
        if victim == SUPERVISOR:
            return int(records["pid"])
        if victim == CHILD:
            return chance.choice(self.pool())
        return int(records["processes"][victim]["pid"])

    def pool(self, name: str = "worker") -> list[int]:
        """That worker's children now, in order of age."""
        try:
            worker = psutil.Process(self.records["processes"][name]["pid"])
            return sorted(child.pid for child in worker.children())
        except (KeyError, psutil.NoSuchProcess):
            return []

    def wait_for_recovery(self, killed: Killed, *, within: float) -> float | None:
        """Seconds from the kill until everything was well again; None if that did not come."""
        if killed.victim == SUPERVISOR:
            assert self.process is not None
            self.process.wait()
            self.start()
            return time.monotonic() - killed.at
        while time.monotonic() - killed.at < within:
            if self.is_well_after(killed):
                return time.monotonic() - killed.at
            time.sleep(LOOK_EVERY_SECONDS)
        return None

    def is_well_after(self, killed: Killed) -> bool:
        if killed.victim == CHILD:
            pool = self.pool()
            is_replaced, since = len(pool) >= 2 and killed.pid not in pool, killed.at_wall
        else:
            entry = self.records.get("processes", {}).get(killed.victim)
            is_replaced = entry is not None and entry["pid"] != killed.pid
            since = datetime.fromisoformat(entry["started_at"]) if entry else killed.at_wall
        return is_replaced and is_healthy(health_of(self.url), since)


def is_healthy(report: dict[str, Any], since: datetime) -> bool:
    """Ok, and no sign of life is older than `since`: a dead process's last word proves nothing."""
    if report.get("status") != "ok":
        return False
    age = (datetime.now(UTC) - since).total_seconds()
    ages = [check.get("age_seconds") for check in report["checks"].values()]
    return all(seen is None or seen <= age for seen in ages)


def json_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object on the last line of a command's output; RuntimeError with its complaint where there is none."""
    try:
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError):
        raise RuntimeError(
            f"{done.args[1:]} said no JSON:\n{done.stdout[-500:]}{done.stderr[-1500:]}"
        ) from None
