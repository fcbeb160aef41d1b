"""`./run stop`: ask the running instance to stop, and wait until nothing of it is left."""

from __future__ import annotations

import os
import signal
import sys
import time

from tradebot.supervisor.instance import UsageError, read_instance
from tradebot.supervisor.lock import holder_of
from tradebot.supervisor.records import end_leftovers

WAIT_SECONDS = 20.0


def run(arguments: list[str]) -> int:
    if arguments:
        raise UsageError("./run stop takes no arguments; DATA_DIR says which instance is meant.")
    data_dir = read_instance().data_dir
    holder = holder_of(data_dir)
    if holder is None:
        left = end_leftovers(data_dir)
        print(f"Ended what a killed start had left: {', '.join(left)}." if left else "Nothing runs.")
        return 0
    os.kill(holder, signal.SIGTERM)
    give_up_at = time.monotonic() + WAIT_SECONDS
    while holder_of(data_dir) is not None:
        if time.monotonic() > give_up_at:
            print(f"TradeBot (pid {holder}) did not stop within {WAIT_SECONDS:.0f} s.", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print("Stopped.")
    return 0
