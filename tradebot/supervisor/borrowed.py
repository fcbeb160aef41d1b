"""The servers of an instance for somebody else's use: a command, or a test run on servers that are thrown away."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tradebot.supervisor.crew import Crew
from tradebot.supervisor.files import read_json
from tradebot.supervisor.instance import Instance
from tradebot.supervisor.keys import instance_secrets
from tradebot.supervisor.lock import InUse, hold_data_dir, holder_of
from tradebot.supervisor.places import choose_place, make_walkable
from tradebot.supervisor.ports import free_port
from tradebot.supervisor.postgres import Postgres
from tradebot.supervisor.records import end_leftovers, note_own_processes
from tradebot.supervisor.servers import choose_servers
from tradebot.supervisor.table import product_environment, servers_in_order
from tradebot.supervisor.valkey import Valkey


def nothing_stops_us() -> None:
    """A command is short and stopped by its own signals."""


@contextlib.contextmanager
def servers_for_command(instance: Instance) -> Iterator[dict[str, str]]:
    """The environment of the running instance; where none runs, its servers are started meanwhile."""
    make_walkable(instance.data_dir)
    holder = holder_of(instance.data_dir)
    if holder is not None:
        yield environment_of_running(instance, holder)
        return
    with hold_data_dir(instance.data_dir):
        end_leftovers(instance.data_dir)
        instance.logs.mkdir(mode=0o700, exist_ok=True)
        known = instance_secrets(instance.data_dir)
        servers = choose_servers(instance, known)
        crew = Crew(instance.logs, lambda: note_own_processes(instance.data_dir, crew.children))
        try:
            environment = product_environment(instance, servers, known)
            crew.wait_for(crew.launch(servers_in_order(servers, environment)), check_go_on=nothing_stops_us)
            yield environment
        finally:
            crew.stop()
            (instance.data_dir / "supervisor.json").unlink(missing_ok=True)


def environment_of_running(instance: Instance, holder: int) -> dict[str, str]:
    content = read_json(instance.run_file)
    if content is None:
        raise InUse(f"TradeBot (pid {holder}) is just starting or stopping; try again in a moment.")
    known = instance_secrets(instance.data_dir)
    addresses = {name.upper(): content[name] for name in ("database_url", "redis_url", "sandbox_url")}
    # The start's own addresses win over what this shell happens to say.
    variables = {**instance.variables, **addresses, "SANDBOX_TOKEN": content["sandbox_token"]}
    servers = choose_servers(instance.with_variables(variables), known)
    return product_environment(instance.with_variables(variables), servers, known)


@contextlib.contextmanager
def throwaway_servers(variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """DATABASE_URL and REDIS_URL of fresh, forgetful servers; those the environment names are used instead."""
    folder = Path(tempfile.mkdtemp(prefix="tradebot-", dir="/var/tmp" if os.path.isdir("/var/tmp") else None))
    folder.chmod(0o711)
    place = choose_place(folder)
    postgres = Postgres(
        place=place,
        port=free_port(),
        owner_password=secrets.token_urlsafe(16),
        password=secrets.token_urlsafe(16),
        is_durable=False,
    )
    valkey = Valkey(
        place=folder / "valkey", port=free_port(), password=secrets.token_urlsafe(16), is_durable=False
    )
    crew = Crew(folder, nothing_stops_us)
    wanted: dict[str, Postgres | Valkey] = {"DATABASE_URL": postgres, "REDIS_URL": valkey}
    missing = {name: server for name, server in wanted.items() if not variables.get(name)}
    try:
        launched = crew.launch([server.service() for server in missing.values()])
        crew.wait_for(launched, check_go_on=nothing_stops_us)
        yield {name: missing[name].url if name in missing else variables[name] for name in wanted}
    finally:
        crew.stop()
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
