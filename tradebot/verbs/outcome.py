"""The last line of stdout of test, check, bench, chaos and parity: one JSON object a program can read."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from typing import Any

from tradebot.supervisor.instance import ROOT


def commit() -> str:
    """The commit the code stands at, with "+" when it was changed since; "unknown" outside a clone."""
    try:
        head = git("rev-parse", "--short=12", "HEAD")
        return f"{head}+" if git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "memory_mb": memory // 1_000_000, "python": platform.python_version()}


def outcome(verb: str, *, name: str | None, ok: bool, started: float, **more: Any) -> dict[str, Any]:
    """The object; `started` is the `time.monotonic()` at which the verb began."""
    seconds = round(time.monotonic() - started, 1)
    return {"verb": verb, "name": name, "ok": ok, "seconds": seconds, "commit": commit(), **more}


def print_outcome(content: dict[str, Any]) -> int:
    """Say the outcome; the exit code that goes with it."""
    print(json.dumps(content), flush=True)
    return 0 if content["ok"] else 1
