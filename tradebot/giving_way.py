"""How the research worker gives way to what trades: it is last at the cores, and its memory comes back.

What a child has loaded (a compiler, years of candles) it keeps while there is work; one that has rested for long enough
ends, and a fresh and light one takes its place.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Final

from celery import signals
from django.conf import settings

# Beside whatever else wants a core it counts for a third: compiling still ends in minutes while all bots are busy.
NICENESS: Final = 5


def step_back() -> None:
    """For this process and those it forks. Linux may share cores out among sessions first, and a process is then nice
    within its own only: so a session that is all ours steps back, too."""
    os.nice(NICENESS)
    if os.getsid(0) != os.getpid():
        return
    try:
        with open("/proc/self/autogroup", "w") as session:
            session.write(str(NICENESS))
    except OSError:
        # There are no such groups: then what was said first is enough.
        return


def rest_after_work() -> None:
    """Called in a child as it begins. One that has never worked holds nothing, and stays."""
    signal.signal(signal.SIGALRM, end)
    signals.task_prerun.connect(work)
    signals.task_postrun.connect(rest)


def work(**_: Any) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


def rest(**_: Any) -> None:
    signal.setitimer(signal.ITIMER_REAL, settings.RESEARCH_REST_SECONDS)


def end(number: int, frame: FrameType | None) -> None:
    """A child that ends well is replaced by its pool. Should a task come in this very moment, it is delivered again or
    found by its state."""
    raise SystemExit(0)
