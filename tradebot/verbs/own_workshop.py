"""PostgreSQL, Valkey and a worker of a verb's own, without the rest of an instance: nothing else uses the two cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tradebot.supervisor import table
from tradebot.supervisor.instance import ROOT
from tradebot.supervisor.keys import exported_secrets, instance_secrets
from tradebot.supervisor.places import choose_place
from tradebot.supervisor.ports import free_port
from tradebot.supervisor.postgres import Postgres
from tradebot.supervisor.processes import Child, Service
from tradebot.supervisor.valkey import Valkey
from tradebot.verbs.own_instance import OWN_SERVERS

READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.05


class OwnWorkshop:
    """`with OwnWorkshop(folder, sandbox_url=…) as shop:` the servers answer and the database has its tables;
    `shop.start_worker()` is the product's own worker with its two children."""

    def __init__(self, folder: Path, *, sandbox_url: str) -> None:
        data_dir = folder / "data"
        data_dir.mkdir(mode=0o711)
        secrets = instance_secrets(data_dir)
        self.postgres = Postgres(
            place=choose_place(data_dir),
            port=free_port(),
            owner_password=secrets["POSTGRES_OWNER_PASSWORD"],
            password=secrets["POSTGRES_PASSWORD"],
        )
        self.valkey = Valkey(place=data_dir / "valkey", port=free_port(), password=secrets["VALKEY_PASSWORD"])
        kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        self.environment = kept | exported_secrets(secrets, {}) | {
            "ENVIRONMENT": "development",
            "ENV_FILE": str(folder / "no.env"),
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "SANDBOX_URL": sandbox_url,
            "DJANGO_SETTINGS_MODULE": "tradebot.settings",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        self.logs = data_dir / "logs"
        self.children: list[Child] = []

    def __enter__(self) -> OwnWorkshop:
        try:
            for service in (self.postgres.service(), self.valkey.service()):
                self.start(service)
            self.manage("migrate", "--verbosity", "0")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, service: Service) -> None:
        """Returns once the service answers."""
        self.logs.mkdir(exist_ok=True)
        child = Child(service, self.logs / f"{service.name}.log")
        self.children.append(child)
        child.start(ready_within=READY_WITHIN_SECONDS)
        while not service.answers():
            if child.has_died() or time.monotonic() > child.ready_by:
                raise RuntimeError(f"{service.name} did not start:\n{child.log.read_text()[-2000:]}")
            time.sleep(LOOK_EVERY_SECONDS)

    def start_worker(self) -> None:
        self.start(table.worker(self.environment))

    def manage(self, *arguments: str) -> str:
        """What a management command said; RuntimeError with its complaint."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def stop(self) -> None:
        """The worker first; each asked, then ended."""
        for child in reversed(self.children):
            child.ask_to_stop()
            if child.process is not None:
                try:
                    child.process.wait(STOP_WITHIN_SECONDS)
                except subprocess.TimeoutExpired:
                    print(f"{child.service.name} did not stop by itself", file=sys.stderr)
            child.end()
        self.children.clear()
