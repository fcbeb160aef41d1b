"""Stopping an instance within ten seconds: those who trade first, the database last."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tradebot.supervisor.processes import Child

TURNS = (("beat", "feed", "worker", "research", "web"), ("sandbox",), ("valkey", "postgres"))
SECONDS_A_TURN = (4.5, 2.0, 2.5)


def stop_in_turn(children: Iterable[Child]) -> None:
    """Ask each group to stop, wait its time, and kill what remains with everything it forked."""
    by_name = {child.service.name: child for child in children}
    for names, seconds in zip(TURNS, SECONDS_A_TURN, strict=True):
        group = [by_name[name] for name in names if name in by_name]
        for child in group:
            child.ask_to_stop()
        give_up_at = time.monotonic() + seconds
        while (
            any(child.process and not child.has_died() for child in group) and time.monotonic() < give_up_at
        ):
            time.sleep(0.02)
        for child in group:
            child.end()
