"""`./run check`: everything that can be said about the code without running it for real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from tradebot.supervisor.instance import ROOT, UsageError
from tradebot.verbs.outcome import outcome, print_outcome

PYTHON = sys.executable
STEPS: dict[str, list[str]] = {
    "style": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "types": [PYTHON, "-m", "mypy"],
    "imports": [
        PYTHON,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())",
    ],
    "settings": [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "templates": [PYTHON, "-m", "djlint", "--lint", "--quiet", "templates"],
    # Limits, names, rooms, foreign keys, templates that compile, .env.example and command list equal to the code.
    "architecture": [
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "tests/architecture",
    ],
}


def run(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in STEPS]
    if unknown:
        raise UsageError(f"There is no step {unknown[0]!r}; the steps are {', '.join(STEPS)}.")
    started = time.monotonic()
    steps = [check(name) for name in arguments or STEPS]
    ok = all(step["ok"] for step in steps)
    return print_outcome(outcome("check", name=None, ok=ok, started=started, steps=steps))


def check(name: str) -> dict[str, Any]:
    """Run one step; its output is shown when it fails."""
    started = time.monotonic()
    # Whether history is consistent is the instance's question; here no database is asked.
    environment = {**os.environ, "ENVIRONMENT": "test", "PYTHONWARNINGS": "ignore::RuntimeWarning"}
    done = subprocess.run(
        STEPS[name],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    ok = done.returncode == 0
    seconds = round(time.monotonic() - started, 1)
    print(f"{'ok    ' if ok else 'FAILED'} {name:<13}{seconds:6.1f} s", flush=True)
    if not ok:
        print(done.stdout, flush=True)
    return {"name": name, "ok": ok, "seconds": seconds}
