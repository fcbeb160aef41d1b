"""`./run bench [NAME]`: measures, and writes docs/benchmarks/NAME.json. One module a bench, in tradebot/verbs/benches/.

A bench module has `measure() -> Measurement`; its first docstring line is what the list shows.
"""

from __future__ import annotations

import json
import pkgutil
import sys
import time
from importlib import import_module
from typing import Any

from tradebot.supervisor.instance import ROOT, UsageError
from tradebot.verbs import benches
from tradebot.verbs.measuring import Measurement
from tradebot.verbs.outcome import machine, outcome, print_outcome

RESULTS = ROOT / "docs" / "benchmarks"


def run(arguments: list[str]) -> int:
    known = [module.name for module in pkgutil.iter_modules(benches.__path__)]
    if len(arguments) > 1 or any(name not in known for name in arguments):
        raise UsageError(f"./run bench [NAME]; the names are {', '.join(known)}.")
    if arguments:
        return print_outcome(run_bench(arguments[0]))
    started = time.monotonic()
    results = [run_bench(name) for name in known]
    for result in results:
        print(json.dumps(result), flush=True)
    ok = all(result["ok"] for result in results)
    held = {result["name"]: result["ok"] for result in results}
    return print_outcome(outcome("bench", name=None, ok=ok, started=started, benches=held))


def run_bench(name: str) -> dict[str, Any]:
    """Measure once and write the result down."""
    print(f"Measuring {name} …", file=sys.stderr, flush=True)
    started = time.monotonic()
    measured: Measurement = import_module(f"tradebot.verbs.benches.{name}").measure()
    metrics = [metric.as_json() for metric in measured.metrics]
    ok = not any(metric["holds"] is False for metric in metrics)
    result = outcome(
        "bench", name=name, ok=ok, started=started, machine=machine(), data=measured.data, metrics=metrics
    )
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    for metric in metrics:
        print(in_words(metric), flush=True)
    return result


def in_words(metric: dict[str, Any]) -> str:
    target = "" if metric["target"] is None else f"  (target {metric['compare']} {metric['target']})"
    mark = {True: "ok    ", False: "MISSED", None: "      "}[metric["holds"]]
    return f"{mark} {metric['metric']:<28}{metric['value']:>10} {metric['unit']}{target}"
