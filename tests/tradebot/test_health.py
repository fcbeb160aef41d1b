"""Health tells the truth, quickly, also when parts hang; the banner names what is away without asking a database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from exchange.feed.sign import STATE, Sign, SignBoard
from tradebot.doctor import ADVICE
from tradebot.health import (
    NAMES,
    Check,
    Prober,
    judge_age,
    judge_feed,
    probe_database,
    probe_redis,
    probe_sandbox,
    status_of,
)
from tradebot.heartbeats import PREFIX, STALE_AFTER_SECONDS, Heartbeat, heartbeat_ages
from tradebot.supervisor.ports import free_port

WELL = Check(True, "answers")


def everything(**changed: Check) -> dict[str, Check]:
    names = ("database", "migrations", "redis", "worker", "research", "beat", "feed", "sandbox")
    return {name: changed.get(name, WELL) for name in names}


@pytest.fixture
def connection() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(f"{PREFIX}worker", f"{PREFIX}research", f"{PREFIX}beat")
    yield client
    client.close()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "ok"),
        ({"redis": Check(False, "refused")}, "degraded"),
        ({"worker": Check(False, "silent")}, "degraded"),
        ({"research": Check(False, "silent")}, "degraded"),
        ({"database": Check(False, "refused")}, "down"),
        ({"migrations": Check(False, "not applied: bots.0009_x"), "beat": Check(False, "silent")}, "down"),
    ],
)
def test_only_database_and_schema_bring_everything_down(changed: dict[str, Check], status: str) -> None:
    assert status_of(everything(**changed)) == status


@pytest.mark.django_db
def test_a_database_with_the_newest_schema_is_well() -> None:
    checks = probe_database(settings.DATABASES["default"])
    assert checks == {"database": Check(True, "answers"), "migrations": Check(True, "all applied")}


def test_a_missing_database_hides_its_migrations() -> None:
    nowhere = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": free_port()}
    checks = probe_database(nowhere)
    assert (checks["database"].ok, checks["database"].is_known) == (False, True)
    assert checks["migrations"] == Check(False, "unknown while the database is away", is_known=False)


def test_an_empty_database_has_no_schema() -> None:
    # Every cluster has this one, and nobody migrates it.
    empty = {**settings.DATABASES["default"], "NAME": "template1"}
    assert probe_database(empty)["migrations"] == Check(False, "none applied")


def test_worker_and_beat_are_as_old_as_their_last_sign(connection: redis.Redis) -> None:
    Heartbeat("worker").give()
    checks = probe_redis(settings.REDIS_URL)
    assert checks["redis"] == WELL
    assert checks["worker"].ok
    # The one says nothing of the other.
    assert checks["research"] == checks["beat"] == Check(False, "no sign of life yet")
    ages = heartbeat_ages(connection, ("worker", "beat"), now=time.time() + 60)
    assert ages["beat"] is None
    assert 60 <= (ages["worker"] or 0) < 70


@pytest.mark.parametrize(
    ("age", "ok"), [(0.0, True), (STALE_AFTER_SECONDS, True), (STALE_AFTER_SECONDS + 0.1, False)]
)
def test_a_sign_of_life_goes_stale(age: float, ok: bool) -> None:
    assert judge_age(age).ok is ok


def test_the_feed_is_well_while_its_leader_lives_and_is_connected(connection: redis.Redis) -> None:
    connection.delete(STATE)
    assert probe_redis(settings.REDIS_URL)["feed"] == Check(False, "no sign of life yet")
    now = time.time()
    well = Sign(at=now, is_connected=True, trouble="", series=4, lag_ms=3.2)
    SignBoard().give(well)
    assert probe_redis(settings.REDIS_URL)["feed"].ok
    assert judge_feed(well, now=now + 1) == Check(
        True, "connected, 4 series, lag 3 ms; last sign of life 1.0 s ago", 1.0
    )
    assert not judge_feed(well, now=now + STALE_AFTER_SECONDS + 1).ok
    cut = judge_feed(replace(well, is_connected=False, trouble="silent for 15 s"), now=now)
    assert (cut.ok, cut.is_known) == (False, True)
    assert cut.detail.startswith("not connected: silent for 15 s")


def test_without_redis_nobody_claims_to_know_of_worker_and_beat() -> None:
    checks = probe_redis(f"redis://127.0.0.1:{free_port()}/0")
    assert checks["redis"].ok is False
    hidden = Check(False, "unknown while Redis is away", is_known=False)
    assert [checks[name] for name in ("worker", "research", "beat", "feed")] == [hidden] * 4


def test_a_missing_sandbox_is_named() -> None:
    assert probe_sandbox(f"http://127.0.0.1:{free_port()}")["sandbox"].ok is False


def test_a_probe_that_hangs_hangs_nobody_and_is_not_asked_twice() -> None:
    release, asked = threading.Event(), []

    def hang() -> dict[str, Check]:
        asked.append(1)
        release.wait(30)
        return {"sandbox": WELL}

    prober = Prober({hang: ("sandbox",), lambda: {"redis": WELL}: ("redis",)})
    started = time.monotonic()
    first, second = prober.probe(), prober.probe()
    assert time.monotonic() - started < 5
    assert first == second == {"sandbox": Check(False, "no answer within 1.5 s"), "redis": WELL}
    assert len(asked) == 1
    release.set()
    prober.threads.shutdown()


def test_a_probe_that_breaks_counts_as_away() -> None:
    def broken() -> dict[str, Check]:
        raise ZeroDivisionError

    prober = Prober({broken: ("redis", "worker")})
    assert prober.checks() == {
        "redis": Check(False, "ZeroDivisionError()"),
        "worker": Check(False, "ZeroDivisionError()", is_known=False),
    }
    prober.threads.shutdown()


@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_the_web_process_answers_without_a_database(client: Client, path: str) -> None:
    # No database mark: a query would be an error.
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health/ready", "/health/ready/", "/api/v1/health", "/api/v1/health/"])
def test_readiness_is_served_under_every_name(client: Client, path: str) -> None:
    report: dict[str, Any] = client.get(path).json()
    assert set(report["checks"]) == set(everything())
    assert all(set(check) == {"ok", "age_seconds", "detail"} for check in report["checks"].values())


def test_the_banner_asks_no_database_and_no_session(client: Client) -> None:
    client.cookies["sessionid"] = "0" * 32
    answer = client.get("/system/banner")
    assert answer.status_code == 200
    assert 'id="system-banner"' in answer.content.decode()


def test_every_part_has_a_name_for_people_and_advice() -> None:
    assert set(NAMES) == set(ADVICE) == set(everything())
    assert NAMES["research"] == "the worker that computes backtests and optimisations"


def test_the_banner_names_what_is_away_and_is_empty_otherwise() -> None:
    named = render_to_string("tradebot/_system_banner.html", {"away": ["the database", "the paper exchange"]})
    assert "the database, the paper exchange" in named
    silent = render_to_string("tradebot/_system_banner.html", {"away": []})
    assert "alert" not in silent
