"""From a state changed by a worker to the event on a page, with a hundred streams open."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from tradebot.verbs.live_streams import Streams, sign_in
from tradebot.verbs.measuring import Measurement, Metric, percentile
from tradebot.verbs.order_lane import Lane
from tradebot.verbs.own_instance import OwnInstance

RUNS = 5
STREAMS = 100
CHANGES = 40
ARRIVE_WITHIN_SECONDS = 10.0
# When the worker wrote the row, by its own clock, a moment before its commit.
WRITTEN = "SELECT extract(epoch FROM last_run_at)::float FROM bots_botstate WHERE bot_config_id = %s"


def measure() -> Measurement:
    folder = Path(tempfile.mkdtemp(prefix="tradebot-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    instance = OwnInstance(folder)
    try:
        instance.start()
        records = instance.records
        with Lane(instance) as lane:
            lane.prepare()
            session = sign_in(instance.url, records["email"], records["password"])
            with Streams(instance.url, session, STREAMS) as streams:
                follow(lane, streams, 3)
                runs = [follow(lane, streams, CHANGES) for _ in range(RUNS)]
    finally:
        instance.stop()
        shutil.rmtree(folder, ignore_errors=True)
    yardstick = f"{STREAMS} streams in one process, every one measured: {CHANGES * STREAMS} arrivals a run"
    metrics = [
        Metric(
            metric=f"change_to_event_p{share}",
            unit="ms",
            values=[percentile(times, share) for times in runs],
            target=target,
            yardstick=yardstick,
        )
        for share, target in ((50, 200), (99, 1_000))
    ]
    lost = [float(CHANGES * STREAMS - len(times)) for times in runs]
    return Measurement(metrics=[*metrics, Metric(metric="events_lost", unit="", values=lost, target=0)])


def follow(lane: Lane, streams: Streams, changes: int) -> list[float]:
    """Let so many candles close; the milliseconds from each written state to its event on every stream."""
    times: list[float] = []
    for _ in range(changes):
        market_ms = int(lane.control.advance()["market_ms"])
        lane.wait_for_run(market_ms)
        row = lane.database.execute(WRITTEN.encode(), [lane.bot_id]).fetchone()
        assert row is not None
        times += [(at - row[0]) * 1000 for at in _all_arrivals(streams, f"bot-{lane.bot_id}", row[0])]
    return times


def _all_arrivals(streams: Streams, name: str, since: float) -> list[float]:
    """Wait until every stream has heard, but not for ever: what is missing counts as lost."""
    give_up_at = time.monotonic() + ARRIVE_WITHIN_SECONDS
    while len(found := streams.arrivals(name, since)) < STREAMS and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return found
