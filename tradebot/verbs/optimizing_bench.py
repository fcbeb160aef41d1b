"""A thousand sets of parameters over a year of generated minutes, on two processes as two lanes of workers would try
them. Run inside Django (`manage.py shell`); nothing of it touches a database.

Timed is the trying itself: both processes have the candles and the compiled code before the clock starts.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from itertools import batched
from time import perf_counter
from typing import Any, Final

from tradebot.supervisor.instance import ROOT

SYMBOL: Final = "BTCUSDT"
LANES: Final = 2
# Sets a lane claims at a time, as `trading.research.optimization_lanes` does.
BATCH: Final = 8
SPACE: Final = {
    "ema_fast": {"from": 3, "to": 12, "step": 1},
    "ema_slow": {"from": 15, "to": 60, "step": 5},
    "stop_loss_perc": {"from": "0.5", "to": "2.5", "step": "0.5"},
    "take_profit_perc": {"from": "1.5", "to": "3", "step": "1.5"},
}
SETTINGS: Final = {"initial_capital": "10000", "position_size_fixed": "100", "cooldown_candles": 0}
_LANE: Final = "from tradebot.verbs.optimizing_bench import try_lane; try_lane({lane})"


def optimizing_bench() -> dict[str, Any]:
    """`seconds` until the last of two processes is done with its half of 1,000 sets; of each process its peak memory,
    and what it grew by over the second half of its sets, in MB."""
    lanes = [
        subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", _LANE.format(lane=lane)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for lane in range(LANES)
    ]  # fmt: skip
    try:
        for process in lanes:
            _line(process)
        started = perf_counter()
        for process in lanes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [json.loads(_line(process)) for process in lanes]
        seconds = perf_counter() - started
    finally:
        for process in lanes:
            process.kill()
            process.communicate()
    return {
        "sets": sum(one["sets"] for one in found),
        "seconds": seconds,
        "megabytes": [one["peak"] for one in found],
        "growth_megabytes": [one["growth"] for one in found],
    }


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a lane ended with {process.wait()} instead of trying sets")
    return line


def try_lane(lane: int) -> None:
    """Says "ready", waits for a line, tries every second batch, and says what it took."""
    from trading.research.optimization_trying import trying

    stand = _stand()
    mine = [
        values
        for index, batch in enumerate(batched(list(stand.space.every()), BATCH))
        for values in batch
        if index % LANES == lane
    ]
    with trying(stand) as at_it:
        at_it.attempt(mine[0])
        print("ready", flush=True)
        sys.stdin.readline()
        early = 0.0
        for number, values in enumerate(mine):
            at_it.attempt(values)
            if number == len(mine) // 2:
                early = _megabytes()
        late = _megabytes()
    told = {"sets": len(mine), "peak": _peak_megabytes(), "growth": max(late - early, 0.0)}
    print(json.dumps(told), flush=True)


def _stand() -> Any:
    from engine.market import MINUTE_MS
    from engine.rules import rules_from_symbol_info
    from engine.walk_forward import cut_windows
    from tradebot.verbs.history_ground import generated_minutes
    from trading.research.optimization_space import Space, read_axes
    from trading.research.optimization_trying import Stand
    from trading.research.settings import settings_json

    info = json.loads((ROOT / "exchange" / "sandbox" / "recordings" / "exchange_info.json").read_text())
    entry = next(entry for entry in info["symbols"] if entry["symbol"] == SYMBOL)
    minutes = generated_minutes()
    axes, errors = read_axes("ema", SPACE)
    assert not errors, errors
    start_ms, end_ms = int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + MINUTE_MS
    (main,) = cut_windows(start_ms, end_ms, count=1)
    return Stand(
        minutes=minutes,
        rules=rules_from_symbol_info(entry),
        timeframe="1m",
        market="spot",
        space=Space("ema", {}, tuple(axes)),
        settings=settings_json(SETTINGS),
        main=main,
    )


def _megabytes() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
