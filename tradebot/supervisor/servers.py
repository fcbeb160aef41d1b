"""Which servers an instance uses: the embedded ones, or those the environment names instead.

Ports and places are chosen at the first start and kept in DATA_DIR/servers.json; a port taken meanwhile is chosen anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradebot.supervisor.files import read_json, write_private_json
from tradebot.supervisor.instance import Instance
from tradebot.supervisor.places import choose_place
from tradebot.supervisor.ports import kept_port
from tradebot.supervisor.postgres import Postgres
from tradebot.supervisor.valkey import Valkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Addresses of everything an instance talks to; None where the environment brought its own."""

    postgres: Postgres | None
    valkey: Valkey | None
    sandbox_port: int | None
    database_url: str
    redis_url: str
    sandbox_url: str


def choose_servers(instance: Instance, secrets: Mapping[str, str]) -> Servers:
    """The servers of this start; what was chosen is written down before anything is started with it."""
    path = instance.data_dir / "servers.json"
    kept = read_json(path) or {}
    given = instance.variables
    postgres = valkey = sandbox_port = None
    if not given.get("DATABASE_URL"):
        postgres = Postgres(
            place=Path(kept.get("postgres_place") or choose_place(instance.data_dir)),
            port=kept_port(kept.get("postgres_port")),
            owner_password=secrets["POSTGRES_OWNER_PASSWORD"],
            password=secrets["POSTGRES_PASSWORD"],
        )
        kept |= {"postgres_place": str(postgres.place), "postgres_port": postgres.port}
    if not given.get("REDIS_URL"):
        valkey = Valkey(
            place=instance.data_dir / "valkey",
            port=kept_port(kept.get("valkey_port")),
            password=secrets["VALKEY_PASSWORD"],
        )
        kept |= {"valkey_port": valkey.port}
    if not given.get("SANDBOX_URL"):
        sandbox_port = kept_port(kept.get("sandbox_port"))
        kept |= {"sandbox_port": sandbox_port}
    write_private_json(path, kept)
    return Servers(
        postgres=postgres,
        valkey=valkey,
        sandbox_port=sandbox_port,
        database_url=postgres.url if postgres else given["DATABASE_URL"],
        redis_url=valkey.url if valkey else given["REDIS_URL"],
        sandbox_url=f"http://127.0.0.1:{sandbox_port}" if sandbox_port else given["SANDBOX_URL"],
    )
