"""The process table: what an instance consists of, in the order in which it starts."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from typing import Final

from tradebot.supervisor.asking import answers_http
from tradebot.supervisor.instance import ROOT, Instance
from tradebot.supervisor.keys import exported_secrets
from tradebot.supervisor.processes import Service
from tradebot.supervisor.servers import Servers


def product_environment(instance: Instance, servers: Servers, secrets: Mapping[str, str]) -> dict[str, str]:
    """What every process of the product is told: where things are, and the secrets."""
    return {
        **instance.variables,
        **exported_secrets(secrets, instance.variables),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "SANDBOX_URL": servers.sandbox_url,
        "DATA_DIR": str(instance.data_dir),
        "HOST": instance.host,
        "PORT": str(instance.port),
        "ENVIRONMENT": instance.environment,
        "DEMO_EMAIL": instance.demo_email,
        "DEMO_PASSWORD": instance.demo_password,
        "DJANGO_SETTINGS_MODULE": "tradebot.settings",
        "PYTHONUNBUFFERED": "1",
        # One folder decides which code runs; numeric libraries need no threads of their own beside ours.
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def servers_in_order(servers: Servers, environment: Mapping[str, str]) -> list[Service]:
    """The embedded servers, which everything else waits for; they do not need each other."""
    embedded = [server.service() for server in (servers.postgres, servers.valkey) if server]
    return [*embedded, sandbox(servers, environment)] if servers.sandbox_port else embedded


def programs_in_order(instance: Instance, environment: Mapping[str, str]) -> list[list[Service]]:
    """Our own programs, started once the database stands as they expect it. Nobody looks at a page sooner for research
    that starts beside it: that waits until web answers."""
    first = web(instance, environment), worker(environment), beat(environment), feed(environment)
    return [[*first], [research(environment)]]


def sandbox(servers: Servers, environment: Mapping[str, str]) -> Service:
    return Service(
        name="sandbox",
        command=(sys.executable, "-m", "exchange.sandbox"),
        environment={**environment, "SANDBOX_HOST": "127.0.0.1", "SANDBOX_PORT": str(servers.sandbox_port)},
        answers=lambda: answers_http(servers.sandbox_url, "/api/v3/ping"),
        folder=str(ROOT),
    )


def web(instance: Instance, environment: Mapping[str, str]) -> Service:
    # An open event stream would hold uvicorn's stop for ever: two seconds are its grace.
    grace = ("--timeout-graceful-shutdown", "2")
    address = ("--host", instance.host, "--port", str(instance.port))
    return Service(
        name="web",
        command=(
            sys.executable,
            "-m",
            "uvicorn",
            "tradebot.asgi:application",
            *address,
            *grace,
            "--no-access-log",
            # uvicorn would believe anybody on this machine; accounts.client_address asks TRUSTED_PROXIES.
            "--no-proxy-headers",
        ),
        environment={**environment, "PROCESS_ROLE": "web"},
        answers=lambda: answers_http(instance.url, "/health"),
        folder=str(ROOT),
    )


# Backtests ask for the same vectors of some megabytes again and again; given back to the system each time, half of
# their time goes into fetching them anew (glibc's mallopt; elsewhere it says nothing).
KEEPS_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
    "MALLOC_TOP_PAD_": "16777216",
}
# Peak of a child in KiB after which a fresh one takes its place: years of minutes leave a heap full of holes.
MOST_KIB: Final = "800000"


def worker(environment: Mapping[str, str]) -> Service:
    """What trades: it waits for nothing that is not money."""
    return celery_worker("worker", "-Q", "celery", environment=environment)


def research(environment: Mapping[str, str]) -> Service:
    """Backtests, searches, comparisons, chart studies: whatever is long and not money. It gives way to everything else
    (`tradebot.giving_way`)."""
    options = ("-Q", "research", "--max-memory-per-child", MOST_KIB)
    return celery_worker("research", *options, environment={**KEEPS_MEMORY, **environment})


def celery_worker(name: str, *options: str, environment: Mapping[str, str]) -> Service:
    usual = ("-c", "2", "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle", "-l", "INFO")
    whole = ("-n", f"{name}@%h", *options, *usual)
    return Service(
        name=name,
        command=(sys.executable, "-m", "celery", "-A", "tradebot.celery:app", "worker", *whole),
        environment={**environment, "PROCESS_ROLE": name},
        answers=lambda: True,
        # A task cut short is delivered again and continued from the database.
        orphan_signal=signal.SIGKILL,
        folder=str(ROOT),
    )


def beat(environment: Mapping[str, str]) -> Service:
    options = (
        "-S",
        "django_celery_beat.schedulers:DatabaseScheduler",
        "--max-interval",
        "5",
        "--pidfile=",
        "-l",
        "INFO",
    )
    return Service(
        name="beat",
        command=(sys.executable, "-m", "celery", "-A", "tradebot.celery:app", "beat", *options),
        environment={**environment, "PROCESS_ROLE": "beat"},
        answers=lambda: True,
        orphan_signal=signal.SIGKILL,
        folder=str(ROOT),
    )


def feed(environment: Mapping[str, str]) -> Service:
    return Service(
        name="feed",
        command=(sys.executable, str(ROOT / "manage.py"), "run_feed"),
        environment={**environment, "PROCESS_ROLE": "feed"},
        answers=lambda: True,
        # What it would have told is found by the schedule, and by the next feed as it begins.
        orphan_signal=signal.SIGKILL,
        folder=str(ROOT),
    )
