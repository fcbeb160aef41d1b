"""Is every part there? Asked afresh, each part with its own short time-out, so that a hung part never hangs the page.

`report()` is what /health/ready shows; `away()` names in words what a user should know is missing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exchange.feed.sign import Sign, read_sign
from tradebot.heartbeats import STALE_AFTER_SECONDS, client, heartbeat_ages
from tradebot.supervisor.asking import ask

ANSWER_WITHIN_SECONDS = 1.5
REMEMBERED_SECONDS = 0.5
NAMES: dict[str, str | Promise] = {
    "database": _("the database"),
    "migrations": _("the database's newest tables"),
    "redis": _("the message broker"),
    "worker": _("the worker that runs bots"),
    "research": _("the worker that computes backtests and optimisations"),
    "beat": _("the schedule that wakes bots"),
    "feed": _("the live feed of prices"),
    "sandbox": _("the paper exchange"),
}
# What gives signs of life by `tradebot.heartbeats`.
BEATING = ("worker", "research", "beat")


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state: `age_seconds` is how old its last sign of life is, where it gives any."""

    ok: bool
    detail: str
    age_seconds: float | None = None
    # Cannot be told while another part is away, which is then the one to name.
    is_known: bool = True


Probe = Callable[[], dict[str, Check]]


def probe_database(database: Mapping[str, Any]) -> dict[str, Check]:
    """Database and migrations, over a connection of its own: the pool may be what is exhausted."""
    transport = {name: value for name, value in database.get("OPTIONS", {}).items() if name.startswith("ssl")}
    try:
        with psycopg.connect(
            host=database["HOST"],
            port=database["PORT"],
            user=database["USER"],
            password=database["PASSWORD"],
            dbname=database["NAME"],
            connect_timeout=2,
            **transport,
        ) as connection:
            applied = set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
    except psycopg.errors.UndefinedTable:
        return {"database": Check(True, "answers"), "migrations": Check(False, "none applied")}
    except psycopg.Error as trouble:
        return {"database": Check(False, first_line(trouble)), "migrations": unknown("the database")}
    missing = [f"{app}.{name}" for app, name in newest_migrations() if (app, name) not in applied]
    detail = f"not applied: {', '.join(missing)}" if missing else "all applied"
    return {"database": Check(True, "answers"), "migrations": Check(not missing, detail)}


@cache
def newest_migrations() -> tuple[tuple[str, str], ...]:
    """The last migration of each application, from the code."""
    return tuple(sorted(MigrationLoader(None).graph.leaf_nodes()))


def probe_redis(redis_url: str) -> dict[str, Check]:
    """Redis, and the signs of life it keeps of both workers, beat and feed."""
    connection = client(redis_url)
    try:
        ages = heartbeat_ages(connection, BEATING, now=time.time())
        sign = read_sign(connection)
    except redis.RedisError as trouble:
        hidden = unknown("Redis")
        return {"redis": Check(False, first_line(trouble)), **dict.fromkeys((*BEATING, "feed"), hidden)}
    finally:
        connection.close()
    alive = {name: judge_age(age) for name, age in ages.items()}
    return {"redis": Check(True, "answers"), **alive, "feed": judge_feed(sign, now=time.time())}


def judge_feed(sign: Sign | None, *, now: float) -> Check:
    """Well while its leader lives and is connected."""
    if sign is None:
        return judge_age(None)
    life = judge_age(max(0.0, now - sign.at))
    return Check(life.ok and sign.is_connected, f"{sign.as_text()}; {life.detail}", life.age_seconds)


def judge_age(age: float | None) -> Check:
    if age is None:
        return Check(False, "no sign of life yet")
    return Check(age <= STALE_AFTER_SECONDS, f"last sign of life {age:.1f} s ago", round(age, 1))


def probe_sandbox(sandbox_url: str) -> dict[str, Check]:
    try:
        status, _body = ask(sandbox_url, "/api/v3/ping")
    except OSError as trouble:
        return {"sandbox": Check(False, first_line(trouble))}
    return {"sandbox": Check(status == 200, "answers" if status == 200 else f"answers HTTP {status}")}


def unknown(what: str) -> Check:
    return Check(False, f"unknown while {what} is away", is_known=False)


def away_together(names: tuple[str, ...], detail: str) -> dict[str, Check]:
    """A probe that says nothing: its first part is what is away, of the others nothing is known."""
    return {name: Check(False, detail, is_known=name == names[0]) for name in names}


def first_line(trouble: Exception) -> str:
    return (str(trouble).strip() or type(trouble).__name__).splitlines()[0][:200]


class Prober:
    """Runs probes side by side and remembers the last report for a moment.

    A probe that hangs keeps its one thread; it is not started again until it returns, and its parts count as away.
    """

    def __init__(self, probes: dict[Probe, tuple[str, ...]]) -> None:
        self.probes = probes
        self.threads = ThreadPoolExecutor(max_workers=len(probes), thread_name_prefix="health")
        self.running: dict[Probe, Future[dict[str, Check]]] = {}
        self.lock = threading.Lock()
        self.last: tuple[float, dict[str, Check]] | None = None

    def checks(self) -> dict[str, Check]:
        """Every part's state, half a second old at most, within two seconds."""
        with self.lock:
            if self.last is None or time.monotonic() - self.last[0] > REMEMBERED_SECONDS:
                found = self.probe()
                self.last = (time.monotonic(), found)
            return self.last[1]

    def probe(self) -> dict[str, Check]:
        for probe in self.probes:
            if probe not in self.running:
                self.running[probe] = self.threads.submit(probe)
        wait(self.running.values(), timeout=ANSWER_WITHIN_SECONDS)
        found: dict[str, Check] = {}
        for probe, names in self.probes.items():
            future = self.running[probe]
            if not future.done():
                found |= away_together(names, f"no answer within {ANSWER_WITHIN_SECONDS} s")
                continue
            del self.running[probe]
            trouble = future.exception()
            found |= away_together(names, repr(trouble)) if trouble else future.result()
        return found


prober = Prober(
    {
        partial(probe_database, settings.DATABASES["default"]): ("database", "migrations"),
        partial(probe_redis, settings.REDIS_URL): ("redis", *BEATING, "feed"),
        partial(probe_sandbox, settings.SANDBOX_URL): ("sandbox",),
    }
)


def report() -> dict[str, Any]:
    """What /health/ready answers: down without database or schema, degraded without anything else."""
    checks = prober.checks()
    return {"status": status_of(checks), "checks": {name: public(check) for name, check in checks.items()}}


def status_of(checks: dict[str, Check]) -> str:
    if not (checks["database"].ok and checks["migrations"].ok):
        return "down"
    return "ok" if all(check.ok for check in checks.values()) else "degraded"


def public(check: Check) -> dict[str, Any]:
    content = asdict(check)
    del content["is_known"]
    return content


def away() -> list[str | Promise]:
    """What is away, in words for people; parts that only cannot be told are left out."""
    return [NAMES[name] for name, check in prober.checks().items() if not check.ok and check.is_known]
