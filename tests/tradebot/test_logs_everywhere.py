"""Whatever process says it, a log line is JSON on stderr and shows no local of a traceback."""

from __future__ import annotations

import json
import subprocess
import sys

from tradebot.supervisor.instance import ROOT

PROGRAM = """
import structlog

def open_vault():
    secret = "-".join(["not", "for", "logs"])
    raise ValueError("The vault is shut.")

try:
    open_vault()
except ValueError:
    structlog.get_logger("accounts").exception("broken")
"""


def test_a_command_shows_no_local_of_a_traceback() -> None:
    """Commands are processes too: structlog's own default prints every local of every frame, and on stdout."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    line = json.loads(done.stderr.splitlines()[-1])
    assert (done.stdout, line["event"], line["level"]) == ("", "broken", "error")
    assert "not-for-logs" not in done.stderr
    assert line["exception"].endswith("ValueError: The vault is shut.")
