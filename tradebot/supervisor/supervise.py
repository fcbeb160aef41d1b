"""The life of an instance: start in order, watch, stop cleanly.

READY is said once everything answers; from then on run.json names the processes as they are.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from types import FrameType

from tradebot.supervisor.asking import health_of
from tradebot.supervisor.crew import READY_WITHIN_SECONDS, Crew, Failed, say
from tradebot.supervisor.instance import ROOT, Instance
from tradebot.supervisor.keys import exported_secrets, instance_secrets
from tradebot.supervisor.lock import InUse, hold_data_dir
from tradebot.supervisor.logfiles import last_lines, open_log
from tradebot.supervisor.places import make_walkable
from tradebot.supervisor.ports import is_free, owner_of
from tradebot.supervisor.prepared import is_prepared, note_prepared
from tradebot.supervisor.processes import death_wish
from tradebot.supervisor.records import (
    end_leftovers,
    forget_processes,
    note_own_processes,
    print_ready,
    write_run_file,
)
from tradebot.supervisor.servers import choose_servers
from tradebot.supervisor.table import product_environment, programs_in_order, servers_in_order


class StopAsked(Exception):
    """SIGINT or SIGTERM came while something was waited for."""


def run_instance(instance: Instance) -> None:
    """Run the instance until it is asked to stop. Raises InUse, Failed."""
    make_walkable(instance.data_dir)
    with hold_data_dir(instance.data_dir):
        left = end_leftovers(instance.data_dir)
        if left:
            say(f"Ended what a killed start had left running: {', '.join(left)}.")
        forget_processes(instance)
        check_port_is_free(instance)
        instance.logs.mkdir(mode=0o700, exist_ok=True)
        Supervisor(instance).run()


def check_port_is_free(instance: Instance) -> None:
    if not is_free(instance.host, instance.port):
        owner = owner_of(instance.port)
        raise InUse(f"Port {instance.port} is busy: {owner} listens there. Stop it, or type PORT=8010 ./run.")


class Supervisor:
    """One start of an instance, from its servers to READY and to its stop."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.secrets = instance_secrets(instance.data_dir)
        self.servers = choose_servers(instance, self.secrets)
        self.environment = product_environment(instance, self.servers, self.secrets)
        self.crew = Crew(instance.logs, self.write_records)
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
                self.look_on()
        except StopAsked:
            say("Stopping.")
        finally:
            self.crew.stop()
            forget_processes(self.instance)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def check_go_on(self) -> None:
        if self.is_stopping:
            raise StopAsked

    def look_on(self) -> None:
        self.check_go_on()
        self.crew.watch()

    def start_in_order(self) -> None:
        """Database and Valkey, then the schema and the demo where they are not as they should be, then our programs: a
        group once the first of the group before it answers."""
        servers = self.crew.launch(servers_in_order(self.servers, self.environment))
        embedded = [child for child in servers if child.service.name != "sandbox"]
        self.crew.wait_for(embedded, check_go_on=self.check_go_on)
        if not is_prepared(self.instance, self.servers.database_url):
            # The demo's bots are checked against the exchange's rules.
            self.crew.wait_for(servers, check_go_on=self.check_go_on)
            self.prepare_database()
            note_prepared(self.instance, self.servers.database_url)
        for programs in programs_in_order(self.instance, self.environment):
            self.crew.wait_for(self.crew.launch(programs)[:1], check_go_on=self.check_go_on)
        self.crew.wait_for(self.crew.children, check_go_on=self.check_go_on)
        self.wait_for_health()
        self.is_announced = True
        self.write_records()
        print_ready(self.instance)

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
                self.look_on()
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise Failed(f"The database could not be prepared. The end of {log}:\n{last_lines(log)}")

    def wait_for_health(self) -> None:
        """Wait until /health/ready says ok: web answers, and knows worker, beat and sandbox alive."""
        give_up_at = time.monotonic() + READY_WITHIN_SECONDS
        while (report := health_of(self.instance.url)).get("status") != "ok":
            if time.monotonic() > give_up_at:
                checks = json.dumps(report.get("checks", report))
                raise Failed(f"Not ready after {READY_WITHIN_SECONDS} s: {checks}")
            self.look_on()

    def write_records(self) -> None:
        note_own_processes(self.instance.data_dir, self.crew.children)
        if self.is_announced:
            token = exported_secrets(self.secrets, self.instance.variables)["SANDBOX_TOKEN"]
            write_run_file(self.instance, self.servers, token, self.crew.children)
