"""docker-compose.yml: valid, hardened, and made of commands that work. No Docker engine is needed, or was at hand.

Our services' exact commands and health checks run here against the test servers, with production's settings.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jsonschema
import psycopg
import pytest
import yaml
from cryptography.fernet import Fernet

from tradebot.supervisor import table
from tradebot.supervisor.asking import ask
from tradebot.supervisor.ports import free_port
from tradebot.supervisor.processes import Service

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["postgres", "redis", "sandbox", "migrate", "web", "worker", "research", "beat", "feed", "nginx"]
LASTING = [name for name in SERVICES if name != "migrate"]
PROGRAMS = ["web", "worker", "research", "beat", "feed"]
OURS = ["sandbox", "migrate", *PROGRAMS]
HEALTHY_WITHIN_SECONDS = 90
BROKER_OF_THIS_TEST = "/9"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(content, dict)
    return content


def test_it_is_valid_by_the_schema_of_compose(compose: dict[str, Any]) -> None:
    folder = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json")
    schema = json.loads(folder.read_text())
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(compose)] == []


def test_services_are_those_of_the_processes(compose: dict[str, Any]) -> None:
    assert list(compose["services"]) == SERVICES


def test_only_nginx_publishes_a_port(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if service.get("ports")] == ["nginx"]


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_and_nothing_is_written(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["user"] not in {"root", "0", "0:0"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


def test_services_wait_for_healthy_ones(compose: dict[str, Any]) -> None:
    conditions = {
        need["condition"]
        for service in compose["services"].values()
        for need in service.get("depends_on", {}).values()
    }
    assert conditions == {"service_healthy", "service_completed_successfully"}
    # The schema is there before anyone of ours uses it.
    assert all("migrate" in compose["services"][name]["depends_on"] for name in PROGRAMS)


def test_ours_share_one_image(compose: dict[str, Any]) -> None:
    assert {compose["services"][name]["image"] for name in OURS} == {"tradebot:latest"}


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    environment = compose["services"]["web"]["environment"]
    secret = [name for name in environment if re.search("SECRET|TOKEN|KEY", name)]
    assert all(re.fullmatch(r"\$\{\w+:\?set it in \.env\}", environment[name]) for name in secret)


@pytest.mark.parametrize("service", [table.worker({}), table.research({})], ids=["worker", "research"])
def test_workers_are_started_as_run_starts_them(compose: dict[str, Any], service: Service) -> None:
    container = compose["services"][service.name]
    assert container["command"] == list(service.command[service.command.index("celery") :])
    told = service.environment
    assert {name: container["environment"].get(name) for name in told} == told
    assert ("MALLOC_TOP_PAD_" in container["environment"]) == (service.name == "research")


def test_research_leaves_the_cores_to_money(compose: dict[str, Any]) -> None:
    shares = {name: service.get("cpu_shares", 1024) for name, service in compose["services"].items()}
    assert min(shares, key=lambda name: shares[name]) == "research"
    assert sorted(shares.values())[1] == 1024


class Composed:
    """Our services, started by hand as compose would, on this machine's ports and folders."""

    def __init__(self, services: dict[str, Any], folder: Path, database_url: str) -> None:
        self.services = services
        self.folder = folder
        self.ports = {"8000": str(free_port()), "8001": str(free_port())}
        redis_url = urlsplit(os.environ["REDIS_URL"])._replace(path=BROKER_OF_THIS_TEST)
        self.given = {
            "DATABASE_URL": database_url,
            "REDIS_URL": urlunsplit(redis_url),
            "SANDBOX_URL": f"http://127.0.0.1:{self.ports['8001']}",
            "STATIC_ROOT": str(folder / "static"),
            "ALLOWED_HOSTS": "127.0.0.1",
            "TRUSTED_PROXIES": "1",
            "SECRET_KEY": "s" * 50,
            "JWT_SIGNING_KEY": "j" * 50,
            "SANDBOX_TOKEN": "t" * 50,
            "SANDBOX_KEY_SECRET": "k" * 50,
            "FERNET_KEYS": Fernet.generate_key().decode(),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        """The service's own variables, with addresses and folders of this machine in place of the containers'."""
        told = {**self.services[name]["environment"], **self.given, "DATA_DIR": str(self.folder / name)}
        moved = {key: self.ports.get(value, value) for key, value in told.items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # What an image would bring; no variable of this shell's beside it.
        return {
            **moved,
            "PATH": path,
            "DJANGO_SETTINGS_MODULE": "tradebot.settings",
            "ENV_FILE": "/nonexistent",
        }

    def start(self, name: str) -> subprocess.Popen[bytes]:
        (self.folder / name).mkdir()
        with open(self.folder / f"{name}.log", "wb") as log:
            command = self.services[name]["command"]
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment(name), stdout=log, stderr=log)
        self.running[name] = process
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-2000:]

    def is_healthy(self, name: str) -> bool:
        check = [
            re.sub(r":(8000|8001)/", self.moved_port, word)
            for word in self.services[name]["healthcheck"]["test"]
        ]
        done = subprocess.run(
            check[1:], cwd=ROOT, env=self.environment(name), capture_output=True, check=False
        )
        return done.returncode == 0

    def moved_port(self, found: re.Match[str]) -> str:
        return f":{self.ports[found[1]]}/"

    def wait_until_healthy(self, *names: str) -> None:
        give_up_at = time.monotonic() + HEALTHY_WITHIN_SECONDS
        waiting = list(names)
        while waiting:
            assert all(self.running[name].poll() is None for name in waiting), [
                self.log(name) for name in waiting
            ]
            assert time.monotonic() < give_up_at, [self.log(name) for name in waiting]
            waiting = [name for name in waiting if not self.is_healthy(name)]

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database of its own on the test server."""
    server = os.environ["DATABASE_URL"]
    name = f"compose_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.instance
def test_every_command_of_ours_works_and_is_seen_healthy(
    compose: dict[str, Any], tmp_path: Path, database_url: str
) -> None:
    composed = Composed(compose["services"], tmp_path, database_url)
    try:
        composed.start("sandbox")
        composed.wait_until_healthy("sandbox")
        assert composed.start("migrate").wait(timeout=HEALTHY_WITHIN_SECONDS) == 0, composed.log("migrate")
        assert any((tmp_path / "static").iterdir())
        for name in PROGRAMS:
            composed.start(name)
        composed.wait_until_healthy(*PROGRAMS)
        status, body = ask(f"http://127.0.0.1:{composed.ports['8000']}", "/health/ready", timeout=3)
        assert (status, json.loads(body)["status"]) == (200, "ok"), body
    finally:
        composed.stop()
