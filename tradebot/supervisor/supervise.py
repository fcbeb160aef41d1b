"""The life of an instance: start in order, watch, restart with back-off, stop cleanly.

READY is said once everything answers; from then on run.json names the processes as they are.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tradebot.supervisor.instance import ROOT, Instance
from tradebot.supervisor.keys import exported_secrets, instance_secrets
from tradebot.supervisor.lock import InUse, hold_data_dir
from tradebot.supervisor.logfiles import last_lines, open_log
from tradebot.supervisor.places import make_walkable
from tradebot.supervisor.ports import is_free, owner_of
from tradebot.supervisor.processes import Child, Service, death_wish
from tradebot.supervisor.records import (
    end_leftovers,
    forget_processes,
    note_own_processes,
    print_ready,
    write_run_file,
)
from tradebot.supervisor.servers import Servers, choose_servers
from tradebot.supervisor.stopping import stop_in_turn
from tradebot.supervisor.table import product_environment, programs_in_order, servers_in_order

READY_WITHIN_SECONDS = 120
TICK_SECONDS = 0.05


class Failed(Exception):
    """A service did not become ready or dies too often; the message shows the end of its log (exit 5)."""


class StopAsked(Exception):
    """SIGINT or SIGTERM came while something was waited for."""


def run_instance(instance: Instance) -> None:
    """Run the instance until it is asked to stop. Raises InUse, Failed."""
    make_walkable(instance.data_dir)
    with hold_data_dir(instance.data_dir):
        left = end_leftovers(instance.data_dir)
        if left:
            say(f"Ended what a killed start had left running: {', '.join(left)}.")
        if not is_free(instance.host, instance.port):
            raise InUse(
                f"Port {instance.port} is busy: {owner_of(instance.port)} listens there. Type PORT=8010 ./run, or stop it."
            )
        instance.logs.mkdir(mode=0o700, exist_ok=True)
        Supervisor(instance).run()


class Supervisor:
    """Holds the children of one instance; single-threaded, since children hear of their parent thread's death."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.secrets = instance_secrets(instance.data_dir)
        self.servers: Servers = choose_servers(instance, self.secrets)
        self.environment = product_environment(instance, self.servers, self.secrets)
        self.children: list[Child] = []
        self.is_announced = False
        self.is_stopping = False

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What the caller had ignored stays so: that is what nohup means.
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGTERM:
                signal.signal(number, self.on_signal)
        try:
            self.start_in_order()
            while True:
                self.watch()
        except StopAsked:
            say("Stopping.")
        finally:
            stop_in_turn(self.children)
            forget_processes(self.instance)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def start_in_order(self) -> None:
        self.start_together(servers_in_order(self.servers))
        self.prepare_database()
        self.start_together(programs_in_order(self.instance, self.servers, self.environment))
        self.wait_for_health()
        self.is_announced = True
        self.write_records()
        print_ready(self.instance)

    def start_together(self, services: list[Service]) -> None:
        """Start services that do not need each other, and wait until all answer."""
        fresh = [Child(service, self.instance.logs / f"{service.name}.log") for service in services]
        for child in fresh:
            self.children.append(child)
            self.start(child)
        while not all(child.is_ready for child in fresh):
            self.watch()

    def start(self, child: Child) -> None:
        child.start(ready_within=READY_WITHIN_SECONDS)
        self.write_records()

    def prepare_database(self) -> None:
        """Bring the schema up to date and lay out the demo, in one process of Django's."""
        log = self.instance.logs / "prepare.log"
        with open_log(log) as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tradebot.prepare"],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=death_wish(signal.SIGKILL),
            )
        try:
            while process.poll() is None:
                self.watch()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise Failed(f"The database could not be prepared. The end of {log}:\n{last_lines(log)}")

    def wait_for_health(self) -> None:
        """Wait until /health/ready says ok: web answers, and knows worker, beat and sandbox alive."""
        give_up_at = time.monotonic() + READY_WITHIN_SECONDS
        while (report := health_of(self.instance.url)).get("status") != "ok":
            if time.monotonic() > give_up_at:
                raise Failed(
                    f"Not ready after {READY_WITHIN_SECONDS} s: {json.dumps(report.get('checks', report))}"
                )
            self.watch()
            time.sleep(0.1)

    def watch(self) -> None:
        """One look at every child: bury the dead, start those whose time has come, see who is ready now."""
        if self.is_stopping:
            raise StopAsked
        now = time.monotonic()
        for child in self.children:
            if child.has_died():
                self.bury(child)
            elif child.process is None and child.start_at <= now:
                say(f"Starting {child.service.name} again.")
                self.start(child)
            elif child.process and not child.is_ready:
                self.look_for_readiness(child, now)
        time.sleep(TICK_SECONDS)

    def bury(self, child: Child) -> None:
        name = child.service.name
        code = child.bury()
        say(f"{name} ended by itself (exit {code}).")
        self.write_records()
        if child.dies_too_often():
            raise Failed(
                f"{name} died five times within a minute. The end of {child.log}:\n{last_lines(child.log)}"
            )

    def look_for_readiness(self, child: Child, now: float) -> None:
        if child.service.answers():
            child.is_ready = True
        elif now > child.ready_by:
            raise Failed(
                f"{child.service.name} is not ready after {READY_WITHIN_SECONDS} s. "
                f"The end of {child.log}:\n{last_lines(child.log)}"
            )

    def write_records(self) -> None:
        note_own_processes(self.instance.data_dir, self.children)
        if self.is_announced:
            token = exported_secrets(self.secrets, self.instance.variables)["SANDBOX_TOKEN"]
            write_run_file(self.instance, self.servers, token, self.children)


def health_of(url: str) -> dict[str, Any]:
    """What /health/ready says now; the difficulty in words where it says nothing."""
    try:
        with urlopen(f"{url}/health/ready", timeout=3) as answer:
            return dict(json.load(answer))
    except HTTPError as refusal:
        return {"status": f"HTTP {refusal.code}", "checks": refusal.read().decode(errors="replace")[:2000]}
    except (OSError, ValueError) as trouble:
        return {"status": "no answer", "checks": str(trouble)}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
