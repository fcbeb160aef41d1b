"""`./run`: start everything and stay in the foreground until asked to stop."""

from __future__ import annotations

import sys

from tradebot.supervisor.instance import UsageError, read_instance
from tradebot.supervisor.supervise import run_instance


def run(arguments: list[str]) -> int:
    if arguments:
        raise UsageError("./run takes no arguments; HOST, PORT and DATA_DIR come from the environment.")
    instance = read_instance()
    print(f"TradeBot starts at {instance.url}; data in {instance.data_dir}.", file=sys.stderr, flush=True)
    try:
        run_instance(instance)
    except OSError as problem:
        # A folder that cannot be made or written: a matter of this machine's set-up.
        print(f"Cannot set up: {problem}", file=sys.stderr, flush=True)
        return 3
    return 0
