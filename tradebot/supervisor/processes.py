"""One process under supervision: what it is (`Service`) and its present life (`Child`).

A child has its own session, so that it and all it forks can be ended together, and it asks the kernel to be signalled
when the supervisor dies (Linux; elsewhere the next start finds and ends it).
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tradebot.supervisor.logfiles import open_log

PR_SET_PDEATHSIG = 1
BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)


def no_preparation() -> None:
    """Most services need nothing done before they start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a process is started, asked, and ended."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    answers: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    # Sent by the kernel when the supervisor is killed: nothing may go on trading without it.
    orphan_signal: signal.Signals = signal.SIGTERM
    prepare: Callable[[], None] = no_preparation
    user: pwd.struct_passwd | None = None
    folder: str | None = None


@dataclass(slots=True)
class Child:
    """A service's present process, and the memory of how often it died."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: datetime | None = None
    created: float = 0.0
    is_ready: bool = False
    ready_by: float = 0.0
    start_at: float = 0.0
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=5))

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self, *, ready_within: float) -> None:
        """Start the process now; its output goes to its log."""
        self.service.prepare()
        user = self.service.user
        with open_log(self.log) as output:
            self.process = subprocess.Popen(
                self.service.command,
                env=dict(self.service.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.service.folder,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=death_wish(self.service.orphan_signal),
            )
        self.started_at = datetime.now(UTC)
        self.created = creation_time(self.process.pid)
        self.is_ready = False
        self.ready_by = time.monotonic() + ready_within

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> int:
        """Note a death, end what the process left behind, and set the time of the next start; its exit code."""
        assert self.process is not None
        code = self.process.returncode
        signal_session(self.process.pid, signal.SIGKILL)
        self.process = None
        self.is_ready = False
        recent = [at for at in self.deaths if at > time.monotonic() - 60]
        self.start_at = time.monotonic() + BACK_OFF_SECONDS[min(len(recent), len(BACK_OFF_SECONDS) - 1)]
        self.deaths.append(time.monotonic())
        return code

    def dies_too_often(self) -> bool:
        """True at the fifth death within a minute."""
        return len(self.deaths) == self.deaths.maxlen and self.deaths[0] > time.monotonic() - 60

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.service.stop_signal)

    def end(self) -> None:
        """Kill the process and everything in its session, and wait for it."""
        if self.process:
            signal_session(self.process.pid, signal.SIGKILL)
            self.process.wait()
            signal_session(self.process.pid, signal.SIGKILL)
            self.process = None


def death_wish(chosen: signal.Signals) -> Callable[[], None] | None:
    """What a child does between fork and exec so that the kernel signals it when its parent dies."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def wish() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(chosen), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return wish


def creation_time(pid: int) -> float:
    """When this process was made, as the system counts: with the pid it names a process for ever."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def signal_session(leader: int, chosen: signal.Signals) -> None:
    """Signal every process of the session that `leader` opened."""
    try:
        os.killpg(leader, chosen)
    except (ProcessLookupError, PermissionError):
        # Gone already: that is what was wanted. (macOS says so by refusing.)
        return
