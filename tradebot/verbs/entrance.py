"""Picks the verb and turns its outcome into an exit code.

0 done · 1 ran, and something failed · 2 usage · 3 cannot set up · 4 in use · 5 not ready.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from tradebot.supervisor.crew import Failed
from tradebot.supervisor.instance import UsageError
from tradebot.supervisor.lock import InUse

# Verb → (module, what `./run help` says). "" is `./run` alone.
VERBS = {
    "": ("start", "start everything and stay; Ctrl-C stops it"),
    "status": ("status", "what runs, and how it is"),
    "stop": ("stop", "stop the running instance"),
    "test": ("test", "[pytest arguments]  all tests, on servers of their own"),
    "check": ("check", "style, types, import contracts, migrations, templates"),
    "bench": ("bench", "[NAME]  measure, and write docs/benchmarks/NAME.json"),
    "chaos": ("chaos", "[--each-once] [--minutes N]  kill processes while bots trade, then audit"),
    "parity": ("parity", "[--candles N]  live and backtest side by side, trade by trade: must be equal"),
    "manage": ("manage", "COMMAND …  a command of manage.py, with the instance's environment"),
}


def main(arguments: list[str]) -> int:
    """Run one verb; its exit code."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb in {"help", "-h", "--help"}:
        print(usage())
        return 0
    if verb not in VERBS:
        say(f"There is no verb {verb!r}.\n\n{usage()}")
        return 2
    run: Callable[[list[str]], int] = import_module(f"tradebot.verbs.{VERBS[verb][0]}").run
    try:
        return run(rest)
    except UsageError as problem:
        say(str(problem))
        return 2
    except InUse as problem:
        say(str(problem))
        return 4
    except Failed as problem:
        say(str(problem))
        return 5


def usage() -> str:
    lines = [f"  ./run {verb:<8}{text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(["TradeBot", *lines])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
