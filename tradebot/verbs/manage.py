"""`./run manage COMMAND …`: Django's commands against the running instance, or against its servers alone."""

from __future__ import annotations

import subprocess
import sys

from tradebot.supervisor.borrowed import servers_for_command
from tradebot.supervisor.instance import ROOT, read_instance


def run(arguments: list[str]) -> int:
    with servers_for_command(read_instance()) as environment:
        try:
            command = [sys.executable, "manage.py", *arguments]
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        except KeyboardInterrupt:
            # The command heard Ctrl-C too, and has ended.
            return 130
