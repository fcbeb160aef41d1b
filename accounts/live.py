"""Live events: one channel per user, carrying names of what changed; pages fetch the fragment themselves.

Best effort across processes through Redis: an event may be lost, a heartbeat through the same Redis tells the pages
whether to trust the stream, and what was missed is read from the database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import uuid4

import redis
import structlog
from django.conf import settings
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.event import Event
from django_eventstream.views import ListenerManager, get_listener_manager
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.revisions import raise_revision

log = structlog.get_logger(__name__)

# Publish and subscribe know no database numbers: the name keeps installations on one Redis apart.
TOPIC = f"tradebot:{settings.EVENTSTREAM_REDIS['db']}:live"
HEARTBEAT_SECONDS = 5.0
LONGEST_BURST = 200


def channel_of(user_id: int) -> str:
    return f"user-{user_id}"


def publish(user_id: int, *names: str) -> None:
    """Tell the user's open pages that `names` changed, and forget what is remembered of the user. Call it on commit;
    never raises when Redis is away."""
    publish_all({user_id: names})


def publish_all(changed: Mapping[int, Sequence[str]]) -> None:
    """`publish` for many users at once, by user id."""
    events = _client().pipeline(transaction=False)
    for user_id, names in changed.items():
        raise_revision(user_id)
        message = {"channel": channel_of(user_id), "type": "changed", "data": json.dumps(names)}
        events.publish(TOPIC, json.dumps(message))
    try:
        events.execute()
    except redis.RedisError as error:
        log.warning("live_event_lost", changed=dict(changed), error=type(error).__name__)


@cache
def _client() -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis(**settings.EVENTSTREAM_REDIS, socket_timeout=1, socket_connect_timeout=0.5, retry=once)


class OwnChannelManager(ChannelManagerBase):  # type: ignore[misc]
    """A signed-in user reads exactly one channel, their own; what the query string says is not even looked at."""

    def get_channels_for_request(self, request: Any, view_kwargs: dict[str, Any]) -> set[str]:
        return {channel_of(request.user.pk)} if request.user.is_authenticated else set()

    def can_read_channel(self, user: Any, channel: str) -> bool:
        return user is not None and user.is_active and channel == channel_of(user.pk)

    def is_channel_reliable(self, channel: str) -> bool:
        return False


class RetryingListener:
    """Redis → this process's open streams, for as long as the process lives.

    django-eventstream's own listener ends silently when Redis stays away; this one tries again, waiting
    `first_wait` seconds and then twice as long each time, `longest_wait` at most.
    """

    def __init__(
        self,
        *,
        first_wait: float = 0.2,
        longest_wait: float = 5.0,
        heartbeat: float = HEARTBEAT_SECONDS,
        server: Mapping[str, Any] | None = None,
        manager: ListenerManager | None = None,
    ) -> None:
        self.server, self.manager = server or settings.EVENTSTREAM_REDIS, manager
        self.first_wait, self.longest_wait, self.heartbeat = first_wait, longest_wait, heartbeat
        self.name = uuid4().hex
        # A task nobody refers to is collected, and then every stream is deaf.
        self.task: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Called once, by django-eventstream, when the first stream opens."""
        self.task = asyncio.current_task()
        wait = self.first_wait
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except (redis.RedisError, OSError, ValueError, TypeError, KeyError) as error:
                log.warning("live_listener_retries", error=type(error).__name__, wait_seconds=wait)
            if time.monotonic() - began > self.heartbeat * 2:
                wait = self.first_wait
            await asyncio.sleep(wait)
            wait = min(wait * 2, self.longest_wait)

    async def _listen(self) -> None:
        client = AsyncRedis(**self.server, socket_timeout=10, socket_connect_timeout=2)
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe(TOPIC)
            sent_at = heard_at = time.monotonic()
            await client.publish(TOPIC, json.dumps({"type": "heartbeat", "from": self.name}))
            while time.monotonic() - heard_at < self.heartbeat * 3:
                messages = await self._waiting(pubsub)
                if messages:
                    heard_at = time.monotonic()
                    self._hand_on(messages)
                if time.monotonic() - sent_at >= self.heartbeat:
                    sent_at = time.monotonic()
                    await client.publish(TOPIC, json.dumps({"type": "heartbeat", "from": self.name}))
            raise redis.ConnectionError("no heartbeat came back")

    async def _waiting(self, pubsub: Any) -> list[dict[str, str]]:
        """What has arrived, waiting a moment for the first; [] when nothing did."""
        found: list[dict[str, str]] = []
        wait = self.heartbeat / 4
        while len(found) < LONGEST_BURST:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=wait)
            if message is None:
                break
            found.append(json.loads(message["data"]))
            wait = 0.0
        return found

    def _hand_on(self, messages: list[dict[str, str]]) -> None:
        """One event a channel with all its names: a stream drops what exceeds ten events waiting."""
        manager = self.manager or get_listener_manager()
        names: dict[str, dict[str, None]] = {}
        for message in messages:
            if message["type"] == "changed":
                names.setdefault(message["channel"], {}).update(dict.fromkeys(json.loads(message["data"])))
        for channel, changed in names.items():
            manager.add_to_queues(channel, Event(channel, "changed", json.dumps(list(changed))))
        if any(message.get("from") == self.name for message in messages):
            for channel in list(manager.listeners_by_channel):
                manager.add_to_queues(channel, Event(channel, "heartbeat", ""))


def install_listener(listener: RetryingListener | None = None) -> None:
    """Put ours in the place of django-eventstream's; nothing connects before the first stream opens."""
    manager = get_listener_manager()
    if listener is not None or not isinstance(manager.redis_listener, RetryingListener):
        manager.redis_listener = listener or RetryingListener()
        manager.redis_listener_started = False
