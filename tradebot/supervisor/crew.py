"""A group of children looked after together: started, buried, started again with back-off, seen becoming ready.

Single-threaded on purpose: a child is signalled when the thread that started it ends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tradebot.supervisor.logfiles import last_lines
from tradebot.supervisor.processes import Child, Service
from tradebot.supervisor.stopping import stop_in_turn

READY_WITHIN_SECONDS = 120
TICK_SECONDS = 0.05


class Failed(Exception):
    """A service did not become ready or dies too often; the message shows the end of its log (exit 5)."""


class Crew:
    """The children in the order in which they were started; `on_change` hears of every start and death."""

    def __init__(self, logs: Path, on_change: Callable[[], None]) -> None:
        self.logs = logs
        self.on_change = on_change
        self.children: list[Child] = []

    def launch(self, services: list[Service]) -> list[Child]:
        """Start services that do not need each other, without waiting for them."""
        fresh = [Child(service, self.logs / f"{service.name}.log") for service in services]
        for child in fresh:
            self.children.append(child)
            self.start(child)
        return fresh

    def wait_for(self, awaited: list[Child], *, check_go_on: Callable[[], None]) -> None:
        """Look after everybody until those awaited answer.

        `check_go_on` is asked between looks and may raise to give up. Raises Failed.
        """
        while not all(child.is_ready for child in awaited):
            check_go_on()
            self.watch()

    def start(self, child: Child) -> None:
        try:
            child.start(ready_within=READY_WITHIN_SECONDS)
        except OSError as trouble:
            raise Failed(f"{child.service.name} cannot be started: {trouble}") from trouble
        self.on_change()

    def watch(self) -> None:
        """One look at every child, and a short rest."""
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
        self.on_change()
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

    def stop(self) -> None:
        stop_in_turn(self.children)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
