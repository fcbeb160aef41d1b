"""A sandbox as a child process, for tests, bench and chaos: started, killed and started again on the same data."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from exchange.sandbox.control import ControlClient

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SandboxProcess:
    """`with SandboxProcess(folder, clock="step", start_ms=…) as sandbox:` — `.url`, `.token`, `.key_secret`,
    `.control`; `.kill()` is SIGKILL, `.start()` comes back on the same port with the same journal."""

    def __init__(self, data_dir: Path, *, clock: str = "real", start_ms: int | None = None):
        self.data_dir = Path(data_dir)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_urlsafe(24)
        self.key_secret = secrets.token_urlsafe(24)
        self.control = ControlClient(self.url, self.token)
        self._clock = clock
        self._start_ms = start_ms
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "SandboxProcess":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def log_path(self) -> Path:
        return self.data_dir / "sandbox.log"

    def start(self) -> None:
        """Returns once the sandbox answers; RuntimeError with its log if it does not."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "exchange.sandbox"],
                cwd=ROOT,
                stderr=log,
                stdout=log,
                stdin=subprocess.DEVNULL,
                env=self._environment(),
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the sandbox did not start:\n{self.log_path.read_text()}")
            time.sleep(0.02)

    def wait(self, timeout_s: float) -> int | None:
        """The exit code once the child has ended by itself; None if none was started."""
        return None if self._child is None else self._child.wait(timeout_s)

    def stop(self) -> None:
        self._end(signal_it=lambda child: child.terminate())

    def kill(self) -> None:
        self._end(signal_it=lambda child: child.kill())

    def _end(self, signal_it: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._child is None:
            return
        signal_it(self._child)
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "DATA_DIR": str(self.data_dir),
            "SANDBOX_HOST": "127.0.0.1",
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_TOKEN": self.token,
            "SANDBOX_KEY_SECRET": self.key_secret,
            "SANDBOX_CLOCK": self._clock,
            "SANDBOX_START_MS": "" if self._start_ms is None else str(self._start_ms),
        }

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/api/v3/ping", timeout=1) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
