"""What the supervisor writes down: run.json for drivers of a ready instance, supervisor.json for its own successor.

After `kill -9` of a supervisor the successor reads the second file, and ends what still runs before it starts anything.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from tradebot.supervisor.files import read_json, write_private_json
from tradebot.supervisor.instance import Instance
from tradebot.supervisor.processes import Child, creation_time, signal_session
from tradebot.supervisor.servers import Servers

# A pid and a creation time name a process for ever; the system rounds the time.
SAME_TIME_SECONDS = 1.0


def announcement(instance: Instance) -> dict[str, Any]:
    """What the READY line says."""
    return {
        "url": instance.url,
        "email": instance.demo_email if instance.has_demo_user else None,
        "password": instance.demo_password if instance.has_demo_user else None,
        "pid": os.getpid(),
        "data_dir": str(instance.data_dir),
    }


def write_run_file(
    instance: Instance, servers: Servers, sandbox_token: str, children: Iterable[Child]
) -> None:
    """Say which processes make up the ready instance; a service between two lives keeps its last entry out."""
    processes = {
        child.service.name: {"pid": child.pid, "started_at": child.started_at.isoformat()}
        for child in children
        if child.pid and child.started_at
    }
    content = {
        **announcement(instance),
        "database_url": servers.database_url,
        "redis_url": servers.redis_url,
        "sandbox_url": servers.sandbox_url,
        "sandbox_token": sandbox_token,
        "processes": processes,
    }
    write_private_json(instance.run_file, content)


def print_ready(instance: Instance) -> None:
    print(f"READY {json.dumps(announcement(instance))}", flush=True)


def note_own_processes(data_dir: Path, children: Iterable[Child]) -> None:
    """Note pid and creation time of the supervisor and of each child."""
    mine = {"name": "supervisor", "pid": os.getpid(), "created": creation_time(os.getpid())}
    others = [
        {"name": child.service.name, "pid": child.pid, "created": child.created}
        for child in children
        if child.pid
    ]
    write_private_json(data_dir / "supervisor.json", [mine, *others])


def forget_processes(instance: Instance) -> None:
    instance.run_file.unlink(missing_ok=True)
    (instance.data_dir / "supervisor.json").unlink(missing_ok=True)


def end_leftovers(data_dir: Path, *, grace_seconds: float = 8.0) -> list[str]:
    """End what a killed supervisor left running; the names of what was still there.

    The kernel has told them to go (see `death_wish`), so they are given a moment before they are killed.
    """
    noted = [
        entry for entry in read_json(data_dir / "supervisor.json") or [] if entry["name"] != "supervisor"
    ]
    found = [
        (entry, leftover) for entry in noted if (leftover := same_process(entry["pid"], entry["created"]))
    ]
    for entry, leftover in found:
        leftover.send_signal(signal.SIGINT if entry["name"] == "postgres" else signal.SIGTERM)
    give_up_at = time.monotonic() + grace_seconds
    for _, leftover in found:
        try:
            leftover.wait(max(0.1, give_up_at - time.monotonic()))
        except psutil.TimeoutExpired:
            leftover.kill()
    for entry in noted:
        end_session(entry["pid"], entry["created"])
    return [entry["name"] for entry, _ in found]


def same_process(pid: int, created: float) -> psutil.Process | None:
    """The process noted under this pid, if it still runs; None when it is gone or the pid has a new owner."""
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - created) < SAME_TIME_SECONDS
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def end_session(leader: int, created: float) -> None:
    """Kill the members of a session whose leader has gone: pool children of a killed worker."""
    if psutil.pid_exists(leader) and not same_process(leader, created):
        return
    signal_session(leader, signal.SIGKILL)
