"""From a close, or from the wake-up of a run, to its order accepted by the sandbox; and fifty bots at one close."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from tradebot.verbs.measuring import Measurement, Metric, percentile
from tradebot.verbs.order_burst import Burst
from tradebot.verbs.order_lane import Lane
from tradebot.verbs.own_instance import OwnInstance

RUNS = 5
ORDERS = 200
CLOSES = 200
WARM_UP_ORDERS = 10
BARE_ORDERS = 100


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    instance = OwnInstance(folder)
    try:
        instance.start()
        with Lane(instance) as lane:
            lane.prepare()
            lane.run_orders(WARM_UP_ORDERS)
            lane.follow_closes(WARM_UP_ORDERS)
            runs = [(lane.run_orders(ORDERS), lane.place_bare_orders(BARE_ORDERS)) for _ in range(RUNS)]
            closes = [lane.follow_closes(CLOSES) for _ in range(RUNS)]
            lane.end()
        with Burst(instance) as burst:
            burst.prepare()
            bursts = [burst.run() for _ in range(RUNS)]
    finally:
        instance.stop()
        shutil.rmtree(folder, ignore_errors=True)
    bare = [statistics.median(run[1]) for run in runs]
    yardstick = (
        f"one MARKET order placed with python-binance alone on the same sandbox, there and back: "
        f"{statistics.median(bare):.1f} ms (p50)"
    )
    return Measurement(
        metrics=[
            *_timed("run_to_accept", [run[0] for run in runs], (100, 400), yardstick),
            *_timed("close_to_accept", closes, (150, 500), yardstick),
            Metric(metric="burst_50_last_accepted", unit="s", values=[run[0] for run in bursts], target=2),
            Metric(metric="burst_50_last_protected", unit="s", values=[run[1] for run in bursts], target=5),
            Metric(metric="bare_order_round_trip_p50", unit="ms", values=bare),
        ]
    )


def _timed(name: str, runs: list[list[float]], targets: tuple[float, float], yardstick: str) -> list[Metric]:
    return [
        Metric(
            metric=f"{name}_p{share}",
            unit="ms",
            values=[percentile(times, share) for times in runs],
            target=target,
            yardstick=yardstick,
        )
        for share, target in zip((50, 99), targets, strict=True)
    ]
