"""One whole instance with real processes: READY, who is refused beside it, what is killed, what is left.

The tests share the instance in the order they stand in; each says what it leaves behind.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from tradebot.supervisor.asking import ask, health_of
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import ROOT
from tradebot.supervisor.ports import free_port, is_free

pytestmark = pytest.mark.instance
START_SECONDS = 180
PROCESSES = {"postgres", "valkey", "sandbox", "web", "worker", "research", "beat", "feed"}
CHECKS = {"database", "migrations", "redis", "worker", "research", "beat", "feed", "sandbox"}


class Started:
    """A `./run` of our own: its process, its folder, what it says."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.port = port
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "PORT": str(port),
            "ENVIRONMENT": "development",
            "ENV_FILE": str(data_dir / "no.env"),
        }
        for name in ("DATABASE_URL", "REDIS_URL", "SANDBOX_URL", "HOST"):
            self.environment.pop(name, None)
        self.process: subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}

    def start(self) -> None:
        """Start it from a folder of somebody else's, and wait for READY."""
        self.forget()
        with open(self.data_dir / "said", "w") as errors:
            self.process = subprocess.Popen(
                [ROOT / "run"],
                cwd="/",
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("READY "), (self.data_dir / "said").read_text()
        self.ready = json.loads(line.removeprefix("READY "))

    def forget(self) -> None:
        """End a former process of ours, if it still runs, and close what we read it by."""
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=30)

    def verb(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "run", *words],
            cwd="/",
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    @property
    def run_file(self) -> dict[str, Any]:
        content = read_json(self.data_dir / "run.json")
        assert isinstance(content, dict)
        return content

    def pid(self, name: str) -> int | None:
        entry = (read_json(self.data_dir / "run.json") or {}).get("processes", {}).get(name)
        return entry["pid"] if entry else None

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.05)


def still_running(processes: list[psutil.Process]) -> list[str]:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [
        f"{process.pid} {process.name()}" for process in alive if process.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(scope="module")
def instance() -> Iterator[Started]:
    # Spaces in the name: a folder of a person's may have them.
    folder = Path(tempfile.mkdtemp(prefix="trade bot ", dir="/var/tmp"))
    folder.chmod(0o711)
    started = Started(folder, free_port())
    started.start()
    yield started
    started.forget()
    shutil.rmtree(folder)


def test_ready_says_where_it_is_and_who_may_enter(instance: Started) -> None:
    assert instance.process is not None
    assert instance.ready == {
        "url": f"http://127.0.0.1:{instance.port}",
        "email": "demo@tradebot.local",
        "password": "Demo-trading-2026",
        "pid": instance.process.pid,
        "data_dir": str(instance.data_dir),
    }


def test_run_json_is_private_and_whole(instance: Started) -> None:
    content = instance.run_file
    assert stat.S_IMODE((instance.data_dir / "run.json").stat().st_mode) == 0o600
    assert {name: content[name] for name in instance.ready} == instance.ready
    assert set(content["processes"]) == PROCESSES
    assert all(psutil.pid_exists(entry["pid"]) for entry in content["processes"].values())
    assert ask(content["sandbox_url"], "/api/v3/ping")[0] == 200
    with psycopg.connect(content["database_url"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM bots_botconfig").fetchone() == (True,)
    client = redis.Redis.from_url(content["redis_url"])
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_servers_listen_on_this_machine_only(instance: Started) -> None:
    named = {entry["pid"] for entry in instance.run_file["processes"].values()}
    addresses: set[str] = set()
    for process in instance.tree():
        try:
            addresses |= listening_addresses(process)
        except psutil.NoSuchProcess:
            # A server's own child, such as a connection of PostgreSQL, may end while we look; a server may not.
            assert process.pid not in named
    assert addresses == {"127.0.0.1"}


def listening_addresses(process: psutil.Process) -> set[str]:
    connections = process.net_connections("tcp")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def test_a_password_is_needed(instance: Started) -> None:
    address = urlsplit(instance.run_file["database_url"])
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1", port=address.port, user="tradebot", password="guess", dbname="tradebot"
        )
    client = redis.Redis.from_url(f"redis://127.0.0.1:{urlsplit(instance.run_file['redis_url']).port}")
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    client.close()


def test_health_knows_every_part(instance: Started) -> None:
    report = health_of(instance.ready["url"])
    assert report["status"] == "ok"
    assert set(report["checks"]) == CHECKS
    assert all(set(check) == {"ok", "age_seconds", "detail"} for check in report["checks"].values())
    assert json.loads(ask(instance.ready["url"], "/health")[1]) == {"status": "ok"}


def test_a_second_start_in_the_same_folder_is_told_who_is_there(instance: Started) -> None:
    refused = instance.verb(PORT=str(free_port()))
    assert (refused.returncode, refused.stdout) == (4, "")
    assert f"pid {instance.ready['pid']}" in refused.stderr


def test_a_busy_port_is_refused_with_its_owners_name(instance: Started, tmp_path: Path) -> None:
    refused = instance.verb(DATA_DIR=str(tmp_path / "other"))
    assert refused.returncode == 4
    assert f"Port {instance.port} is busy" in refused.stderr
    assert f"(pid {instance.pid('web')})" in refused.stderr


def test_status_shows_people_what_runs(instance: Started) -> None:
    shown = instance.verb("status")
    assert shown.returncode == 0
    assert f"TradeBot runs at http://127.0.0.1:{instance.port}" in shown.stdout
    assert all(name in shown.stdout for name in PROCESSES)


def test_a_command_meets_the_running_instance(instance: Started) -> None:
    done = instance.verb("manage", "doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All well.")


@pytest.mark.parametrize("name", ["worker", "research", "postgres"])
def test_a_killed_process_is_back_and_run_json_says_so(instance: Started, name: str) -> None:
    before = instance.pid(name)
    assert before is not None
    orphans = psutil.Process(before).children(recursive=True)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: instance.pid(name) not in {None, before})
    wait_until(lambda: health_of(instance.ready["url"])["status"] == "ok")
    assert still_running(orphans) == []


def test_after_a_killed_supervisor_nothing_runs_and_the_next_start_is_clean(instance: Started) -> None:
    assert instance.process is not None
    family = instance.tree()
    instance.process.kill()
    instance.process.wait()
    assert still_running(family) == []
    instance.start()
    assert set(instance.run_file["processes"]) == PROCESSES
    assert instance.run_file["pid"] == instance.process.pid


def test_stop_leaves_nothing_running_within_ten_seconds(instance: Started) -> None:
    assert instance.process is not None
    family = instance.tree()
    started = time.monotonic()
    stopped = instance.verb("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    assert instance.process.wait(timeout=10) == 0
    assert time.monotonic() - started < 12
    assert still_running(family) == []
    assert not (instance.data_dir / "run.json").exists()
    assert is_free("127.0.0.1", instance.port)


def test_a_command_of_a_stopped_instance_gets_its_servers(instance: Started) -> None:
    done = instance.verb("manage", "migrate", "--check")
    assert done.returncode == 0, done.stderr
    assert instance.verb("status").stdout.startswith("TradeBot does not run")


def test_stopping_what_does_not_run_is_no_error(instance: Started) -> None:
    stopped = instance.verb("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Nothing runs.\n")
